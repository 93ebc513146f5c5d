"""Evaluation's tables. Every one is under row-level security; see the migrations for policies and grants.

Who took a token lies in a schema of its own, `participation`, in metadata of its own: nothing that reads answers names it.
"""

from __future__ import annotations

from chassis.schema import metadata_for
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = metadata_for("evaluation")
participation = MetaData(schema="participation", naming_convention=metadata.naming_convention)

_MOMENT = DateTime(timezone=True)

known_business_units = Table(
    "known_business_units",
    metadata,
    Column("business_unit_id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
)

known_programs = Table(
    "known_programs",
    metadata,
    Column("program_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("facilitator_ids", ARRAY(Uuid), nullable=False),
    Column("suppression_threshold", Integer, nullable=False),
    Column("survey_days", Integer, nullable=False),
    Column("evaluation_design", Text),
    Column("settings_version", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
)

known_program_settings = Table(
    "known_program_settings",
    metadata,
    Column("program_id", Uuid, primary_key=True),
    Column("settings_version", Integer, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("evaluation_design", Text),
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
    Column("settings_version", Integer, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("sequence", Integer, nullable=False),
)

known_participations = Table(
    "known_participations",
    metadata,
    Column("participation_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("cohort_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reached", ARRAY(Text), nullable=False),
    Column("sequence", Integer, nullable=False),
    Index("ix_known_participations_cohort_id_person_id", "cohort_id", "person_id"),
)

known_pairs = Table(
    "known_pairs",
    metadata,
    Column("pair_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("cohort_id", Uuid, nullable=False),
    Column("mentor_id", Uuid),
    Column("mentee_id", Uuid),
    Column("mentor_participation_id", Uuid),
    Column("mentee_participation_id", Uuid),
    Column("score", SmallInteger),
    Column("formed_at", _MOMENT),
    Column("matching_sequence", Integer, nullable=False, server_default=text("0")),
    Column("state", Text),
    Column("health", Text),
    Column("cadence_days", Integer),
    Column("activated_at", _MOMENT),
    Column("ends_on", Date),
    Column("ended_at", _MOMENT),
    Column("ended", Text),
    Column("stalls", Integer, nullable=False, server_default=text("0")),
    Column("recovered_stalls", Integer, nullable=False, server_default=text("0")),
    Column("engagement_sequence", Integer, nullable=False, server_default=text("0")),
    Index("ix_known_pairs_cohort_id", "cohort_id"),
    comment="A pair that only its meetings have named is a stub: ids and nothing else.",
)

known_pauses = Table(
    "known_pauses",
    metadata,
    Column("pair_id", Uuid, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("cohort_id", Uuid, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("changed_at", _MOMENT, nullable=False),
    Index("ix_known_pauses_cohort_id", "cohort_id"),
    comment="One row per beginning or end of a pause; the sequence is matching's.",
)

known_meetings = Table(
    "known_meetings",
    metadata,
    Column("meeting_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("pair_id", Uuid, nullable=False),
    Column("cohort_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("scheduled_for", _MOMENT),
    Column("held_at", _MOMENT),
    Column("minutes", Integer),
    Column("channel", Text),
    Column("changed_at", _MOMENT, nullable=False),
    Column("sequence", Integer, nullable=False),
    Index("ix_known_meetings_cohort_id_meeting_id", "cohort_id", "meeting_id"),
    Index("ix_known_meetings_cohort_id_changed_at", "cohort_id", "changed_at"),
)

known_runs = Table(
    "known_runs",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("cohort_id", Uuid, nullable=False),
    Column("possible_pairs", Integer, nullable=False),
    Column("allowed_pairs", Integer, nullable=False),
    Column("proposals", Integer, nullable=False),
    Column("excluded", JSONB, nullable=False),
    Column("sequence", Integer, nullable=False),
    Index("ix_known_runs_cohort_id", "cohort_id"),
)

waves = Table(
    "waves",
    metadata,
    Column("wave_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("cohort_id", Uuid, nullable=False),
    Column("program_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("instrument_version", Integer, nullable=False),
    Column("suppression_threshold", Integer, nullable=False),
    Column("opened_at", _MOMENT, nullable=False),
    Column("closes_on", Date, nullable=False),
    Column("closed_at", _MOMENT),
    Column("invited_count", Integer),
    Column("token_count", Integer),
    Column("response_count", Integer),
    Column("public_modulus", LargeBinary, nullable=False),
    Column("public_exponent", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("cohort_id", "kind", name="uq_waves_cohort_id_kind"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_once"),
    Index("ix_waves_closes_on", "closes_on", postgresql_where=text("state = 'open'")),
    info={
        "conflicts": {
            "uq_waves_cohort_id_kind": (None, "The cohort has this wave already."),
            "pk_token_grants": (None, "You have taken your token for this survey wave already."),
            "pk_spent_tokens": (None, "This token has been used."),
        }
    },
)

wave_hosts = Table(
    "wave_hosts",
    metadata,
    Column("wave_id", Uuid, primary_key=True),
    Column("host_unit_id", Uuid, nullable=False),
    comment="Which unit's rows an answer without a principal belongs to. Holds nothing else, and is read by everybody.",
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("wave_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("modulus", LargeBinary, nullable=False),
    Column("public_exponent", Integer, nullable=False),
    Column("private_exponent", LargeBinary, nullable=False),
    comment="Private keys of open waves; a row is gone when its wave has closed.",
)

spent_tokens = Table(
    "spent_tokens",
    metadata,
    Column("token_hash", LargeBinary),
    Column("wave_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    PrimaryKeyConstraint("token_hash", name="pk_spent_tokens"),
    Index("ix_spent_tokens_wave_id", "wave_id"),
)

responses = Table(
    "responses",
    metadata,
    Column("response_id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("wave_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("answers", JSONB, nullable=False),
    Index("ix_responses_wave_id", "wave_id"),
    comment="No person, no time; rows are rewritten in a random order with every answer, so their place says nothing.",
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("cohort_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("evaluated_at", _MOMENT, nullable=False),
    Column("report", Text, nullable=False),
    Column("report_hash", Text, nullable=False),
    Column("version", Integer, nullable=False),
    comment="Final reports as they were published, to the byte.",
)

token_grants = Table(
    "token_grants",
    participation,
    Column("wave_id", Uuid),
    Column("person_id", Uuid),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    PrimaryKeyConstraint("wave_id", "person_id", name="pk_token_grants"),
    comment="Who has taken a token of an open wave. No time, no order; removed when the wave closes.",
)
