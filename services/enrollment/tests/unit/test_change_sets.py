from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest
from enrollment.adapters.rows import change_of, plain_change
from enrollment.domain.change_sets import ChangeKind, ChangePlan, ImportMode, KnownPerson, plan_changes
from enrollment.domain.parsed_file import ParsedFile
from enrollment.domain.people import Identity, PersonRecord, PersonReference
from enrollment.domain.tenure import TenureBand, tenure_band
from hypothesis import given
from hypothesis import strategies as st

UNIT, OTHER = uuid4(), uuid4()
TODAY = date(2026, 3, 2)


def record(
    number: str,
    manager: str | None = None,
    *,
    unit: UUID = UNIT,
    grade: str = "E1",
    name: str = "Ada",
    manager_unit: UUID | None = None,
) -> PersonRecord:
    place = int("".join(filter(str.isdigit, number)) or 0) + 2
    superior = PersonReference(manager_unit or unit, manager) if manager else None
    return PersonRecord(
        file="people", row=place, reference=PersonReference(unit, number), identity=Identity(given_name=name), grade=grade, grade_rank=1,
        team=None, function=None, region=None, country=None, time_zone="Europe/Oslo", languages=(), manager=superior, dotted=(),
        joined_on=None, manager_named=manager is not None,
    )  # fmt: skip


def plan(
    known: list[KnownPerson],
    *records: PersonRecord,
    mode: ImportMode = ImportMode.FULL,
    today: date = TODAY,
    **more: set[object],
) -> ChangePlan:
    units = {found.reference.business_unit_id for found in records} or {UNIT}
    return plan_changes(ParsedFile(records=list(records), unit_ids=units, **more), known, mode, uuid4, today)  # type: ignore[arg-type]


def after(before: list[KnownPerson], changes: ChangePlan) -> list[KnownPerson]:
    people = {person.person_id: person for person in before}
    people |= {change.person.person_id: change.person for change in changes.changes}
    return list(people.values())


def kinds(changes: ChangePlan) -> list[tuple[str, str]]:
    return [(change.kind.value, change.person.employee_number) for change in changes.changes]


def test_new_people_join_with_their_superior_whatever_the_order_of_rows() -> None:
    found = plan([], record("2", "1"), record("1"))
    assert kinds(found) == [("joined", "2"), ("joined", "1")]
    assert found.changes[0].person.standing.manager_id == found.changes[1].person.person_id
    assert [change.person.version for change in found.changes] == [1, 1]


def test_the_same_file_twice_changes_nothing() -> None:
    rows = (record("1"), record("2", "1"), record("9", "404"))
    first = plan([], *rows)
    again = plan(after([], first), *rows)
    assert again.changes == []
    assert (again.size, again.unchanged) == (0, 3)


def test_moved_only_when_something_published_changed_and_amended_when_something_else_did() -> None:
    known = after([], plan([], record("1"), record("2", "1"), record("3")))
    found = plan(known, record("1", name="Ada-Maria"), record("2", "1", grade="E2"), record("3"))
    assert kinds(found) == [("moved", "2"), ("amended", "1")]
    assert found.size == 1
    assert [change.index for change in found.changes] == [0, None]
    assert [change.person.version for change in found.changes] == [2, 1]


def test_absent_people_leave_in_a_full_import_only_and_return_as_themselves() -> None:
    known = after([], plan([], record("1"), record("2")))
    assert kinds(plan(known, record("1"), mode=ImportMode.PARTIAL)) == []
    left = plan(known, record("1"))
    assert kinds(left) == [("left", "2")]
    gone = after(known, left)
    back = plan(gone, record("1"), record("2"))
    assert kinds(back) == [("joined", "2")]
    (change,) = back.changes
    assert change.person.person_id in {person.person_id for person in known}
    assert change.person.version == 3


def test_people_of_units_the_file_does_not_name_never_leave() -> None:
    known = after([], plan([], record("1"), record("1", unit=OTHER)))
    assert kinds(plan(known, record("1"))) == []


def test_a_person_whose_row_is_in_error_is_left_as_they_are() -> None:
    known = after([], plan([], record("1"), record("2")))
    assert kinds(plan(known, record("1"), protected={(UNIT, "2")})) == []


def test_a_row_in_error_that_names_nobody_keeps_everybody_of_the_unit_from_leaving() -> None:
    known = after([], plan([], record("1"), record("2")))
    found = plan(known, record("1"), unidentified={UNIT})
    assert kinds(found) == []
    assert [finding.code for finding in found.findings] == ["departures-withheld"]


def test_a_truncated_file_does_not_send_half_a_unit_away() -> None:
    known = after([], plan([], *(record(str(number)) for number in range(12))))
    assert [finding.code for finding in plan(known, *(record(str(number)) for number in range(5))).findings] == [
        "departures-withheld"
    ]
    assert len(plan(known, *(record(str(number)) for number in range(6))).changes) == 6


def test_a_superior_of_another_unit_is_found_and_an_unknown_one_reported() -> None:
    known = after([], plan([], record("boss", unit=OTHER)))
    found = plan(known, record("1", "BOSS", manager_unit=OTHER), record("2", "nobody"))
    assert found.changes[0].person.standing.manager_id == known[0].person_id
    assert found.changes[1].person.particulars.manager_unknown
    assert [(finding.row, finding.code) for finding in found.findings] == [(4, "unknown-superior")]


def test_who_leaves_with_this_import_is_nobodys_superior_any_more() -> None:
    known = after([], plan([], record("1"), record("2", "1")))
    found = plan(known, record("2", "1"))
    assert kinds(found) == [("moved", "2"), ("left", "1")]
    assert found.changes[0].person.standing.manager_id is None


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.sampled_from("XY"), st.sampled_from(["", *"abcdefgh"]))),
    st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.sampled_from("XY"), st.sampled_from(["", *"abcdefgh"]))),
)
def test_any_file_after_any_other_counts_its_events_exactly_and_is_idempotent(
    first: dict[str, tuple[str, str]], second: dict[str, tuple[str, str]]
) -> None:
    def rows(file: dict[str, tuple[str, str]]) -> list[PersonRecord]:
        return [record(number, boss or None, grade=grade) for number, (grade, boss) in file.items() if boss != number]

    one = plan([], *rows(first))
    known = after([], one)
    two = plan(known, *rows(second))
    events = [change for change in two.changes if change.kind.is_published]
    assert [change.index for change in events] == list(range(two.size))
    versions = {person.person_id: person.version for person in known}
    assert all(change.person.version == versions.get(change.person.person_id, 0) + 1 for change in events)
    assert plan(after(known, two), *rows(second)).changes == []
    employed = {person.employee_number for person in after(known, two) if person.employed}
    assert employed == {row.reference.employee_number for row in rows(second)}


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_only_amendments_are_not_published(kind: ChangeKind) -> None:
    assert kind.is_published is (kind.value != "amended")


def test_versions_of_unpublished_changes_stand_still() -> None:
    known = after([], plan([], record("1")))
    amended = plan(known, record("1", name="Bo"))
    assert amended.changes[0].person == replace(known[0], particulars=amended.changes[0].person.particulars)


@pytest.mark.requirement("R4-01", "N2")
def test_projects_reviewers_and_the_band_of_tenure_are_moves_like_any_other() -> None:
    boss, worker = record("1"), replace(record("2", "1"), joined_on=date(2025, 3, 3))
    known = after([], plan([], boss, worker))
    (standing,) = (person.standing for person in known if person.employee_number == "2")
    assert (standing.projects, standing.reviewer_ids, standing.tenure_band) == ((), (), TenureBand.UNDER_1)
    for changed in (
        replace(worker, projects=("NORTH|atlas",)),
        replace(worker, reviewers=(PersonReference(UNIT, "1"),)),
        replace(worker, joined_on=date(2010, 1, 1)),
    ):
        found = plan(known, boss, changed)
        assert kinds(found) == [("moved", "2")], changed
        assert plan(after(known, found), boss, changed).changes == []
    # The same file on the anniversary: only the band has changed, and that is published.
    assert plan(known, boss, worker, today=date(2026, 3, 2)).changes == []
    later = plan(known, boss, worker, today=date(2026, 3, 3))
    assert kinds(later) == [("moved", "2")]
    assert later.changes[0].person.standing.tenure_band is TenureBand.FROM_1_TO_3


def test_an_unknown_reviewer_is_dropped_and_reported_and_a_superior_may_review() -> None:
    reviewers = (PersonReference(UNIT, "1"), PersonReference(UNIT, "404"))
    found = plan([], record("1"), replace(record("2", "1"), reviewers=reviewers))
    (boss, worker) = (change.person for change in sorted(found.changes, key=lambda each: each.person.employee_number))
    assert worker.standing.reviewer_ids == (boss.person_id,) == (worker.standing.manager_id,)
    assert [(each.field, each.code) for each in found.findings] == [("reviewers", "unknown-reviewer")]


@pytest.mark.parametrize(
    ("joined_on", "band"),
    [
        (None, None),
        (date(2026, 3, 3), "under_1"),
        (date(2025, 3, 3), "under_1"),
        (date(2025, 3, 2), "from_1_to_3"),
        (date(2023, 3, 3), "from_1_to_3"),
        (date(2023, 3, 2), "from_3_to_10"),
        (date(2016, 3, 3), "from_3_to_10"),
        (date(2016, 3, 2), "over_10"),
        (date(2024, 2, 29), "from_1_to_3"),
    ],
)
def test_a_band_of_tenure_begins_on_the_anniversary(joined_on: date | None, band: str | None) -> None:
    assert tenure_band(joined_on, TODAY) == band


def test_a_change_staged_before_these_facts_existed_is_applied() -> None:
    (change,) = plan([], record("1")).changes
    staged = plain_change(change)
    assert change_of(staged) == change
    for name in ("projects", "reviewer_ids", "tenure_band"):
        del staged["person"][name]
    assert change_of(staged) == change
    rich = replace(record("2"), projects=("NORTH|atlas",), joined_on=date(2010, 1, 1))
    (kept,) = plan([], rich).changes
    assert change_of(plain_change(kept)) == kept
