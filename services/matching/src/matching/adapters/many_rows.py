"""Known people and participations by the hundred thousand: read in stretches straight from the driver, equal values once.

Of so many people few differ in units, languages or working times; what was made once is given again, so that a cohort
takes a fraction of the memory, and little of the time, that a mapping of each row would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from chassis.database import WriteSession

from matching.application.ports import KnownParticipation, KnownPerson
from matching.domain.facts import LanguageLevel, Role, WorkingTime

_Made = TypeVar("_Made")
_Value = TypeVar("_Value", bound=Hashable)

_PARTICIPATION = """
    participation_id, cohort_id, person_id, business_unit_id, named_unit_ids, home_unit_id, role, state,
    offers, asks, languages, time_zone, start_minute, end_minute, working_days, capacity, cadence_floor_days,
    declared_values, style, channels, background_codes, priority, sequence
"""
PARTICIPATIONS_OF_COHORT = f"""
    SELECT {_PARTICIPATION} FROM known_participations WHERE cohort_id = $1 ORDER BY participation_id
"""
PARTICIPATIONS_BY_IDS = f"SELECT {_PARTICIPATION} FROM known_participations WHERE participation_id = ANY ($1::uuid[])"

_PERSON = """
    person_id, business_unit_id, employed, grade_rank, manager_id, dotted_line_ids, team, function, region, country,
    sequence, project_codes, reviewer_ids, tenure_band
"""
PEOPLE_WITH_SUPERIORS = f"""
    WITH RECURSIVE up (person_id) AS (
        SELECT unnest($1::uuid[])
        UNION
        SELECT superior.person_id
        FROM up JOIN known_people ON known_people.person_id = up.person_id
        CROSS JOIN LATERAL unnest(known_people.dotted_line_ids || known_people.manager_id) AS superior (person_id)
        WHERE superior.person_id IS NOT NULL
    )
    SELECT {_PERSON} FROM known_people JOIN up USING (person_id)
"""


async def read_many(
    session: WriteSession, query: str, argument: object, make: Callable[[Sequence[Any]], _Made]
) -> list[_Made]:
    """What `make` makes of each row of a query with one argument."""
    found: list[_Made] = []
    async for rows in session.stretches(query, argument):
        found.extend(map(make, rows))
    return found


class _Once:
    """Equal values as one object."""

    def __init__(self) -> None:
        self._values: dict[Any, Any] = {}
        self._levels: dict[str, dict[str, int]] = {}
        self._languages: dict[str, dict[str, LanguageLevel]] = {}

    def same(self, value: _Value) -> _Value:
        """The first value equal to this one."""
        same: _Value = self._values.setdefault(value, value)
        return same

    def several(self, values: Sequence[_Value]) -> tuple[_Value, ...]:
        """A list as a tuple."""
        return self.same(tuple([self.same(value) for value in values])) if values else ()

    def levels(self, document: Any) -> dict[str, int]:
        """A JSON object of integers, as text or read already. Whoever gets it must not change it."""
        if not isinstance(document, str):
            return dict(document)
        found = self._levels.get(document)
        if found is None:
            found = self._levels[document] = {self.same(name): level for name, level in json.loads(document).items()}
        return found

    def languages(self, document: Any) -> dict[str, LanguageLevel]:
        """As `levels`, of languages."""
        if not isinstance(document, str):
            return {name: LanguageLevel(level) for name, level in document.items()}
        found = self._languages.get(document)
        if found is None:
            found = {self.same(name): LanguageLevel(level) for name, level in json.loads(document).items()}
            self._languages[document] = found
        return found


class ReadParticipations:
    """Makes known participations of the rows of `PARTICIPATIONS_OF_COHORT` or `PARTICIPATIONS_BY_IDS`."""

    def __init__(self) -> None:
        self._once = _Once()
        self._roles = {role.value: role for role in Role}
        self._times: dict[tuple[Hashable, ...], WorkingTime] = {}

    def __call__(self, row: Sequence[Any]) -> KnownParticipation:
        """The participation of a row."""
        once = self._once
        return KnownParticipation(
            participation_id=row[0],
            cohort_id=once.same(row[1]),
            person_id=row[2],
            business_unit_id=once.same(row[3]),
            named_unit_ids=once.several(row[4]),
            home_unit_id=once.same(row[5]),
            role=self._roles[row[6]],
            state=once.same(row[7]),
            offers=once.levels(row[8]),
            asks=once.levels(row[9]),
            languages=once.languages(row[10]),
            working_time=None if row[11] is None else self._working(row[11], row[12], row[13], tuple(row[14])),
            capacity=row[15],
            cadence_floor_days=row[16],
            values=once.several(row[17]),
            style=once.levels(row[18]),
            channels=once.several(row[19]),
            background_codes=once.several(row[20]),
            priority=row[21],
            sequence=row[22],
        )

    def _working(self, zone: str, start: int, end: int, days: tuple[int, ...]) -> WorkingTime:
        key = (zone, start, end, days)
        found = self._times.get(key)
        if found is None:
            found = self._times[key] = WorkingTime(zone, start, end, frozenset(days))
        return found


class ReadPeople:
    """Makes known people of the rows of `PEOPLE_WITH_SUPERIORS`."""

    def __init__(self) -> None:
        self._once = _Once()

    def __call__(self, row: Sequence[Any]) -> KnownPerson:
        """The person of a row."""
        same, several = self._once.same, self._once.several
        return KnownPerson(
            person_id=row[0],
            business_unit_id=same(row[1]),
            employed=row[2],
            grade_rank=row[3],
            manager_id=None if row[4] is None else same(row[4]),
            dotted_line_ids=several(row[5]),
            team=same(row[6]),
            function=same(row[7]),
            region=same(row[8]),
            country=same(row[9]),
            sequence=row[10],
            project_codes=several(row[11]),
            reviewer_ids=several(row[12]),
            tenure_band=same(row[13]),
        )
