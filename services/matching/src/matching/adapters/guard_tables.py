"""Tables of the guard: the register of conflicts, waivers, notices, and what has still to be judged; see `adapters.tables`."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Table, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY

from matching.adapters.columns import MOMENT, metadata, owned_cohort, shared_cohort

conflicts = Table(
    "conflicts",
    metadata,
    Column("conflict_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("lower_id", Uuid, nullable=False),
    Column("higher_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("registered_at", MOMENT, nullable=False),
    Column("removed_at", MOMENT),
    Column("examined", Boolean, nullable=False, comment="Whether the guard has looked at it as it is now."),
    CheckConstraint("lower_id < higher_id", name="two_people"),
    Index(
        "uq_conflicts_two_people", "business_unit_id", "lower_id", "higher_id", unique=True,
        postgresql_where=text("removed_at IS NULL"),
    ),
    Index("ix_conflicts_lower_id", "lower_id"),
    Index("ix_conflicts_unexamined", "conflict_id", postgresql_where=text("NOT examined")),
    info={"conflicts": {"uq_conflicts_two_people": ("other_id", "The register has an entry about these two people.")}},
)  # fmt: skip

waivers = Table(
    "waivers",
    metadata,
    Column("waiver_id", Uuid, primary_key=True),
    *owned_cohort(),
    Column("mentor_id", Uuid, nullable=False),
    Column("mentee_id", Uuid, nullable=False),
    Column("rules", ARRAY(Text), nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_by_person_id", Uuid),
    Column("requested_at", MOMENT, nullable=False),
    Column("approved_by", Text),
    Column("approved_by_person_id", Uuid),
    Column("approved_at", MOMENT),
    Column("withdrawn_at", MOMENT),
    Column("version", Integer, nullable=False),
    CheckConstraint("approved_by <> requested_by", name="four_eyes"),
    CheckConstraint("state <> 'approved' OR approved_by_person_id IS NOT NULL", name="approver_is_named"),
    Index("ix_waivers_cohort_id_waiver_id", "cohort_id", "waiver_id"),
)

notices = Table(
    "notices",
    metadata,
    Column("notice_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("pair_id", Uuid, nullable=False),
    *shared_cohort(),
    Column("mentor_id", Uuid, nullable=False),
    Column("mentee_id", Uuid, nullable=False),
    Column("rules", ARRAY(Text), nullable=False),
    Column("told_at", MOMENT, nullable=False),
    Column("addressee_id", Uuid, comment="Who alone reads it; none: both people and the program manager."),
    Index("ix_notices_mentor_id_notice_id", "mentor_id", "notice_id"),
    Index("ix_notices_mentee_id_notice_id", "mentee_id", "notice_id"),
    Index("ix_notices_business_unit_id_notice_id", "business_unit_id", "notice_id"),
)

guard_change_sets = Table(
    "guard_change_sets",
    metadata,
    Column("change_set_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("size", Integer, nullable=False, comment="Events the set has in all."),
    Column("seen", Integer, nullable=False, comment="Events of it that have come."),
    Column("first_seen_at", MOMENT, nullable=False, server_default=func.clock_timestamp(), comment="Real time."),
)

guard_changes = Table(
    "guard_changes",
    metadata,
    Column("change_set_id", Uuid, primary_key=True),
    Column("change_set_index", Integer, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Index("ix_guard_changes_person_id", "person_id"),
)

guard_applications = Table(
    "guard_applications",
    metadata,
    Column("participation_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("happened_at", MOMENT, nullable=False),
)

guard_marks = Table(
    "guard_marks",
    metadata,
    Column("pair_id", Uuid, primary_key=True),
    Column("change_set_id", Uuid, primary_key=True, comment="What it waits for; all zeros: nothing."),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("happened_at", MOMENT, nullable=False, comment="When what asked for the check happened."),
    Index("ix_guard_marks_change_set_id", "change_set_id"),
)
