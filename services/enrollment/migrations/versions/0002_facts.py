"""Projects, reviewers and tenure of people; life experience, by consent; priority of participations.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op
from chassis.migrations import enable_row_level_security, execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Constant defaults: nothing is rewritten, and the version that runs meanwhile may go on inserting rows without the columns.
_UP = """
ALTER TABLE people
    ADD COLUMN projects text[] NOT NULL DEFAULT '{}',
    ADD COLUMN reviewer_ids uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN tenure_band text;
ALTER TABLE participations
    ADD COLUMN background_codes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN priority smallint NOT NULL DEFAULT 2;
CREATE INDEX ix_participations_program_id_person_id ON participations (program_id, person_id);
CREATE TABLE life_experiences (
    participation_id uuid NOT NULL CONSTRAINT pk_life_experiences PRIMARY KEY
        CONSTRAINT fk_life_experiences_participation_id REFERENCES participations (participation_id) ON DELETE CASCADE,
    business_unit_id uuid NOT NULL,
    purpose text NOT NULL,
    experiences text[] NOT NULL,
    consented_at timestamptz NOT NULL
);
CREATE TABLE cohort_keys (
    cohort_id uuid NOT NULL CONSTRAINT pk_cohort_keys PRIMARY KEY
        CONSTRAINT fk_cohort_keys_cohort_id REFERENCES cohorts (cohort_id) ON DELETE CASCADE,
    business_unit_id uuid NOT NULL,
    key bytea NOT NULL
);
"""
_DOWN = """
DROP TABLE cohort_keys, life_experiences;
DROP INDEX ix_participations_program_id_person_id;
ALTER TABLE participations DROP COLUMN background_codes, DROP COLUMN priority;
ALTER TABLE people DROP COLUMN projects, DROP COLUMN reviewer_ids, DROP COLUMN tenure_band;
"""


def upgrade() -> None:
    execute_script(op, _UP)
    enable_row_level_security(op, "enrollment", "life_experiences")
    enable_row_level_security(op, "enrollment", "cohort_keys")


def downgrade() -> None:
    execute_script(op, _DOWN)
