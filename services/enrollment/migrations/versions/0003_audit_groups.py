"""Groups people declare so that runs can be audited, by consent to that purpose alone.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op
from chassis.migrations import enable_row_level_security, execute_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Constant defaults: nothing is rewritten, and the version that runs meanwhile may go on inserting rows without the columns.
_UP = """
ALTER TABLE participations
    ADD COLUMN audit_version integer NOT NULL DEFAULT 0,
    ADD COLUMN declares_groups boolean NOT NULL DEFAULT false;
CREATE TABLE audit_groups (
    participation_id uuid NOT NULL CONSTRAINT pk_audit_groups PRIMARY KEY
        CONSTRAINT fk_audit_groups_participation_id REFERENCES participations (participation_id) ON DELETE CASCADE,
    business_unit_id uuid NOT NULL,
    groups jsonb NOT NULL,
    consented_at timestamptz NOT NULL
);
"""
_DOWN = """
DROP TABLE audit_groups;
ALTER TABLE participations DROP COLUMN audit_version, DROP COLUMN declares_groups;
"""


def upgrade() -> None:
    execute_script(op, _UP)
    enable_row_level_security(op, "enrollment", "audit_groups")


def downgrade() -> None:
    execute_script(op, _DOWN)
