"""Runs that can be watched, cancelled, bounded, built on an earlier one, replayed; the unmatched in a table of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from chassis.migrations import enable_row_level_security
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ADDED = (
    sa.Column("keep_run_id", sa.Uuid(), comment="The run whose proposals a re-match keeps where it can."),
    sa.Column(
        "deadline_seconds", sa.Integer(), comment="How long solving may take; none: until the optimum is proven."
    ),
    sa.Column(
        "requested_by", sa.Text(), nullable=False, server_default="", comment="Subject of who asked for the run."
    ),
    sa.Column("approved_by", sa.Text(), comment="Subject of who approved the release of a bounded run."),
    sa.Column("failures", sa.Integer(), nullable=False, server_default="0", comment="Attempts that gave no result."),
    sa.Column("stage", sa.Text(), comment="What the worker is doing."),
    sa.Column("share", sa.Integer(), comment="How much of the stage is done, of 1000."),
    sa.Column("facts_mark", sa.BigInteger(), comment="Sum of the sequences of the people and participations it saw."),
    sa.Column("released_by", sa.Text(), comment="Subject of who asked for the release."),
)


def upgrade() -> None:
    for column in _ADDED:
        op.add_column("runs", column)
    op.drop_index("uq_runs_one_open", "runs")
    op.create_index(
        "uq_runs_one_open",
        "runs",
        ["cohort_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running', 'releasing')"),
    )
    op.create_table(
        "run_records",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="`input` or `proof`."),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="Canonical JSON, compressed by zlib."),
        sa.PrimaryKeyConstraint("run_id", "name", name="pk_run_records"),
    )
    op.create_table(
        "run_unmatched",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("participation_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid()),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("considered", sa.Integer(), nullable=False),
        sa.Column("allowed", sa.Integer(), nullable=False),
        sa.Column("broken", JSONB(), nullable=False, comment="People opposite per rule that excludes them."),
        sa.PrimaryKeyConstraint("run_id", "participation_id", name="pk_run_unmatched"),
    )
    op.create_index("ix_run_unmatched_person_id", "run_unmatched", ["person_id"])
    enable_row_level_security(op, "matching", "run_records", writable_by_api=False)
    enable_row_level_security(op, "matching", "run_unmatched", shared=True, writable_by_api=False)


def downgrade() -> None:
    op.drop_table("run_unmatched")
    op.drop_table("run_records")
    op.drop_index("uq_runs_one_open", "runs")
    op.create_index(
        "uq_runs_one_open",
        "runs",
        ["cohort_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    for column in _ADDED:
        op.drop_column("runs", column.name)
