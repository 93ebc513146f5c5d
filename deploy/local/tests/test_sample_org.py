"""The sample organisation: deterministic, a forest with one root, and of the shape a multinational has."""

from __future__ import annotations

import csv
import re
import statistics
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path
from zoneinfo import available_timezones

import pytest
from updraft.sample_org import AS_OF, CROSS_UNIT_SHARE, DOTTED_SHARE, MAX_DEPTH, MAX_SPAN, MIN_SPAN, Employee, generate

Key = tuple[str, str]


def key(person: Employee) -> Key:
    return person.business_unit, person.employee_number


def manager(person: Employee) -> Key:
    return person.manager_business_unit, person.manager_employee_number


@cache
def company(people: int, seed: int, units: int) -> dict[Key, Employee]:
    found = {key(person): person for person in generate(people, seed, units)}
    assert len(found) == people
    return found


def line(people: dict[Key, Employee], person: Employee) -> list[Employee]:
    """A person and their superiors up to the head; fails on a cycle or a superior nobody knows."""
    found = [person]
    while found[-1].manager_employee_number:
        found.append(people[manager(found[-1])])
        assert len(found) <= MAX_DEPTH, f"a cycle, or a line that is too long, above {key(person)}"
    return found


SHAPES = [(20, 1, 1), (80, 2, 4), (500, 3, 2), (3_000, 4, 4), (12_000, 5, 6)]


@pytest.mark.parametrize(("people", "seed", "units"), SHAPES)
def test_same_seed_same_bytes_and_another_seed_other_people(tmp_path: Path, people: int, seed: int, units: int) -> None:
    first, second, third = (tmp_path / name for name in ("first.csv", "second.csv", "third.csv"))
    assert generate(people, seed, units).write_csv(first) == people
    generate(people, seed, units).write_csv(second)
    generate(people, seed + 1, units).write_csv(third)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != third.read_bytes()


def test_an_organisation_can_be_gone_through_again() -> None:
    organisation = generate(200, 9, 3)
    assert list(organisation) == list(organisation)


@pytest.mark.parametrize(("people", "seed", "units"), SHAPES)
def test_every_line_ends_at_the_one_head_and_every_superior_exists(people: int, seed: int, units: int) -> None:
    found = company(people, seed, units)
    heads = {key(line(found, person)[-1]) for person in found.values()}
    assert len(heads) == 1


@pytest.mark.parametrize(("people", "seed", "units"), SHAPES)
def test_spans_of_control_are_within_bounds(people: int, seed: int, units: int) -> None:
    spans = Counter(
        manager(person) for person in company(people, seed, units).values() if person.manager_employee_number
    )
    assert min(spans.values()) >= MIN_SPAN
    assert max(spans.values()) <= MAX_SPAN


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_large_company_is_as_deep_wide_and_entangled_as_real_ones(seed: int) -> None:
    found = company(10_000, seed, 4)
    depths = [len(line(found, person)) for person in found.values()]
    assert 8 <= max(depths) <= MAX_DEPTH
    assert 5 <= statistics.median(depths) <= 7
    spans = Counter(manager(person) for person in found.values() if person.manager_employee_number)
    assert 5 <= statistics.median(spans.values()) <= 8
    assert len(set(spans.values())) == MAX_SPAN - MIN_SPAN + 1
    crossing = [person for person in found.values() if person.manager_business_unit not in ("", person.business_unit)]
    assert CROSS_UNIT_SHARE * 0.6 <= len(crossing) / len(found) <= CROSS_UNIT_SHARE * 1.3
    assert len({(person.business_unit, person.manager_business_unit) for person in crossing}) == 12
    dotted = [person for person in found.values() if person.dotted_line_employee_numbers]
    assert DOTTED_SHARE * 0.8 <= len(dotted) / len(found) <= DOTTED_SHARE * 1.2
    assert any("|" in person.dotted_line_employee_numbers for person in dotted)
    for person in dotted:
        unit, bar, number = person.dotted_line_employee_numbers.rpartition("|")
        other = (unit if bar else person.business_unit, number)
        assert other in found
        assert other not in (key(person), manager(person))


def test_nobody_has_a_higher_grade_than_their_superior_of_the_same_unit() -> None:
    organisation = generate(5_000, 6)
    ranks = {unit.code: dict(unit.grade_ladder) for unit in organisation.units}
    found = company(5_000, 6, 4)
    for person in found.values():
        if person.manager_business_unit == person.business_unit:
            unit = ranks[person.business_unit]
            assert unit[person.grade] <= unit[found[manager(person)].grade]
    used = {code: {person.grade for person in found.values() if person.business_unit == code} for code in ranks}
    assert all(len(grades) >= 5 for grades in used.values())


def test_units_have_their_own_ladders_places_and_numbers() -> None:
    organisation = generate(8_000, 8)
    found = company(8_000, 8, 4)
    ladders = [{rung.grade for rung in unit.grade_ladder} for unit in organisation.units]
    assert all(not first & second for i, first in enumerate(ladders) for second in ladders[i + 1 :])
    assert len({person.employee_number for person in found.values()}) < len(found), "numbers are unique in a unit only"
    for unit in organisation.units:
        people = [person for person in found.values() if person.business_unit == unit.code]
        assert len(people) >= 1_000
        assert {person.country for person in people} <= set(unit.countries)
        assert len({person.country for person in people}) >= 3
        assert unit.default_time_zone in available_timezones()
        assert [rung.rank for rung in unit.grade_ladder] == sorted({rung.rank for rung in unit.grade_ladder})
    assert len({person.region for person in found.values()}) == 3
    assert len({person.function for person in found.values()}) >= 7


def test_every_cell_is_what_its_column_says() -> None:
    found = company(8_000, 8, 4)
    zones = available_timezones()
    teams: dict[str, set[Key]] = {}
    for person in found.values():
        assert person.time_zone in zones
        assert re.fullmatch(r"[a-z]{2}:[ABC][12](;[a-z]{2}:[ABC][12]){0,2}", person.languages)
        assert re.fullmatch(r"[a-z.0-9]+@example\.org", person.email)
        assert date(1980, 1, 1) < date.fromisoformat(person.joined_on) < AS_OF
        assert re.fullmatch(r"[1-9][0-9]{5}", person.employee_number)
        assert person.given_name
        assert person.family_name
        if person.manager_employee_number:
            teams.setdefault(person.team, set()).add(manager(person))
    assert len({person.email for person in found.values()}) == len(found)
    assert all(len(managers) == 1 for managers in teams.values()), "a team is the people of one manager"
    names = {(person.given_name, person.family_name) for person in found.values()}
    assert len(names) > 2_000
    assert any(not "".join(name).isascii() for name in names)


def test_the_file_has_the_columns_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "people.csv"
    path.parent.mkdir()
    generate(100, 1).write_csv(path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert ",".join(rows[0]) == (
        "business_unit,employee_number,given_name,family_name,email,grade,job_title,team,function,region,country,time_zone,"
        "languages,manager_employee_number,manager_business_unit,dotted_line_employee_numbers,joined_on"
    )
    assert len(rows) == 101
    assert {len(row) for row in rows} == {17}


@pytest.mark.parametrize(("people", "units"), [(79, 4), (0, 1), (500, 0), (5_000, 7)])
def test_impossible_organisations_are_refused(people: int, units: int) -> None:
    with pytest.raises(ValueError, match="business units"):
        generate(people, 1, units)
