"""Erasures of people: who is to be erased, why, and when it was done.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op
from chassis.migrations import enable_row_level_security, execute_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE erasures (
    person_id uuid NOT NULL CONSTRAINT pk_erasures PRIMARY KEY
        CONSTRAINT fk_erasures_person_id REFERENCES people (person_id),
    business_unit_id uuid NOT NULL,
    reason text NOT NULL,
    requested_at timestamptz NOT NULL,
    erased_at timestamptz
);
CREATE INDEX ix_erasures_open ON erasures (requested_at) WHERE erased_at IS NULL;
"""


def upgrade() -> None:
    execute_script(op, _UP)
    enable_row_level_security(op, "enrollment", "erasures")


def downgrade() -> None:
    execute_script(op, "DROP TABLE erasures;")
