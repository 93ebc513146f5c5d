"""Audit groups heard of, and the fairness and governance pack of each released run.

Neither who declared what nor who stood in which group of a pack is readable by the api role.
"""

from __future__ import annotations

from alembic import op
from chassis.migrations import enable_row_level_security, execute_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE known_programs
    ADD COLUMN suppression_threshold integer NOT NULL DEFAULT 5,
    ADD COLUMN audit_dimensions text[] NOT NULL DEFAULT '{age_band,disability,ethnicity,gender}';
CREATE TABLE known_audit_groups (
    participation_id uuid NOT NULL CONSTRAINT pk_known_audit_groups PRIMARY KEY,
    cohort_id uuid NOT NULL,
    person_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    codes jsonb NOT NULL,
    sequence bigint NOT NULL
);
CREATE INDEX ix_known_audit_groups_cohort_id ON known_audit_groups (cohort_id);
CREATE INDEX ix_known_audit_groups_person_id ON known_audit_groups (person_id);
CREATE TABLE governance_packs (
    run_id uuid NOT NULL CONSTRAINT pk_governance_packs PRIMARY KEY,
    cohort_id uuid NOT NULL,
    program_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    attempts integer NOT NULL,
    computed_at timestamptz,
    document text,
    digest text
);
CREATE INDEX ix_governance_packs_cohort_id ON governance_packs (cohort_id);
CREATE TABLE governance_cells (
    run_id uuid NOT NULL,
    cell text NOT NULL,
    cohort_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    members uuid[] NOT NULL,
    CONSTRAINT pk_governance_cells PRIMARY KEY (run_id, cell)
);
CREATE INDEX ix_governance_cells_members ON governance_cells USING gin (members);
CREATE INDEX ix_governance_cells_cohort_id ON governance_cells (cohort_id);
"""
_DOWN = """
DROP TABLE governance_cells, governance_packs, known_audit_groups;
ALTER TABLE known_programs DROP COLUMN suppression_threshold, DROP COLUMN audit_dimensions;
"""


def upgrade() -> None:
    execute_script(op, _UP)
    for table in ("known_audit_groups", "governance_packs", "governance_cells"):
        enable_row_level_security(op, "matching", table, writable_by_api=False)
    execute_script(op, "REVOKE SELECT ON known_audit_groups, governance_cells FROM matching_api")


def downgrade() -> None:
    execute_script(op, _DOWN)
