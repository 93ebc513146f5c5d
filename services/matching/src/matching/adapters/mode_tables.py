"""Tables of self mode, ranked preferences, quotas, the review and what-ifs; see `adapters.tables`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from matching.adapters.columns import MOMENT, metadata, owned_cohort, shared_cohort

_OPEN_REQUEST = text("state = 'open'")

place_claims = Table(
    "place_claims",
    metadata,
    Column("pair_id", Uuid, primary_key=True),
    Column("cohort_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("mentor_participation_id", Uuid, nullable=False),
    Column("mentee_participation_id", Uuid, nullable=False),
    Index("ix_place_claims_cohort_id", "cohort_id"),
    Index("ix_place_claims_mentor_participation_id", "mentor_participation_id"),
    Index("ix_place_claims_mentee_participation_id", "mentee_participation_id"),
)
"""Who holds a place, seen by the whole cohort; triggers on `pairs` and `known_pairs` keep it (migration 0004)."""

searches = Table(
    "searches",
    metadata,
    Column("search_id", Uuid, primary_key=True),
    Column("participation_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    *shared_cohort(),
    Column("state", Text, nullable=False),
    Column("refusal", Text),
    Column("terms", JSONB),
    Column("found", JSONB, nullable=False),
    Column("requested_at", MOMENT, nullable=False),
    Column("completed_at", MOMENT),
    Column("leased_until", MOMENT, comment="Real time; a worker that does not finish by then has died."),
    Column("version", Integer, nullable=False),
    Index("ix_searches_participation_id_search_id", "participation_id", "search_id"),
    Index("uq_searches_one_queued", "participation_id", unique=True, postgresql_where=text("state = 'queued'")),
    info={"conflicts": {"uq_searches_one_queued": (None, "A search of yours is under way.")}},
)

match_requests = Table(
    "match_requests",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    *shared_cohort(),
    Column("asker", Text, nullable=False),
    Column("mentor_id", Uuid, nullable=False),
    Column("mentee_id", Uuid, nullable=False),
    Column("mentor_participation_id", Uuid, nullable=False),
    Column("mentee_participation_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", MOMENT, nullable=False),
    Column("remind_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("mentors_per_mentee", Integer, nullable=False),
    Column("checked", Boolean, nullable=False),
    Column("shown_at", MOMENT),
    Column("reminded_at", MOMENT),
    Column("answered_at", MOMENT),
    Column("people", ARRAY(Uuid), nullable=False, comment="Everybody whose facts the check has used."),
    Column("mark", BigInteger, nullable=False, comment="Sum of the sequences of the participations it has seen."),
    Column("fit", JSONB),
    Column("pair_id", Uuid),
    Column("version", Integer, nullable=False),
    CheckConstraint("business_unit_id = ANY (named_unit_ids)", name="owner_is_named"),
    CheckConstraint("mentor_id <> mentee_id", name="two_people"),
    CheckConstraint("state <> 'accepted' OR (pair_id IS NOT NULL AND fit IS NOT NULL)", name="accepted_is_a_pair"),
    Index(
        "uq_match_requests_one_open",
        "mentor_participation_id",
        "mentee_participation_id",
        unique=True,
        postgresql_where=_OPEN_REQUEST,
    ),
    Index("ix_match_requests_cohort_id_request_id", "cohort_id", "request_id"),
    Index("ix_match_requests_mentor_id", "mentor_id", "request_id"),
    Index("ix_match_requests_mentee_id", "mentee_id", "request_id"),
    Index("ix_match_requests_expires_at", "expires_at", postgresql_where=_OPEN_REQUEST),
    info={"conflicts": {"uq_match_requests_one_open": (None, "A request between the two of you is open.")}},
)

preferences = Table(
    "preferences",
    metadata,
    Column("participation_id", Uuid, primary_key=True),
    Column("cohort_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("ranked", ARRAY(Uuid), nullable=False, comment="The dearest first."),
    Column("changed_at", MOMENT, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_preferences_cohort_id", "cohort_id"),
)

quotas = Table(
    "quotas",
    metadata,
    Column("cohort_id", Uuid, primary_key=True),
    Column("program_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("limits", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
)

pair_reviews = Table(
    "pair_reviews",
    metadata,
    Column("review_id", Uuid, primary_key=True),
    *owned_cohort(),
    Column("mentor_participation_id", Uuid, nullable=False),
    Column("mentee_participation_id", Uuid, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text),
    Column("decided_at", MOMENT, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("(verdict = 'rejected') = (reason IS NOT NULL)", name="rejected_for_a_reason"),
    Index("uq_pair_reviews_pair", "cohort_id", "mentor_participation_id", "mentee_participation_id", unique=True),
    info={"conflicts": {"uq_pair_reviews_pair": (None, "Somebody else has just reviewed this pair.")}},
)

what_ifs = Table(
    "what_ifs",
    metadata,
    Column("what_if_id", Uuid, primary_key=True),
    Column("run_id", Uuid, nullable=False),
    *owned_cohort(),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("result", JSONB),
    Column("requested_at", MOMENT, nullable=False),
    Column("completed_at", MOMENT),
    Column("leased_until", MOMENT, comment="Real time; a worker that does not renew it has died."),
    Column("version", Integer, nullable=False),
    Index("ix_what_ifs_run_id_what_if_id", "run_id", "what_if_id"),
    Index("uq_what_ifs_one_open", "cohort_id", unique=True, postgresql_where=text("state IN ('queued', 'running')")),
    info={"conflicts": {"uq_what_ifs_one_open": (None, "A what-if of this cohort is under way.")}},
)
