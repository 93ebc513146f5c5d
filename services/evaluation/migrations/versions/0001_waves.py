"""Waves, anonymous answers, final reports, and what is known of everybody else's facts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from chassis.migrations import create_mechanism, drop_mechanism, enable_row_level_security, execute_script
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_PROJECTIONS = {
    "known_business_units": False,
    "known_programs": False,
    "known_program_settings": False,
    "known_cohorts": True,
    "known_participations": True,
    "known_pairs": True,
    "known_meetings": True,
    "known_runs": True,
}
_OWN = {"waves": True, "signing_keys": False, "evaluations": False, "spent_tokens": True, "responses": True}
_MOMENT = sa.DateTime(timezone=True)

# The API may note that somebody has taken a token, and never look who has. PostgreSQL grants a schema apart from its tables.
_PARTICIPATION_GRANTS = """
GRANT USAGE ON SCHEMA participation TO evaluation_api, evaluation_worker;
REVOKE SELECT, UPDATE, DELETE ON participation.token_grants FROM evaluation_api;
"""


def upgrade() -> None:
    create_mechanism(op, "evaluation")
    _create_projections()
    _create_waves()
    _create_answers()
    for table, shared in _PROJECTIONS.items():
        enable_row_level_security(op, "evaluation", table, shared=shared, writable_by_api=False)
    for table, writable_by_api in _OWN.items():
        enable_row_level_security(op, "evaluation", table, shared=True, writable_by_api=writable_by_api)
    enable_row_level_security(op, "evaluation", "wave_hosts", tenant=False, writable_by_api=False)
    enable_row_level_security(op, "evaluation", "participation.token_grants", shared=True)
    execute_script(op, _PARTICIPATION_GRANTS)


def downgrade() -> None:
    op.drop_table("token_grants", schema="participation")
    op.execute("DROP SCHEMA participation")
    for table in (*_PROJECTIONS, *_OWN, "wave_hosts"):
        op.drop_table(table)
    drop_mechanism(op)


def _create_projections() -> None:
    op.create_table(
        "known_business_units",
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("business_unit_id", name="pk_known_business_units"),
    )
    op.create_table(
        "known_programs",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("facilitator_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("suppression_threshold", sa.Integer(), nullable=False),
        sa.Column("survey_days", sa.Integer(), nullable=False),
        sa.Column("evaluation_design", sa.Text()),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", name="pk_known_programs"),
    )
    op.create_table(
        "known_program_settings",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("settings", JSONB(), nullable=False),
        sa.Column("evaluation_design", sa.Text()),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "settings_version", name="pk_known_program_settings"),
    )
    op.create_table(
        "known_cohorts",
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cohort_id", name="pk_known_cohorts"),
    )
    op.create_table(
        "known_participations",
        sa.Column("participation_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reached", ARRAY(sa.Text()), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("participation_id", name="pk_known_participations"),
    )
    op.create_index("ix_known_participations_cohort_id_person_id", "known_participations", ["cohort_id", "person_id"])
    op.create_table(
        "known_pairs",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid()),
        sa.Column("mentee_id", sa.Uuid()),
        sa.Column("mentor_participation_id", sa.Uuid()),
        sa.Column("mentee_participation_id", sa.Uuid()),
        sa.Column("score", sa.SmallInteger()),
        sa.Column("formed_at", _MOMENT),
        sa.Column("matching_sequence", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("state", sa.Text()),
        sa.Column("health", sa.Text()),
        sa.Column("cadence_days", sa.Integer()),
        sa.Column("activated_at", _MOMENT),
        sa.Column("ends_on", sa.Date()),
        sa.Column("ended_at", _MOMENT),
        sa.Column("ended", sa.Text()),
        sa.Column("stalls", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("recovered_stalls", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("engagement_sequence", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("pair_id", name="pk_known_pairs"),
        comment="A pair that only its meetings have named is a stub: ids and nothing else.",
    )
    op.create_index("ix_known_pairs_cohort_id", "known_pairs", ["cohort_id"])
    op.create_table(
        "known_meetings",
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("scheduled_for", _MOMENT),
        sa.Column("held_at", _MOMENT),
        sa.Column("minutes", sa.Integer()),
        sa.Column("channel", sa.Text()),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("meeting_id", name="pk_known_meetings"),
    )
    op.create_index("ix_known_meetings_cohort_id_changed_at", "known_meetings", ["cohort_id", "changed_at"])
    op.create_index("ix_known_meetings_cohort_id_meeting_id", "known_meetings", ["cohort_id", "meeting_id"])
    op.create_table(
        "known_runs",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("possible_pairs", sa.Integer(), nullable=False),
        sa.Column("allowed_pairs", sa.Integer(), nullable=False),
        sa.Column("proposals", sa.Integer(), nullable=False),
        sa.Column("excluded", JSONB(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_known_runs"),
    )
    op.create_index("ix_known_runs_cohort_id", "known_runs", ["cohort_id"])


def _create_waves() -> None:
    op.create_table(
        "waves",
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("instrument_version", sa.Integer(), nullable=False),
        sa.Column("suppression_threshold", sa.Integer(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("closed_at", _MOMENT),
        sa.Column("invited_count", sa.Integer()),
        sa.Column("token_count", sa.Integer()),
        sa.Column("response_count", sa.Integer()),
        sa.Column("public_modulus", sa.LargeBinary(), nullable=False),
        sa.Column("public_exponent", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("wave_id", name="pk_waves"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_waves_closed_once")),
        sa.UniqueConstraint("cohort_id", "kind", name="uq_waves_cohort_id_kind"),
    )
    op.create_index("ix_waves_closes_on", "waves", ["closes_on"], postgresql_where=sa.text("state = 'open'"))
    op.create_table(
        "wave_hosts",
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("host_unit_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("wave_id", name="pk_wave_hosts"),
        comment="Which unit's rows an answer without a principal belongs to. Holds nothing else, and is read by everybody.",
    )
    op.create_table(
        "signing_keys",
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("modulus", sa.LargeBinary(), nullable=False),
        sa.Column("public_exponent", sa.Integer(), nullable=False),
        sa.Column("private_exponent", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("wave_id", name="pk_signing_keys"),
        comment="Private keys of open waves; a row is gone when its wave has closed.",
    )
    op.create_table(
        "evaluations",
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("evaluated_at", _MOMENT, nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("report_hash", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cohort_id", name="pk_evaluations"),
        comment="Final reports as they were published, to the byte.",
    )


def _create_answers() -> None:
    op.create_table(
        "spent_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_spent_tokens"),
    )
    op.create_index("ix_spent_tokens_wave_id", "spent_tokens", ["wave_id"])
    op.create_table(
        "responses",
        sa.Column("response_id", sa.Uuid(), nullable=False, server_default=sa.text("gen_random_uuid()")),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("answers", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("response_id", name="pk_responses"),
        comment="No person, no time; rows are rewritten in a random order with every answer, so their place says nothing.",
    )
    op.create_index("ix_responses_wave_id", "responses", ["wave_id"])
    op.execute("CREATE SCHEMA participation")
    op.create_table(
        "token_grants",
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("wave_id", "person_id", name="pk_token_grants"),
        schema="participation",
        comment="Who has taken a token of an open wave. No time, no order; removed when the wave closes.",
    )
