"""What an import changes: the difference between a file and the people known so far, known whole before any of it is applied."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from enrollment.domain.findings import RowFinding, Severity
from enrollment.domain.languages import LanguageSkill
from enrollment.domain.parsed_file import ParsedFile
from enrollment.domain.people import Identity, PersonRecord, PersonReference
from enrollment.domain.tenure import TenureBand, tenure_band

MOST_DEPARTURES = 0.5
"""The share of a unit's people that one full import may declare gone; more looks like a truncated file."""
FEW_PEOPLE = 10
"""Units smaller than this may lose any share."""


class ImportMode(StrEnum):
    """`full`: who is absent from the file has left. `partial`: the file says nothing about people it does not name."""

    FULL = "full"
    PARTIAL = "partial"


class ChangeKind(StrEnum):
    """`joined`, `moved` and `left` are published; `amended` touches only what is never published (names, time zone, languages)."""

    JOINED = "joined"
    MOVED = "moved"
    LEFT = "left"
    AMENDED = "amended"

    @property
    def is_published(self) -> bool:
        """Whether the change is an event and counts in its change set."""
        return self is not ChangeKind.AMENDED


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands: the facts that are published. `team` and `projects` (`unit|project`) are published as opaque codes."""

    grade: str
    grade_rank: int
    manager_id: UUID | None = None
    dotted_line_manager_ids: tuple[UUID, ...] = ()
    team: str | None = None
    function: str | None = None
    region: str | None = None
    country: str | None = None
    projects: tuple[str, ...] = ()
    reviewer_ids: tuple[UUID, ...] = ()
    tenure_band: TenureBand | None = None


@dataclass(frozen=True, slots=True)
class Particulars:
    """What enrollment keeps to itself. `manager_unknown`: the HR system names a superior whom nobody can find."""

    identity: Identity
    time_zone: str
    languages: tuple[LanguageSkill, ...] = ()
    joined_on: date | None = None
    manager_unknown: bool = False


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person as stored. `version` is the sequence of the last event about them."""

    person_id: UUID
    business_unit_id: UUID
    employee_number: str
    version: int
    employed: bool
    standing: Standing
    particulars: Particulars


@dataclass(frozen=True, slots=True)
class Change:
    """One person's change and the whole state after it. `index` counts the published changes from 0; None for the others."""

    kind: ChangeKind
    index: int | None
    person: KnownPerson


@dataclass(slots=True)
class ChangePlan:
    """All changes of an import, published ones first in order of `index`; `size` of them are events."""

    changes: list[Change] = field(default_factory=list)
    findings: list[RowFinding] = field(default_factory=list)
    size: int = 0
    unchanged: int = 0

    def count(self, kind: ChangeKind) -> int:
        """How many changes of a kind."""
        return sum(change.kind is kind for change in self.changes)


def plan_changes(
    parsed: ParsedFile, known: Collection[KnownPerson], mode: ImportMode, new_id: Callable[[], UUID], today: date
) -> ChangePlan:
    """Compare the file with the people known of its units and of the units its references point to.

    The same file twice plans nothing the second time, unless by `today` somebody has come into another band of tenure. A person whose
    row is in error is left as they are. With mode `full`, the people of the file's units who are absent have left, unless a row in
    error might be theirs or half of the unit would go at once; either is reported and nobody of that unit leaves.
    """
    plan = ChangePlan()
    by_key = {PersonReference(person.business_unit_id, person.employee_number).key: person for person in known}
    leaving = _leavers(parsed, by_key, mode, plan)
    ids: dict[tuple[UUID, str], UUID] = {
        key: person.person_id for key, person in by_key.items() if person.employed and key not in leaving
    }
    for record in parsed.records:
        earlier = by_key.get(record.reference.key)
        ids[record.reference.key] = earlier.person_id if earlier is not None else new_id()
    published: list[Change] = []
    amended: list[Change] = []
    for record in parsed.records:
        earlier = by_key.get(record.reference.key)
        person = _person(record, ids, earlier, plan, today)
        if earlier is None or not earlier.employed:
            kind = ChangeKind.JOINED
        elif person.standing != earlier.standing:
            kind = ChangeKind.MOVED
        elif person.particulars != earlier.particulars:
            kind = ChangeKind.AMENDED
        else:
            plan.unchanged += 1
            continue
        version = person.version + 1 if kind.is_published else person.version
        (published if kind.is_published else amended).append(Change(kind, None, replace(person, version=version)))
    for key in leaving:
        gone = by_key[key]
        published.append(Change(ChangeKind.LEFT, None, replace(gone, version=gone.version + 1, employed=False)))
    plan.size = len(published)
    plan.changes = [replace(change, index=index) for index, change in enumerate(published)] + amended
    return plan


def _person(
    record: PersonRecord,
    ids: Mapping[tuple[UUID, str], UUID],
    earlier: KnownPerson | None,
    plan: ChangePlan,
    today: date,
) -> KnownPerson:
    manager_id = ids.get(record.manager.key) if record.manager is not None else None
    if record.manager is not None and manager_id is None:
        plan.findings.append(
            RowFinding(
                record.file, record.row, "manager", Severity.WARNING, "unknown-superior",
                "nobody by this reference works here; imported without a superior", "import the superior, or correct the reference",
            )
        )  # fmt: skip
    dotted = []
    for reference in record.dotted:
        found = ids.get(reference.key)
        if found is None:
            plan.findings.append(
                RowFinding(
                    record.file, record.row, "dotted_line", Severity.WARNING, "unknown-dotted-line",
                    "nobody by this reference works here; the dotted line was dropped", "import the superior, or correct the reference",
                )
            )  # fmt: skip
        elif found != manager_id:
            dotted.append(found)
    reviewers = []
    for reference in record.reviewers:
        found = ids.get(reference.key)
        if found is None:
            plan.findings.append(
                RowFinding(
                    record.file, record.row, "reviewers", Severity.WARNING, "unknown-reviewer",
                    "nobody by this reference works here; the reviewer was dropped", "import the reviewer, or correct the reference",
                )
            )  # fmt: skip
        else:
            reviewers.append(found)
    standing = Standing(
        grade=record.grade,
        grade_rank=record.grade_rank,
        manager_id=manager_id,
        dotted_line_manager_ids=tuple(sorted(set(dotted))),
        team=record.team,
        function=record.function,
        region=record.region,
        country=record.country,
        projects=record.projects,
        reviewer_ids=tuple(sorted(set(reviewers))),
        tenure_band=tenure_band(record.joined_on, today),
    )
    particulars = Particulars(
        identity=record.identity,
        time_zone=record.time_zone,
        languages=record.languages,
        joined_on=record.joined_on,
        manager_unknown=record.manager_named and manager_id is None,
    )
    return KnownPerson(
        person_id=ids[record.reference.key],
        business_unit_id=record.reference.business_unit_id,
        employee_number=earlier.employee_number if earlier is not None else record.reference.employee_number,
        version=earlier.version if earlier is not None else 0,
        employed=True,
        standing=standing,
        particulars=particulars,
    )


def _leavers(
    parsed: ParsedFile, by_key: Mapping[tuple[UUID, str], KnownPerson], mode: ImportMode, plan: ChangePlan
) -> list[tuple[UUID, str]]:
    if mode is ImportMode.PARTIAL:
        return []
    present = {record.reference.key for record in parsed.records} | parsed.protected
    leaving: list[tuple[UUID, str]] = []
    file = parsed.records[0].file if parsed.records else "people"
    for unit_id in sorted(parsed.unit_ids):
        employed = [key for key, person in by_key.items() if person.business_unit_id == unit_id and person.employed]
        gone = sorted(key for key in employed if key not in present)
        if not gone:
            continue
        if unit_id in parsed.unidentified:
            reason = "a row in error might be one of the people who are absent"
        elif len(employed) >= FEW_PEOPLE and len(gone) > MOST_DEPARTURES * len(employed):
            reason = f"{len(gone)} of {len(employed)} people would leave at once, which looks like a truncated file"
        else:
            leaving += gone
            continue
        plan.findings.append(
            RowFinding(
                file, 1, None, Severity.WARNING, "departures-withheld", f"nobody of one unit was declared gone: {reason}",
                "correct the file and import it again",
            )
        )  # fmt: skip
    return leaving
