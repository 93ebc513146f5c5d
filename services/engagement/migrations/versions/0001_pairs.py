"""Pairs, agreements, meetings, and what is known of programs, cohorts and participations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from chassis.migrations import create_mechanism, drop_mechanism, enable_row_level_security
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SHARED = ("pairs", "agreement_terms", "meetings")
_PROJECTIONS = {"known_programs": False, "known_cohorts": True, "known_participations": True}
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_mechanism(op, "engagement")
    _create_pairs()
    _create_agreement_terms()
    _create_meetings()
    _create_projections()
    for table in _SHARED:
        enable_row_level_security(op, "engagement", table, shared=True)
    for table, shared in _PROJECTIONS.items():
        enable_row_level_security(op, "engagement", table, shared=shared, writable_by_api=False)


def downgrade() -> None:
    for table in (*_SHARED, *_PROJECTIONS):
        op.drop_table(table)
    drop_mechanism(op)


def _create_pairs() -> None:
    op.create_table(
        "pairs",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_participation_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_participation_id", sa.Uuid(), nullable=False),
        sa.Column("formality", sa.Text(), nullable=False),
        sa.Column("cadence_days", sa.Integer()),
        sa.Column("cadence_floor_days", sa.Integer()),
        sa.Column("silence_days", sa.Integer(), nullable=False),
        sa.Column("duration_months", sa.Integer(), nullable=False),
        sa.Column("training_required", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text()),
        sa.Column("formed_at", _MOMENT, nullable=False),
        sa.Column("activated_at", _MOMENT),
        sa.Column("silent_from", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("last_held_at", _MOMENT),
        sa.Column("meetings_held", sa.Integer(), nullable=False),
        sa.Column("stalls_at", _MOMENT, comment="When silence becomes a stall; null while silence is not counted."),
        sa.Column("stalled_at", _MOMENT),
        sa.Column("stalls", sa.Integer(), nullable=False),
        sa.Column("agreement_version", sa.Integer(), nullable=False),
        sa.Column("agreement_in_force", sa.Integer()),
        sa.Column("mentor_signed_at", _MOMENT),
        sa.Column("mentee_signed_at", _MOMENT),
        sa.Column("mentor_modules", ARRAY(sa.Text()), nullable=False),
        sa.Column("mentee_modules", ARRAY(sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pair_id", name="pk_pairs"),
        sa.CheckConstraint("business_unit_id = ANY (named_unit_ids)", name=op.f("ck_pairs_owner_is_named")),
        sa.CheckConstraint("mentor_id <> mentee_id", name=op.f("ck_pairs_two_people")),
    )
    op.create_index("ix_pairs_cohort_id_pair_id", "pairs", ["cohort_id", "pair_id"])
    for column in ("mentor_id", "mentee_id", "mentor_participation_id", "mentee_participation_id"):
        op.create_index(f"ix_pairs_{column}", "pairs", [column])
    op.create_index("ix_pairs_stalls_at", "pairs", ["stalls_at"], postgresql_where=sa.text("stalls_at IS NOT NULL"))
    op.create_index("ix_pairs_ends_at", "pairs", ["ends_at"], postgresql_where=sa.text("ended_at IS NULL"))


def _create_agreement_terms() -> None:
    op.create_table(
        "agreement_terms",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("agreement_version", sa.Integer(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("formality", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("duration_months", sa.Integer(), nullable=False),
        sa.Column("cadence_days", sa.Integer()),
        sa.Column("boundaries", sa.Text()),
        sa.Column("goal_topics", ARRAY(sa.Text()), nullable=False),
        sa.Column("medium", sa.Text()),
        sa.Column("place", sa.Text()),
        sa.Column("number_one_outcome", sa.Text()),
        sa.PrimaryKeyConstraint("pair_id", "agreement_version", name="pk_agreement_terms"),
        comment="Pair-private: shown to the two people of the pair and to nobody else. A row is never changed.",
    )


def _create_meetings() -> None:
    op.create_table(
        "meetings",
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("scheduled_for", _MOMENT),
        sa.Column("held_at", _MOMENT),
        sa.Column("minutes", sa.Integer()),
        sa.Column("channel", sa.Text()),
        sa.Column("cancelled_by", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("meeting_id", name="pk_meetings"),
        sa.CheckConstraint("business_unit_id = ANY (named_unit_ids)", name=op.f("ck_meetings_owner_is_named")),
    )
    op.create_index("ix_meetings_pair_id_meeting_id", "meetings", ["pair_id", "meeting_id"])
    op.create_index(
        "uq_meetings_pair_id_scheduled_for",
        "meetings",
        ["pair_id", "scheduled_for"],
        unique=True,
        postgresql_where=sa.text("state = 'scheduled'"),
    )
    op.create_index(
        "uq_meetings_pair_id_held_at",
        "meetings",
        ["pair_id", "held_at"],
        unique=True,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "ix_meetings_scheduled_for", "meetings", ["scheduled_for"], postgresql_where=sa.text("state = 'scheduled'")
    )


def _create_projections() -> None:
    op.create_table(
        "known_programs",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("formality", sa.Text(), nullable=False),
        sa.Column("cadence_days", sa.Integer()),
        sa.Column("silence_days", sa.Integer(), nullable=False),
        sa.Column("duration_months", sa.Integer(), nullable=False),
        sa.Column("training_required", sa.Boolean(), nullable=False),
        sa.Column("facilitator_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", name="pk_known_programs"),
    )
    op.create_table(
        "known_cohorts",
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cohort_id", name="pk_known_cohorts"),
    )
    op.create_table(
        "known_participations",
        sa.Column("participation_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("participation_id", name="pk_known_participations"),
    )
