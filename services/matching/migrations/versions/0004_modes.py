"""Searches, requests, ranked preferences, quotas, reviews of proposals, what-ifs; and who holds which place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from chassis.migrations import enable_row_level_security, execute_script
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_TABLES = {
    "place_claims": True,
    "searches": True,
    "match_requests": True,
    "preferences": True,
    "quotas": False,
    "pair_reviews": False,
    "what_ifs": False,
}

# A pair names only the units of its two people, so a unit that is a guest of the cohort cannot count the places that
# others hold. These triggers keep that count, and nothing else of a pair, where the whole cohort sees it.
_CLAIMS = """
CREATE FUNCTION claim_places() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.state IN ('released', 'formed', 'quarantined') THEN
        INSERT INTO place_claims (pair_id, cohort_id, business_unit_id, named_unit_ids,
                                  mentor_participation_id, mentee_participation_id)
        VALUES (NEW.pair_id, NEW.cohort_id, NEW.business_unit_id,
                coalesce((SELECT named_unit_ids FROM known_cohorts WHERE cohort_id = NEW.cohort_id), NEW.named_unit_ids),
                NEW.mentor_participation_id, NEW.mentee_participation_id)
        ON CONFLICT (pair_id) DO NOTHING;
    ELSE
        DELETE FROM place_claims WHERE pair_id = NEW.pair_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER claim_places AFTER INSERT OR UPDATE OF state ON pairs
    FOR EACH ROW WHEN (NEW.state <> 'proposed') EXECUTE FUNCTION claim_places();

CREATE FUNCTION free_places() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM place_claims WHERE pair_id = NEW.pair_id;
    RETURN NULL;
END $$;
CREATE TRIGGER free_places AFTER INSERT OR UPDATE ON known_pairs
    FOR EACH ROW WHEN (NEW.ended) EXECUTE FUNCTION free_places();

CREATE FUNCTION show_claims() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE place_claims SET named_unit_ids = NEW.named_unit_ids WHERE cohort_id = NEW.cohort_id;
    RETURN NULL;
END $$;
CREATE TRIGGER show_claims AFTER UPDATE ON known_cohorts
    FOR EACH ROW WHEN (NEW.named_unit_ids IS DISTINCT FROM OLD.named_unit_ids) EXECUTE FUNCTION show_claims();
"""

# The owner sees no row of a tenant; for this one statement it sees what it needs.
_PRESENT_CLAIMS = """
CREATE POLICY migrating ON pairs TO matching_owner USING (true);
CREATE POLICY migrating ON known_pairs TO matching_owner USING (true);
CREATE POLICY migrating ON known_cohorts TO matching_owner USING (true);
CREATE POLICY migrating ON place_claims TO matching_owner WITH CHECK (true);
INSERT INTO place_claims (pair_id, cohort_id, business_unit_id, named_unit_ids,
                          mentor_participation_id, mentee_participation_id)
SELECT p.pair_id, p.cohort_id, p.business_unit_id, coalesce(c.named_unit_ids, p.named_unit_ids),
       p.mentor_participation_id, p.mentee_participation_id
FROM pairs p
LEFT JOIN known_pairs k ON k.pair_id = p.pair_id
LEFT JOIN known_cohorts c ON c.cohort_id = p.cohort_id
WHERE p.state IN ('released', 'formed', 'quarantined') AND NOT coalesce(k.ended, false);
DROP POLICY migrating ON pairs;
DROP POLICY migrating ON known_pairs;
DROP POLICY migrating ON known_cohorts;
DROP POLICY migrating ON place_claims;
"""

_NO_CLAIMS = """
DROP TRIGGER show_claims ON known_cohorts;
DROP TRIGGER free_places ON known_pairs;
DROP TRIGGER claim_places ON pairs;
DROP FUNCTION show_claims();
DROP FUNCTION free_places();
DROP FUNCTION claim_places();
"""


def upgrade() -> None:
    op.add_column(
        "notices",
        sa.Column("addressee_id", sa.Uuid(), comment="Who alone reads it; none: both people and the program manager."),
    )
    _create_self_mode()
    _create_preferences_and_quotas()
    _create_review()
    for table, shared in _TABLES.items():
        enable_row_level_security(op, "matching", table, shared=shared)
    execute_script(op, _PRESENT_CLAIMS)
    execute_script(op, _CLAIMS)


def downgrade() -> None:
    execute_script(op, _NO_CLAIMS)
    for table in _TABLES:
        op.drop_table(table)
    op.drop_column("notices", "addressee_id")


def _create_self_mode() -> None:
    op.create_table(
        "place_claims",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("mentor_participation_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_participation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("pair_id", name="pk_place_claims"),
    )
    op.create_index("ix_place_claims_cohort_id", "place_claims", ["cohort_id"])
    op.create_index("ix_place_claims_mentor_participation_id", "place_claims", ["mentor_participation_id"])
    op.create_index("ix_place_claims_mentee_participation_id", "place_claims", ["mentee_participation_id"])
    op.create_table(
        "searches",
        sa.Column("search_id", sa.Uuid(), nullable=False),
        sa.Column("participation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text()),
        sa.Column("terms", JSONB()),
        sa.Column("found", JSONB(), nullable=False),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("completed_at", _MOMENT),
        sa.Column("leased_until", _MOMENT, comment="Real time; a worker that does not finish by then has died."),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("search_id", name="pk_searches"),
    )
    op.create_index("ix_searches_participation_id_search_id", "searches", ["participation_id", "search_id"])
    op.create_index(
        "uq_searches_one_queued",
        "searches",
        ["participation_id"],
        unique=True,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "match_requests",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("asker", sa.Text(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_participation_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_participation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("remind_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("mentors_per_mentee", sa.Integer(), nullable=False),
        sa.Column("checked", sa.Boolean(), nullable=False),
        sa.Column("shown_at", _MOMENT),
        sa.Column("reminded_at", _MOMENT),
        sa.Column("answered_at", _MOMENT),
        sa.Column("people", ARRAY(sa.Uuid()), nullable=False, comment="Everybody whose facts the check has used."),
        sa.Column(
            "mark", sa.BigInteger(), nullable=False, comment="Sum of the sequences of the participations it has seen."
        ),
        sa.Column("fit", JSONB()),
        sa.Column("pair_id", sa.Uuid()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_match_requests"),
        sa.CheckConstraint("business_unit_id = ANY (named_unit_ids)", name=op.f("ck_match_requests_owner_is_named")),
        sa.CheckConstraint("mentor_id <> mentee_id", name=op.f("ck_match_requests_two_people")),
        sa.CheckConstraint(
            "state <> 'accepted' OR (pair_id IS NOT NULL AND fit IS NOT NULL)",
            name=op.f("ck_match_requests_accepted_is_a_pair"),
        ),
    )
    op.create_index(
        "uq_match_requests_one_open",
        "match_requests",
        ["mentor_participation_id", "mentee_participation_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_match_requests_mentor_id", "match_requests", ["mentor_id", "request_id"])
    op.create_index("ix_match_requests_mentee_id", "match_requests", ["mentee_id", "request_id"])
    op.create_index(
        "ix_match_requests_expires_at", "match_requests", ["expires_at"], postgresql_where=sa.text("state = 'open'")
    )


def _create_preferences_and_quotas() -> None:
    op.create_table(
        "preferences",
        sa.Column("participation_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("ranked", ARRAY(sa.Uuid()), nullable=False, comment="The dearest first."),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("participation_id", name="pk_preferences"),
    )
    op.create_index("ix_preferences_cohort_id", "preferences", ["cohort_id"])
    op.create_table(
        "quotas",
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("limits", JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cohort_id", name="pk_quotas"),
    )


def _create_review() -> None:
    op.create_table(
        "pair_reviews",
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_participation_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_participation_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("decided_at", _MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("review_id", name="pk_pair_reviews"),
        sa.CheckConstraint(
            "(verdict = 'rejected') = (reason IS NOT NULL)", name=op.f("ck_pair_reviews_rejected_for_a_reason")
        ),
    )
    op.create_index(
        "uq_pair_reviews_pair",
        "pair_reviews",
        ["cohort_id", "mentor_participation_id", "mentee_participation_id"],
        unique=True,
    )
    op.create_table(
        "what_ifs",
        sa.Column("what_if_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("changes", JSONB(), nullable=False),
        sa.Column("result", JSONB()),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("completed_at", _MOMENT),
        sa.Column("leased_until", _MOMENT, comment="Real time; a worker that does not renew it has died."),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("what_if_id", name="pk_what_ifs"),
    )
    op.create_index("ix_what_ifs_run_id_what_if_id", "what_ifs", ["run_id", "what_if_id"])
    op.create_index(
        "uq_what_ifs_one_open",
        "what_ifs",
        ["cohort_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
