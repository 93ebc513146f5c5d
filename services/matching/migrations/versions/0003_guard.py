"""The guard against conflicts of interest: its register, waivers, notices, and what it has still to judge."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from chassis.migrations import enable_row_level_security
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_OF_ONE_UNIT = ("conflicts", "waivers")
_SHARED = ("notices", "guard_marks")
_FOR_THE_WORKER = ("guard_change_sets", "guard_changes", "guard_applications")
_LIVING = "state IN ('released', 'formed', 'quarantined')"


def upgrade() -> None:
    _extend_pairs()
    _create_register()
    _create_notices()
    _create_books()
    for table in _OF_ONE_UNIT:
        enable_row_level_security(op, "matching", table)
    for table in _SHARED:
        enable_row_level_security(op, "matching", table, shared=True)
    for table in _FOR_THE_WORKER:
        enable_row_level_security(op, "matching", table, writable_by_api=False)


def downgrade() -> None:
    for table in (*_OF_ONE_UNIT, *_SHARED, *_FOR_THE_WORKER):
        op.drop_table(table)
    op.drop_index("ix_pairs_unwatched", "pairs")
    op.drop_index("ix_pairs_watched", "pairs")
    for column in ("watched", "resolution", "quarantined_at", "broken_rules"):
        op.drop_column("pairs", column)


def _extend_pairs() -> None:
    op.add_column("pairs", sa.Column("broken_rules", ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.add_column("pairs", sa.Column("quarantined_at", _MOMENT))
    op.add_column("pairs", sa.Column("resolution", sa.Text()))
    watched = "On whose facts the guard's verdict rests; null before it has looked."
    op.add_column("pairs", sa.Column("watched", ARRAY(sa.Uuid()), comment=watched))
    op.create_index("ix_pairs_watched", "pairs", ["watched"], postgresql_using="gin")
    unwatched = sa.text(f"watched IS NULL AND {_LIVING}")
    op.create_index("ix_pairs_unwatched", "pairs", ["pair_id"], postgresql_where=unwatched)


def _create_register() -> None:
    op.create_table(
        "conflicts",
        sa.Column("conflict_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("lower_id", sa.Uuid(), nullable=False),
        sa.Column("higher_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("registered_at", _MOMENT, nullable=False),
        sa.Column("removed_at", _MOMENT),
        sa.Column("examined", sa.Boolean(), nullable=False, comment="Whether the guard has looked at it as it is now."),
        sa.PrimaryKeyConstraint("conflict_id", name="pk_conflicts"),
        sa.CheckConstraint("lower_id < higher_id", name=op.f("ck_conflicts_two_people")),
    )
    op.create_index(
        "uq_conflicts_two_people",
        "conflicts",
        ["business_unit_id", "lower_id", "higher_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index("ix_conflicts_lower_id", "conflicts", ["lower_id"])
    op.create_index("ix_conflicts_unexamined", "conflicts", ["conflict_id"], postgresql_where=sa.text("NOT examined"))
    op.create_table(
        "waivers",
        sa.Column("waiver_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_id", sa.Uuid(), nullable=False),
        sa.Column("rules", ARRAY(sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_by_person_id", sa.Uuid()),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("approved_by", sa.Text()),
        sa.Column("approved_by_person_id", sa.Uuid()),
        sa.Column("approved_at", _MOMENT),
        sa.Column("withdrawn_at", _MOMENT),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("waiver_id", name="pk_waivers"),
        sa.CheckConstraint("approved_by <> requested_by", name=op.f("ck_waivers_four_eyes")),
        sa.CheckConstraint(
            "state <> 'approved' OR approved_by_person_id IS NOT NULL", name=op.f("ck_waivers_approver_is_named")
        ),
    )
    op.create_index("ix_waivers_cohort_id_waiver_id", "waivers", ["cohort_id", "waiver_id"])


def _create_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_id", sa.Uuid(), nullable=False),
        sa.Column("rules", ARRAY(sa.Text()), nullable=False),
        sa.Column("told_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("notice_id", name="pk_notices"),
    )
    for reader in ("mentor_id", "mentee_id", "business_unit_id"):
        op.create_index(f"ix_notices_{reader}_notice_id", "notices", [reader, "notice_id"])


def _create_books() -> None:
    op.create_table(
        "guard_change_sets",
        sa.Column("change_set_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="Events the set has in all."),
        sa.Column("seen", sa.Integer(), nullable=False, comment="Events of it that have come."),
        sa.Column(
            "first_seen_at", _MOMENT, nullable=False, server_default=sa.func.clock_timestamp(), comment="Real time."
        ),
        sa.PrimaryKeyConstraint("change_set_id", name="pk_guard_change_sets"),
    )
    op.create_table(
        "guard_changes",
        sa.Column("change_set_id", sa.Uuid(), nullable=False),
        sa.Column("change_set_index", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("change_set_id", "change_set_index", name="pk_guard_changes"),
    )
    op.create_index("ix_guard_changes_person_id", "guard_changes", ["person_id"])
    op.create_table(
        "guard_applications",
        sa.Column("participation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("happened_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("participation_id", name="pk_guard_applications"),
    )
    op.create_table(
        "guard_marks",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("change_set_id", sa.Uuid(), nullable=False, comment="What it waits for; all zeros: nothing."),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("happened_at", _MOMENT, nullable=False, comment="When what asked for the check happened."),
        sa.PrimaryKeyConstraint("pair_id", "change_set_id", name="pk_guard_marks"),
    )
    op.create_index("ix_guard_marks_change_set_id", "guard_marks", ["change_set_id"])
