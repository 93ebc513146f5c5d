"""Match runs, pairs, and what is known of people, programs, cohorts, participations and formed pairs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from chassis.migrations import create_mechanism, drop_mechanism, enable_row_level_security
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SHARED = ("runs", "pairs")
_PROJECTIONS = {
    "known_people": False,
    "known_programs": False,
    "known_cohorts": True,
    "known_participations": True,
    "known_pairs": True,
}
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_mechanism(op, "matching")
    _create_runs()
    _create_pairs()
    _create_organisation()
    _create_cohorts()
    for table in _SHARED:
        enable_row_level_security(op, "matching", table, shared=True)
    for table, shared in _PROJECTIONS.items():
        enable_row_level_security(op, "matching", table, shared=shared, writable_by_api=False)


def downgrade() -> None:
    for table in (*_SHARED, *_PROJECTIONS):
        op.drop_table(table)
    drop_mechanism(op)


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("people", ARRAY(sa.Uuid()), nullable=False, comment="Everybody whose facts are in the snapshot."),
        sa.Column("outdated", sa.Boolean(), nullable=False),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("completed_at", _MOMENT),
        sa.Column("released_at", _MOMENT),
        sa.Column("result", JSONB()),
        sa.Column("queued_at", _MOMENT, nullable=False, server_default=sa.func.now(), comment="Real time."),
        sa.Column("leased_until", _MOMENT, comment="Real time; a worker that does not renew it has died."),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
        sa.CheckConstraint("business_unit_id = ANY (named_unit_ids)", name=op.f("ck_runs_owner_is_named")),
    )
    op.create_index("ix_runs_cohort_id_run_id", "runs", ["cohort_id", "run_id"])
    op.create_index(
        "uq_runs_one_open",
        "runs",
        ["cohort_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index("ix_runs_unreleased", "runs", ["run_id"], postgresql_where=sa.text("state = 'completed'"))


def _create_pairs() -> None:
    op.create_table(
        "pairs",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_participation_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_participation_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_accepted_at", _MOMENT),
        sa.Column("mentee_accepted_at", _MOMENT),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("score_parts", JSONB(), nullable=False),
        sa.Column("topics", JSONB(), nullable=False),
        sa.Column("shared_languages", ARRAY(sa.Text()), nullable=False),
        sa.Column("overlap_minutes", sa.Integer(), nullable=False),
        sa.Column("grade_gap", sa.Integer(), nullable=False),
        sa.Column("words", ARRAY(sa.Text()), nullable=False),
        sa.Column("cadence_floor_days", sa.Integer()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("released_at", _MOMENT),
        sa.Column("expires_at", _MOMENT),
        sa.Column("formed_at", _MOMENT),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pair_id", name="pk_pairs"),
        sa.CheckConstraint("business_unit_id = ANY (named_unit_ids)", name=op.f("ck_pairs_owner_is_named")),
        sa.CheckConstraint("mentor_id <> mentee_id", name=op.f("ck_pairs_two_people")),
        sa.CheckConstraint(
            "state <> 'formed' OR (mentor_accepted_at IS NOT NULL AND mentee_accepted_at IS NOT NULL)",
            name=op.f("ck_pairs_both_accepted"),
        ),
    )
    op.create_index("ix_pairs_run_id_pair_id", "pairs", ["run_id", "pair_id"])
    op.create_index("ix_pairs_cohort_id_pair_id", "pairs", ["cohort_id", "pair_id"])
    op.create_index("ix_pairs_mentor_id", "pairs", ["mentor_id"])
    op.create_index("ix_pairs_mentee_id", "pairs", ["mentee_id"])
    op.create_index("ix_pairs_expires_at", "pairs", ["expires_at"], postgresql_where=sa.text("state = 'released'"))


def _create_organisation() -> None:
    op.create_table(
        "known_people",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("employed", sa.Boolean(), nullable=False),
        sa.Column("grade_rank", sa.Integer(), nullable=False),
        sa.Column("manager_id", sa.Uuid()),
        sa.Column("dotted_line_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("team", sa.Text()),
        sa.Column("function", sa.Text()),
        sa.Column("region", sa.Text()),
        sa.Column("country", sa.Text()),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name="pk_known_people"),
    )
    op.create_table(
        "known_programs",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("pair_type", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("minimum_grade_gap", sa.Integer(), nullable=False),
        sa.Column("minimum_language_level", sa.Integer(), nullable=False),
        sa.Column("minimum_overlap_minutes", sa.Integer(), nullable=False),
        sa.Column("weights", JSONB(), nullable=False),
        sa.Column("acceptance_days", sa.Integer(), nullable=False),
        sa.Column("facilitator_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", name="pk_known_programs"),
    )


def _create_cohorts() -> None:
    op.create_table(
        "known_cohorts",
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cohort_id", name="pk_known_cohorts"),
    )
    op.create_table(
        "known_participations",
        sa.Column("participation_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("home_unit_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("offers", JSONB(), nullable=False),
        sa.Column("asks", JSONB(), nullable=False),
        sa.Column("languages", JSONB(), nullable=False),
        sa.Column("time_zone", sa.Text()),
        sa.Column("start_minute", sa.Integer()),
        sa.Column("end_minute", sa.Integer()),
        sa.Column("working_days", ARRAY(sa.Integer()), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("cadence_floor_days", sa.Integer()),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("participation_id", name="pk_known_participations"),
    )
    op.create_index("ix_known_participations_cohort_id", "known_participations", ["cohort_id"])
    op.create_table(
        "known_pairs",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pair_id", name="pk_known_pairs"),
    )
