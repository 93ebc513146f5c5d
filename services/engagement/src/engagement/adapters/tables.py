"""Engagement's tables. Every one is under row-level security; see the migrations for policies and grants."""

from __future__ import annotations

from chassis.schema import metadata_for
from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid, false, text
from sqlalchemy.dialects.postgresql import ARRAY

metadata = metadata_for("engagement")

_MOMENT = DateTime(timezone=True)

pairs = Table(
    "pairs",
    metadata,
    Column("pair_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("program_id", Uuid, nullable=False),
    Column("cohort_id", Uuid, nullable=False),
    Column("mentor_id", Uuid, nullable=False),
    Column("mentee_id", Uuid, nullable=False),
    Column("mentor_participation_id", Uuid, nullable=False),
    Column("mentee_participation_id", Uuid, nullable=False),
    Column("formality", Text, nullable=False),
    Column("cadence_days", Integer),
    Column("cadence_floor_days", Integer),
    Column("silence_days", Integer, nullable=False),
    Column("duration_months", Integer, nullable=False),
    Column("training_required", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("channel", Text),
    Column("formed_at", _MOMENT, nullable=False),
    Column("activated_at", _MOMENT),
    Column("silent_from", _MOMENT, nullable=False),
    Column("ends_at", _MOMENT, nullable=False),
    Column("ended_at", _MOMENT),
    Column("last_held_at", _MOMENT),
    Column("meetings_held", Integer, nullable=False),
    Column("stalls_at", _MOMENT, comment="When silence becomes a stall; null while silence is not counted."),
    Column("stalled_at", _MOMENT),
    Column("stalls", Integer, nullable=False),
    Column("agreement_version", Integer, nullable=False),
    Column("agreement_in_force", Integer),
    Column("mentor_signed_at", _MOMENT),
    Column("mentee_signed_at", _MOMENT),
    Column("mentor_modules", ARRAY(Text), nullable=False),
    Column("mentee_modules", ARRAY(Text), nullable=False),
    Column("trial_ends_at", _MOMENT),
    Column("trial_remind_at", _MOMENT, comment="When both are reminded of the trial's end; null: never."),
    Column("trial_reminded_at", _MOMENT),
    Column(
        "mentor_confirmed", Boolean, nullable=False, server_default=false(), comment="Forgotten with the trial's end."
    ),
    Column(
        "mentee_confirmed", Boolean, nullable=False, server_default=false(), comment="Forgotten with the trial's end."
    ),
    Column("resumes_as", Text, comment="What a quarantined pair goes back to."),
    Column("pauses_began_at", ARRAY(_MOMENT), nullable=False, server_default=text("'{}'")),
    Column("pauses_ended_at", ARRAY(_MOMENT), nullable=False, server_default=text("'{}'")),
    Column("ending", Text),
    Column("version", Integer, nullable=False),
    CheckConstraint("business_unit_id = ANY (named_unit_ids)", name="owner_is_named"),
    CheckConstraint("mentor_id <> mentee_id", name="two_people"),
    Index("ix_pairs_cohort_id_pair_id", "cohort_id", "pair_id"),
    Index("ix_pairs_mentor_id", "mentor_id"),
    Index("ix_pairs_mentee_id", "mentee_id"),
    Index("ix_pairs_mentor_participation_id", "mentor_participation_id"),
    Index("ix_pairs_mentee_participation_id", "mentee_participation_id"),
    Index("ix_pairs_stalls_at", "stalls_at", postgresql_where=text("stalls_at IS NOT NULL")),
    Index("ix_pairs_ends_at", "ends_at", postgresql_where=text("ended_at IS NULL")),
    Index("ix_pairs_trial_ends_at", "trial_ends_at", postgresql_where=text("state = 'trial'")),
    Index(
        "ix_pairs_trial_remind_at",
        "trial_remind_at",
        postgresql_where=text("state = 'trial' AND trial_reminded_at IS NULL"),
    ),
)

agreement_terms = Table(
    "agreement_terms",
    metadata,
    Column("pair_id", Uuid, primary_key=True),
    Column("agreement_version", Integer, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("formality", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("duration_months", Integer, nullable=False),
    Column("cadence_days", Integer),
    Column("boundaries", Text),
    Column("goal_topics", ARRAY(Text), nullable=False),
    Column("medium", Text),
    Column("place", Text),
    Column("number_one_outcome", Text),
    comment="Pair-private: shown to the two people of the pair and to nobody else. A row is never changed.",
)

meetings = Table(
    "meetings",
    metadata,
    Column("meeting_id", Uuid, primary_key=True),
    Column("pair_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("program_id", Uuid, nullable=False),
    Column("cohort_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("scheduled_for", _MOMENT),
    Column("held_at", _MOMENT),
    Column("minutes", Integer),
    Column("channel", Text),
    Column("cancelled_by", Text),
    Column("version", Integer, nullable=False),
    CheckConstraint("business_unit_id = ANY (named_unit_ids)", name="owner_is_named"),
    Index("ix_meetings_pair_id_meeting_id", "pair_id", "meeting_id"),
    Index(
        "uq_meetings_pair_id_scheduled_for",
        "pair_id",
        "scheduled_for",
        unique=True,
        postgresql_where=text("state = 'scheduled'"),
    ),
    Index("uq_meetings_pair_id_held_at", "pair_id", "held_at", unique=True, postgresql_where=text("state = 'held'")),
    Index("ix_meetings_scheduled_for", "scheduled_for", postgresql_where=text("state = 'scheduled'")),
    info={
        "conflicts": {
            "uq_meetings_pair_id_scheduled_for": ("scheduled_for", "The pair has a meeting at that time already."),
            "uq_meetings_pair_id_held_at": ("held_at", "This meeting has been logged already."),
        }
    },
)

known_programs = Table(
    "known_programs",
    metadata,
    Column("program_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("formality", Text, nullable=False),
    Column("cadence_days", Integer),
    Column("silence_days", Integer, nullable=False),
    Column("duration_months", Integer, nullable=False),
    Column("training_required", Boolean, nullable=False),
    Column("trial_days", Integer, nullable=False, server_default=text("0")),
    Column("trial_reminder_days", Integer, nullable=False, server_default=text("0")),
    Column("facilitator_ids", ARRAY(Uuid), nullable=False),
    Column("sequence", Integer, nullable=False),
)

known_cohorts = Table(
    "known_cohorts",
    metadata,
    Column("cohort_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("program_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
)

known_participations = Table(
    "known_participations",
    metadata,
    Column("participation_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("sequence", Integer, nullable=False),
)
