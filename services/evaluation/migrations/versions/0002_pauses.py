"""When pairs stood still for a check."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from chassis.migrations import enable_row_level_security
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_pauses",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pair_id", "sequence", name="pk_known_pauses"),
        comment="One row per beginning or end of a pause; the sequence is matching's.",
    )
    op.create_index("ix_known_pauses_cohort_id", "known_pauses", ["cohort_id"])
    enable_row_level_security(op, "evaluation", "known_pauses", shared=True, writable_by_api=False)


def downgrade() -> None:
    op.drop_table("known_pauses")
