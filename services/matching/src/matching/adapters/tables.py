"""Matching's tables. Every one is under row-level security; see the migrations for policies and grants."""

from __future__ import annotations

from chassis.schema import metadata_for
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = metadata_for("matching")

_MOMENT = DateTime(timezone=True)
_OPEN_RUN = text("state IN ('queued', 'running')")
_RELEASED = text("state = 'released'")

runs = Table(
    "runs",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("cohort_id", Uuid, nullable=False),
    Column("program_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("settings_version", Integer, nullable=False),
    Column("people", ARRAY(Uuid), nullable=False, comment="Everybody whose facts are in the snapshot."),
    Column("outdated", Boolean, nullable=False),
    Column("requested_at", _MOMENT, nullable=False),
    Column("completed_at", _MOMENT),
    Column("released_at", _MOMENT),
    Column("result", JSONB),
    Column("queued_at", _MOMENT, nullable=False, server_default=func.now(), comment="Real time."),
    Column("leased_until", _MOMENT, comment="Real time; a worker that does not renew it has died."),
    Column("version", Integer, nullable=False),
    CheckConstraint("business_unit_id = ANY (named_unit_ids)", name="owner_is_named"),
    Index("ix_runs_cohort_id_run_id", "cohort_id", "run_id"),
    Index("uq_runs_one_open", "cohort_id", unique=True, postgresql_where=_OPEN_RUN),
    Index("ix_runs_unreleased", "run_id", postgresql_where=text("state = 'completed'")),
    info={"conflicts": {"uq_runs_one_open": (None, "A run of this cohort is under way.")}},
)

pairs = Table(
    "pairs",
    metadata,
    Column("pair_id", Uuid, primary_key=True),
    Column("run_id", Uuid, nullable=False),
    Column("cohort_id", Uuid, nullable=False),
    Column("program_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("mentor_id", Uuid, nullable=False),
    Column("mentee_id", Uuid, nullable=False),
    Column("mentor_participation_id", Uuid, nullable=False),
    Column("mentee_participation_id", Uuid, nullable=False),
    Column("mentor_accepted_at", _MOMENT),
    Column("mentee_accepted_at", _MOMENT),
    Column("score", Integer, nullable=False),
    Column("score_parts", JSONB, nullable=False),
    Column("topics", JSONB, nullable=False),
    Column("shared_languages", ARRAY(Text), nullable=False),
    Column("overlap_minutes", Integer, nullable=False),
    Column("grade_gap", Integer, nullable=False),
    Column("words", ARRAY(Text), nullable=False),
    Column("cadence_floor_days", Integer),
    Column("state", Text, nullable=False),
    Column("released_at", _MOMENT),
    Column("expires_at", _MOMENT),
    Column("formed_at", _MOMENT),
    Column("version", Integer, nullable=False),
    CheckConstraint("business_unit_id = ANY (named_unit_ids)", name="owner_is_named"),
    CheckConstraint("mentor_id <> mentee_id", name="two_people"),
    CheckConstraint(
        "state <> 'formed' OR (mentor_accepted_at IS NOT NULL AND mentee_accepted_at IS NOT NULL)", name="both_accepted"
    ),
    Index("ix_pairs_run_id_pair_id", "run_id", "pair_id"),
    Index("ix_pairs_cohort_id_pair_id", "cohort_id", "pair_id"),
    Index("ix_pairs_mentor_id", "mentor_id"),
    Index("ix_pairs_mentee_id", "mentee_id"),
    Index("ix_pairs_expires_at", "expires_at", postgresql_where=_RELEASED),
)

known_people = Table(
    "known_people",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("employed", Boolean, nullable=False),
    Column("grade_rank", Integer, nullable=False),
    Column("manager_id", Uuid),
    Column("dotted_line_ids", ARRAY(Uuid), nullable=False),
    Column("team", Text),
    Column("function", Text),
    Column("region", Text),
    Column("country", Text),
    Column("sequence", BigInteger, nullable=False),
)

known_programs = Table(
    "known_programs",
    metadata,
    Column("program_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("settings_version", Integer, nullable=False),
    Column("pair_type", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("minimum_grade_gap", Integer, nullable=False),
    Column("minimum_language_level", Integer, nullable=False),
    Column("minimum_overlap_minutes", Integer, nullable=False),
    Column("weights", JSONB, nullable=False),
    Column("acceptance_days", Integer, nullable=False),
    Column("facilitator_ids", ARRAY(Uuid), nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

known_cohorts = Table(
    "known_cohorts",
    metadata,
    Column("cohort_id", Uuid, primary_key=True),
    Column("program_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("state", Text, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

known_participations = Table(
    "known_participations",
    metadata,
    Column("participation_id", Uuid, primary_key=True),
    Column("cohort_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("home_unit_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("offers", JSONB, nullable=False),
    Column("asks", JSONB, nullable=False),
    Column("languages", JSONB, nullable=False),
    Column("time_zone", Text),
    Column("start_minute", Integer),
    Column("end_minute", Integer),
    Column("working_days", ARRAY(Integer), nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("cadence_floor_days", Integer),
    Column("sequence", BigInteger, nullable=False),
    Index("ix_known_participations_cohort_id", "cohort_id"),
)

known_pairs = Table(
    "known_pairs",
    metadata,
    Column("pair_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)
