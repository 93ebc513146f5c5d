"""A deterministic generator of a multinational's HR file, in the project's own CSV format.

    organisation = generate(people=5_000, seed=7, units=4)
    organisation.units                          # what to register before the file is imported
    organisation.write_csv(Path("people.csv"))

People are made one at a time, superiors before their reports, so that memory holds the managers only. Everything is
synthetic; every address is under example.org.
"""

from __future__ import annotations

import csv
import itertools
import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from updraft.sample_org_words import FUNCTION_WEIGHTS, FUNCTIONS, LADDERS, NAMES, PLACES, UNIT_WEIGHTS, UNITS, Place

MAX_UNITS = len(UNITS)
"""The largest number of business units an organisation can have."""
MIN_PEOPLE_PER_UNIT = 20
"""A unit has at least this many people."""
MAX_DEPTH = 9
"""No reporting line is longer, both ends counted."""
MIN_SPAN, MAX_SPAN = 3, 15
"""Direct reports of a manager."""
CROSS_UNIT_SHARE = 0.03
"""About this share of people report to a manager of another unit."""
DOTTED_SHARE = 0.06
"""About this share of people have a dotted line."""
BOARD = "Executive Board"
"""The team of the head of the company."""
AS_OF = date(2026, 1, 1)
"""The day the file describes."""

T = TypeVar("T")

_BY_COUNTRY = {place.country: place for place in PLACES}
_SPAN_OF_LEVEL = 7.0
_CHOICES_KEPT = 512


class Rung(NamedTuple):
    """One grade of a unit's ladder, with its place in the order common to all units."""

    grade: str
    rank: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A business unit as it must be registered before its people are imported."""

    code: str
    display_name: str
    default_time_zone: str
    grade_ladder: tuple[Rung, ...]
    countries: tuple[str, ...]


class Employee(NamedTuple):
    """One row of the file. The fields are its columns, in order."""

    business_unit: str
    employee_number: str
    given_name: str
    family_name: str
    email: str
    grade: str
    job_title: str
    team: str
    function: str
    region: str
    country: str
    time_zone: str
    languages: str
    manager_employee_number: str
    manager_business_unit: str
    dotted_line_employee_numbers: str
    joined_on: str


@dataclass(slots=True)
class _Manager:
    """What is remembered of somebody with reports."""

    unit: int
    number: str
    level: int
    standing: float
    team: str
    function: int
    place: Place
    reports: int


class _Seat(NamedTuple):
    """A place in the tree that is to be filled: `size` people, its holder included."""

    size: int
    level: int
    manager: _Manager | None


@dataclass(frozen=True, slots=True)
class Organisation:
    """A company. Iterating makes its people anew each time, the same ones in the same order."""

    people: int
    seed: int
    units: tuple[Unit, ...]

    def __iter__(self) -> Iterator[Employee]:
        return _Company(self).employees()

    def write_csv(self, path: Path) -> int:
        """Write the HR file (UTF-8, header first); returns how many people it has."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(Employee._fields)
            writer.writerows(self)
        return self.people


def generate(people: int, seed: int, units: int = 4) -> Organisation:
    """A company of exactly `people` people in `units` business units; equal arguments give equal files.

    Raises:
        ValueError: there are too many units, or fewer than `MIN_PEOPLE_PER_UNIT` people for each.
    """
    if not 1 <= units <= MAX_UNITS:
        raise ValueError(f"between 1 and {MAX_UNITS} business units, not {units}")
    if people < units * MIN_PEOPLE_PER_UNIT:
        raise ValueError(f"{units} business units need at least {units * MIN_PEOPLE_PER_UNIT} people, not {people}")
    made = tuple(
        Unit(code, name, zone, tuple(Rung(*rung) for rung in ladder), countries)
        for (code, name, zone, countries), ladder in zip(UNITS[:units], LADDERS, strict=False)
    )
    return Organisation(people, seed, made)


class _Company:
    """One run through a company: what has been drawn so far."""

    def __init__(self, organisation: Organisation) -> None:
        self.random = Random(f"updraft {organisation.people} {organisation.seed} {len(organisation.units)}")  # noqa: S311
        self.units = organisation.units
        self.sizes = _shares(organisation.people, UNIT_WEIGHTS[: len(self.units)])
        self.made = [0] * len(self.units)
        self.addresses: dict[str, int] = {}
        self.teams = itertools.count(1)
        self.open_managers: dict[tuple[int, int], list[_Manager]] = {}
        self.superiors: list[list[_Manager]] = [[] for _ in self.units]

    def employees(self) -> Iterator[Employee]:
        """Everybody, superiors first; the units in turn, so that lines can cross between any two of them."""
        first, head = self._fill(0, _Seat(self.sizes[0], 1, None))
        yield first
        assert head is not None  # noqa: S101 - the first seat has people below it
        stacks = [self._below(head, self.sizes[0] - 1, others=len(self.units) - 1)]
        stacks += [[_Seat(size, 2, head)] for size in self.sizes[1:]]
        while any(stacks):
            unit = self._pick(range(len(stacks)), [self.sizes[i] if stack else 0 for i, stack in enumerate(stacks)])
            seat = self._maybe_crossed(unit, stacks[unit].pop())
            employee, manager = self._fill(unit, seat)
            yield employee
            if manager is not None:
                stacks[unit] += self._below(manager, seat.size - 1)

    def _fill(self, unit: int, seat: _Seat) -> tuple[Employee, _Manager | None]:
        """The holder of a seat; with what is remembered of them when others will report to them."""
        random, definition, above = self.random, self.units[unit], seat.manager
        function = self._function(above, seat.level)
        place = self._place(definition, above, seat.level)
        name, area, profession = FUNCTIONS[function][0], FUNCTIONS[function][1], FUNCTIONS[function][2]
        standing = self._standing(seat.size, above)
        grade = _grade(definition, standing)
        given, family = self._name(place)
        number = self._number(unit)
        team = above.team if above else BOARD
        manager = None
        if seat.size > 1:
            led = (
                BOARD
                if above is None
                else f"{name} {area[int(random.random() * len(area))]} {place.country} {next(self.teams)}"
            )
            manager = _Manager(unit, number, seat.level, standing, led, function, place, 0)
        employee = Employee(
            business_unit=definition.code,
            employee_number=number,
            given_name=given,
            family_name=family,
            email=self._address(given, family),
            grade=grade,
            job_title=_title(name, profession, standing, seat),
            team=team,
            function=name,
            region=place.region,
            country=place.country,
            time_zone=place.time_zones[int(random.random() * len(place.time_zones))],
            languages=self._languages(place),
            manager_employee_number=above.number if above else "",
            manager_business_unit=self.units[above.unit].code if above else "",
            dotted_line_employee_numbers=self._dotted(unit, above),
            joined_on=self._joined(standing).isoformat(),
        )
        if manager is not None:
            _remember(self.superiors[unit], manager, random)
        return employee, manager

    def _below(self, manager: _Manager, people: int, *, others: int = 0) -> list[_Seat]:
        """Seats for `people` people below a manager, who has `others` reports elsewhere already."""
        sizes = self._split(people, manager.level + 1, MAX_SPAN - others)
        manager.reports = len(sizes) + others
        if manager.reports < MAX_SPAN:
            kept = self.open_managers.setdefault((manager.unit, manager.level), [])
            _remember(kept, manager, self.random)
        return [_Seat(size, manager.level + 1, manager) for size in sizes]

    def _split(self, people: int, level: int, most: int) -> list[int]:
        """Sizes of the subtrees that `people` people at `level` and below form: 1, or enough for a manager's span."""
        random = self.random
        room = _capacity(level)
        if people <= most and (people <= MAX_SPAN - 3 or room == 1):
            return [1] * people
        fewest = max(MIN_SPAN, math.ceil(people / room) + 1)
        drawn = round(random.lognormvariate(math.log(_SPAN_OF_LEVEL), 0.4))
        span = min(max(drawn, fewest), most, people - MIN_SPAN)
        weights = [random.gammavariate(1.3, 1.0) for _ in range(span)]
        total, extra = sum(weights), people - span
        added = [min(int(extra * weight / total), room - 1) for weight in weights]
        added = [more if more >= MIN_SPAN else 0 for more in added]
        left = extra - sum(added)
        for child in sorted(range(span), key=lambda i: -added[i]):
            if not left:
                break
            more = min(left, room - 1 - added[child])
            if added[child] or more >= MIN_SPAN:
                added[child] += more
                left -= more
        if left:
            giver = max(range(span), key=lambda i: added[i])
            taker = added.index(0)
            added[taker], added[giver] = MIN_SPAN, added[giver] - (MIN_SPAN - left)
        random.shuffle(added)
        return [1 + more for more in added]

    def _maybe_crossed(self, unit: int, seat: _Seat) -> _Seat:
        """The seat, or now and then the same seat below a manager of another unit, at the same level."""
        own = seat.manager
        if own is None or seat.level <= 2 or self.random.random() >= CROSS_UNIT_SHARE or own.reports <= MIN_SPAN:
            return seat
        foreign = [
            kept
            for other in range(len(self.units))
            if other != unit and (kept := self.open_managers.get((other, own.level)))
        ]
        if not foreign:
            return seat
        managers = foreign[int(self.random.random() * len(foreign))]
        position = int(self.random.random() * len(managers))
        manager = managers[position]
        manager.reports += 1
        own.reports -= 1
        if manager.reports >= MAX_SPAN:
            managers[position] = managers[-1]
            managers.pop()
        return seat._replace(manager=manager)

    def _standing(self, size: int, above: _Manager | None) -> float:
        """How senior a seat is, on the common order: by the people below it, and always less than its manager's."""
        if above is None:
            return 100.0
        if size == 1:
            wanted = 10 + 40 * self.random.betavariate(1.6, 2.2)
        else:
            wanted = 42 + 11 * math.log10(size) + 6 * (self.random.random() - 0.5)
        return min(wanted, above.standing - 1)

    def _function(self, above: _Manager | None, level: int) -> int:
        if above is None or level <= 3 or self.random.random() < 0.03:
            return self._pick(range(len(FUNCTIONS)), FUNCTION_WEIGHTS)
        return above.function

    def _place(self, unit: Unit, above: _Manager | None, level: int) -> Place:
        away = above is None or above.place.country not in unit.countries
        if away or level <= 4 or self.random.random() < 0.12:
            return _BY_COUNTRY[unit.countries[int(self.random.random() ** 1.5 * len(unit.countries))]]
        assert above is not None  # noqa: S101 - `away` otherwise
        return above.place

    def _name(self, place: Place) -> tuple[str, str]:
        random = self.random
        cultures = tuple(NAMES)
        culture = place.culture if random.random() < 0.8 else cultures[int(random.random() * len(cultures))]
        given, family = NAMES[culture]
        return given[int(random.random() * len(given))], family[int(random.random() * len(family))]

    def _address(self, given: str, family: str) -> str:
        plain = f"{_ascii(given)}.{_ascii(family)}"
        count = self.addresses[plain] = self.addresses.get(plain, 0) + 1
        return f"{plain}{count if count > 1 else ''}@example.org"

    def _number(self, unit: int) -> str:
        """Numbers are unique within a unit only."""
        position = self.made[unit]
        self.made[unit] += 1
        return str(100_000 + (position + 3 * unit) * 7_919 % 899_981)

    def _languages(self, place: Place) -> str:
        random = self.random
        spoken = {place.language: "C2"}
        if place.language != "en":
            level = self._pick(("A2", "B1", "B2", "C1", "C2"), (6, 17, 34, 31, 12))
            spoken["en"] = level
        if random.random() < 0.22:
            further = ("es", "fr", "de", "pt", "zh", "it")[int(random.random() * 6)]
            spoken.setdefault(further, ("A2", "B1", "B2", "C1")[int(random.random() * 4)])
        return ";".join(f"{language}:{level}" for language, level in spoken.items())

    def _dotted(self, unit: int, above: _Manager | None) -> str:
        """Somebody else they report to: mostly of the own unit, at times of another one (written unit|number)."""
        random = self.random
        if above is None or random.random() >= DOTTED_SHARE:
            return ""
        abroad = random.random() < 0.2
        known = self.superiors[int(random.random() * len(self.units)) if abroad else unit]
        if not known:
            return ""
        other = known[int(random.random() * len(known))]
        if other is above:
            return ""
        return other.number if other.unit == unit else f"{self.units[other.unit].code}|{other.number}"

    def _joined(self, standing: float) -> date:
        years = min(self.random.expovariate(1 / (2.5 + standing / 14)), 38.0)
        return AS_OF - timedelta(days=1 + int(years * 365.25))

    def _pick(self, options: Sequence[T], weights: Sequence[int]) -> T:
        """One of the options, by weight."""
        return self.random.choices(options, weights)[0]


def _shares(total: int, weights: tuple[int, ...]) -> list[int]:
    """`total` divided by weight, each part at least `MIN_PEOPLE_PER_UNIT`."""
    spare = total - MIN_PEOPLE_PER_UNIT * len(weights)
    parts = [MIN_PEOPLE_PER_UNIT + spare * weight // sum(weights) for weight in weights]
    parts[0] += total - sum(parts)
    return parts


def _capacity(level: int) -> int:
    """The most people a subtree whose top is at `level` can have within `MAX_DEPTH` and `MAX_SPAN`."""
    return sum(MAX_SPAN**below for below in range(MAX_DEPTH - level + 1))


def _remember(kept: list[_Manager], manager: _Manager, random: Random) -> None:
    """Keep a bounded choice of managers, so that memory and time do not grow with the company."""
    if len(kept) < _CHOICES_KEPT:
        kept.append(manager)
    else:
        kept[int(random.random() * _CHOICES_KEPT)] = manager


def _grade(unit: Unit, standing: float) -> str:
    """The highest rung not above a standing; the lowest one if all are."""
    return max(
        (rung for rung in unit.grade_ladder if rung.rank <= standing),
        default=unit.grade_ladder[0],
        key=lambda rung: rung.rank,
    ).grade


def _title(function: str, profession: str, standing: float, seat: _Seat) -> str:
    if seat.manager is None:
        return "Chief Executive Officer"
    if seat.level == 2 and seat.size > 1:
        return f"Executive Vice President {function}"
    if seat.size > 1:
        return f"{'Director' if standing >= 66 else 'Head of' if standing >= 58 else 'Team Lead'} {function}"
    return f"{'Principal ' if standing >= 42 else 'Senior ' if standing >= 32 else '' if standing >= 18 else 'Junior '}{profession}"


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS)).encode("ascii", "ignore").decode().lower()
    return "".join(letter for letter in plain if letter.isalnum())


_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ı": "i", "đ": "d", "Đ": "D", "ø": "o", "æ": "ae"})
