"""What enrollment has come to publish of people, participations and programs: projects, reviewers, tenure; values, style,
channels, life experience, priority; the policies of a program.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op
from chassis.migrations import execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Constant defaults: nothing is rewritten, and the version that runs meanwhile may go on inserting rows without the columns.
_UP = """
ALTER TABLE known_people
    ADD COLUMN project_codes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN reviewer_ids uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN tenure_band text;
ALTER TABLE known_programs
    ADD COLUMN unit_policy text NOT NULL DEFAULT 'any',
    ADD COLUMN repeat_pairs boolean NOT NULL DEFAULT false,
    ADD COLUMN preference_limit integer NOT NULL DEFAULT 5,
    ADD COLUMN mode text NOT NULL DEFAULT 'hr_run',
    ADD COLUMN trial_days integer NOT NULL DEFAULT 0,
    ADD COLUMN request_days integer NOT NULL DEFAULT 14,
    ADD COLUMN request_reminder_days integer NOT NULL DEFAULT 7,
    ADD COLUMN mentors_per_mentee integer NOT NULL DEFAULT 1;
ALTER TABLE known_participations
    ADD COLUMN declared_values text[] NOT NULL DEFAULT '{}',
    ADD COLUMN style jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN channels text[] NOT NULL DEFAULT '{}',
    ADD COLUMN background_codes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN priority integer NOT NULL DEFAULT 2;
"""
_DOWN = """
ALTER TABLE known_participations
    DROP COLUMN declared_values, DROP COLUMN style, DROP COLUMN channels, DROP COLUMN background_codes, DROP COLUMN priority;
ALTER TABLE known_programs
    DROP COLUMN unit_policy, DROP COLUMN repeat_pairs, DROP COLUMN preference_limit, DROP COLUMN mode, DROP COLUMN trial_days,
    DROP COLUMN request_days, DROP COLUMN request_reminder_days, DROP COLUMN mentors_per_mentee;
ALTER TABLE known_people DROP COLUMN project_codes, DROP COLUMN reviewer_ids, DROP COLUMN tenure_band;
"""


def upgrade() -> None:
    execute_script(op, _UP)


def downgrade() -> None:
    execute_script(op, _DOWN)
