"""Files in through the API, people and events out, on a real database."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.testing import names
from contracts.identifiers import opaque_code
from enrollment.application.advance_imports import APPLIED_AT_ONCE, ImportDesk, advance_imports
from enrollment.domain.tabular import read_table
from enrollment.domain.updraft_csv import COLUMNS

from ..running import Enrollment, people_data

pytestmark = pytest.mark.integration

HEADER = ",".join(COLUMNS) + "\n"


def row(unit: str, number: str, **cells: str) -> str:
    usual = {"business_unit": unit, "employee_number": number, "grade": "E1"} | cells
    return ",".join(usual.get(column, "") for column in COLUMNS) + "\n"


def file(*rows: str) -> dict[str, bytes]:
    return {"people": (HEADER + "".join(rows)).encode()}


async def people_by_number(who: Any) -> dict[str, Any]:
    return {person["employee_number"]: person for person in await who.all("/v1/people")}


async def test_one_file_of_two_units_and_a_superior_abroad(enrollment: Enrollment) -> None:
    north, south = (f"{name}{uuid4().hex[:6]}" for name in ("N", "S"))
    north_id, north_manager = await enrollment.unit(north)
    south_id, south_manager = await enrollment.unit(south)
    rows = (
        row(
            north, "1", grade="D1", given_name="Ada", family_name="Berg", email="ada@example.org", team="Board", function="Finance",
            country="NO",
        ),
        row(south, "1", manager_employee_number="1", manager_business_unit=north, languages="es:C2;en:B1", time_zone="Europe/Madrid"),
        row(south, "2", manager_employee_number="1", dotted_line_employee_numbers=f"{north}|1"),
        row("NOWHERE", "3"),
        row(south, "4", grade="Z"),
    )  # fmt: skip
    done = await enrollment.imported(enrollment.admin, file(*rows), f"format=updraft_csv&business_unit_id={north_id}")
    assert (done["state"], done["size"], done["done"], done["change_set_size"]) == ("applied", 3, 3, 3)
    assert done["counts"] == {
        "rows_read": 5, "rows_in_error": 2, "warnings": 0, "joined": 3, "moved": 0, "left": 0, "amended": 0, "unchanged": 0,
    }  # fmt: skip
    report = await enrollment.admin.all(f"/v1/imports/{done['import_id']}/findings")
    assert [(line["row"], line["field"], line["severity"], line["code"]) for line in report] == [
        (5, "business_unit", "error", "unknown-unit"),
        (6, "grade", "error", "unknown-grade"),
    ]
    assert all(line["remedy"] for line in report)

    boss = (await people_by_number(north_manager))["1"]
    assert (boss["given_name"], boss["email"], boss["team"], boss["grade_rank"]) == (
        "Ada",
        "ada@example.org",
        "Board",
        9,
    )
    abroad = await people_by_number(south_manager)
    assert abroad["1"]["manager_id"] == boss["person_id"]
    line = await south_manager.get(f"/v1/people/{abroad['2']['person_id']}/reporting-line")
    assert line["ancestor_ids"] == [abroad["1"]["person_id"], boss["person_id"]]
    assert line["dotted_line_manager_ids"] == [boss["person_id"]]
    above = await south_manager.get(f"/v1/people/{abroad['1']['person_id']}/reporting-line")
    assert above["report_ids"] == [abroad["2"]["person_id"]]
    # Named on the import, the other unit follows it, but the rows are its owner's.
    seen = await south_manager.get(f"/v1/imports/{done['import_id']}")
    assert seen["named_unit_ids"] == [str(north_id), str(south_id)]
    assert await south_manager.all(f"/v1/imports/{done['import_id']}/findings") == []

    events = [
        event
        for event in await enrollment.events()
        if event.data.TOPIC.endswith(".people") and event.data.change_set_id == UUID(done["change_set_id"])
    ]
    assert [event.data.change_set_index for event in events] == [0, 1, 2]
    assert {event.data.change_set_size for event in events} == {3}
    assert names(events) == [("PersonJoined", 1)] * 3
    assert events[0].data.team_code == opaque_code(str(north_id), "Board")
    assert str(events[1].data.manager_id) == boss["person_id"]


@pytest.mark.requirement("S14")
async def test_no_personal_data_leaves_through_events(enrollment: Enrollment) -> None:
    code = f"P{uuid4().hex[:6]}"
    _, manager = await enrollment.unit(code)
    canaries = {
        "given_name": "Canaria",
        "family_name": "Vogelsang",
        "email": "canaria@example.org",
        "job_title": "Kanarienkunde",
        "team": "Kanarienteam",
    }
    await enrollment.imported(
        manager,
        file(
            row(code, "canary-4711", **canaries), row(code, "canary-4712", email="canaria broken", given_name="Canaria")
        ),
    )
    async with enrollment.driver() as driver:
        outbox = await driver.fetch(
            "SELECT convert_from(value, 'UTF8') || convert_from(headers, 'UTF8') AS text FROM outbox"
        )
        report = await driver.fetch("SELECT row_to_json(f)::text AS text FROM import_findings f")
        staged = await driver.fetchval("SELECT count(*) FROM import_changes")
        files = await driver.fetchval("SELECT count(*) FROM import_files")
        audited = await driver.fetch("SELECT row_to_json(a)::text AS text FROM audit_log a")
    everything = " ".join(found["text"] for found in (*outbox, *report, *audited)).casefold()
    assert outbox
    assert [word for word in ("canar", "vogelsang", "kanarien", "4711") if word in everything] == []
    assert (staged, files) == (0, 0)


async def test_the_same_file_twice_changes_nothing_and_a_changed_one_only_what_changed(enrollment: Enrollment) -> None:
    code = f"R{uuid4().hex[:6]}"
    _, manager = await enrollment.unit(code)
    rows = [row(code, str(number), manager_employee_number="0" if number else "") for number in range(4)]
    full = "format=updraft_csv&mode=full"
    await enrollment.imported(manager, file(*rows), full)
    before = len(await enrollment.events())
    again = await enrollment.imported(manager, file(*rows), full)
    assert (again["counts"]["unchanged"], again["size"], again["change_set_id"]) == (4, 0, None)
    assert len(await enrollment.events()) == before
    changed = [
        row(code, "0"),
        row(code, "1", grade="E2", manager_employee_number="0"),
        row(code, "2", manager_employee_number="0", given_name="Bo"),
    ]
    done = await enrollment.imported(manager, file(*changed), full)
    assert {name: done["counts"][name] for name in ("joined", "moved", "left", "amended", "unchanged")} == {
        "joined": 0, "moved": 1, "left": 1, "amended": 1, "unchanged": 1,
    }  # fmt: skip
    assert (await enrollment.outbox())[before:] == [("PersonMoved", 2), ("PersonLeft", 2)]
    people = await people_by_number(manager)
    assert (people["3"]["employed"], people["2"]["given_name"], people["2"]["version"]) == (False, "Bo", 1)
    assert len(await manager.all("/v1/people?employed=true")) == 3


async def test_cycles_and_orphans_are_found_and_go_away_when_mended(enrollment: Enrollment) -> None:
    code = f"C{uuid4().hex[:6]}"
    _, manager = await enrollment.unit(code)
    _, stranger = await enrollment.unit()
    rows = [
        row(code, "1", manager_employee_number="2"),
        row(code, "2", manager_employee_number="1"),
        row(code, "3", manager_employee_number="2"),
        row(code, "4", manager_employee_number="404"),
        row(code, "5"),
    ]
    done = await enrollment.imported(manager, file(*rows))
    assert done["counts"]["warnings"] == 1
    number = {person["person_id"]: person["employee_number"] for person in await manager.all("/v1/people")}
    found = await manager.all("/v1/reporting-lines/findings")
    assert sorted(
        (finding["fault"], sorted(number[person] for person in finding["person_ids"])) for finding in found
    ) == [
        ("cycle", ["1", "2"]),
        ("orphan", ["4"]),
    ]
    assert await stranger.all("/v1/reporting-lines/findings") == []
    rows[0], rows[3] = row(code, "1"), row(code, "4", manager_employee_number="5")
    await enrollment.imported(manager, file(*rows))
    assert await manager.all("/v1/reporting-lines/findings") == []


async def test_a_worker_that_dies_anywhere_loses_nothing_and_doubles_nothing(enrollment: Enrollment) -> None:
    code = f"D{uuid4().hex[:6]}"
    _, manager = await enrollment.unit(code)
    count = 2 * APPLIED_AT_ONCE + 7
    rows = [
        row(code, str(number), manager_employee_number=str(number // 10) if number else "") for number in range(count)
    ]
    sent = await enrollment.send(manager, file(*rows), "format=updraft_csv")
    before = len(await enrollment.events())
    steps = 0
    seen = set()
    # A new desk at every step is what a killed worker leaves: nothing in memory. The same worker's name, so that no claim has to go stale.
    desk = enrollment.desk
    while True:
        state = (await manager.get(f"/v1/imports/{sent['import_id']}"))["state"]
        seen.add(state)
        desk = ImportDesk(worker=desk.worker) if state not in {"staging", "linking"} or steps % 3 == 0 else desk
        if not await advance_imports(enrollment.committed, desk):
            break
        steps += 1
        assert steps < 200
    assert seen == {"received", "staging", "applying", "linking", "applied"}
    events = (await enrollment.events())[before:]
    assert sorted(event.data.change_set_index for event in events) == list(range(count))
    assert {event.data.change_set_size for event in events} == {count}
    assert len({event.subject for event in events}) == count
    last = (await people_by_number(manager))[str(count - 1)]
    line = await manager.get(f"/v1/people/{last['person_id']}/reporting-line")
    assert len(line["ancestor_ids"]) == len(str(count - 1))


async def test_a_second_worker_leaves_a_claimed_import_alone(enrollment: Enrollment) -> None:
    code = f"W{uuid4().hex[:6]}"
    _, manager = await enrollment.unit(code)
    await enrollment.send(manager, file(row(code, "1")), "format=updraft_csv")
    assert await advance_imports(enrollment.committed, enrollment.desk)
    assert not await advance_imports(enrollment.committed, ImportDesk())
    await enrollment.work()
    assert len(await manager.all("/v1/people")) == 1


async def test_a_file_that_cannot_be_read_fails_whole_and_says_why(enrollment: Enrollment) -> None:
    _, manager = await enrollment.unit()
    done = await enrollment.imported(manager, {"people": b"name,shoe size\nA,44\n"})
    assert done["state"] == "failed"
    assert "employee_number" in done["failure"]
    async with enrollment.driver() as driver:
        assert await driver.fetchval("SELECT count(*) FROM import_files") == 0


@pytest.mark.parametrize(
    ("files", "query", "field"),
    [
        ({}, "format=updraft_csv", "/people"),
        ({"people": b""}, "format=updraft_csv", "/people"),
        ({"people": b"x"}, "format=uk_organogram", "/senior"),
        ({"senior": b"x", "people": b"y"}, "format=uk_organogram", "/people"),
    ],
)
async def test_the_wrong_files_are_refused_at_once(
    enrollment: Enrollment, files: dict[str, bytes], query: str, field: str
) -> None:
    _, manager = await enrollment.unit()
    answer = await manager.call(
        "POST", f"/v1/imports?{query}", files={name: (name, data) for name, data in files.items()} or {"x": ("x", b"")}
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


async def test_a_program_manager_imports_for_the_own_unit_only(enrollment: Enrollment) -> None:
    _, manager = await enrollment.unit()
    other = f"O{uuid4().hex[:6]}"
    other_id, other_manager = await enrollment.unit(other)
    done = await enrollment.imported(manager, file(row(other, "1")))
    assert done["counts"]["rows_in_error"] == 1
    assert await other_manager.all("/v1/people") == []
    await enrollment.send(manager, file(row(other, "1")), f"format=updraft_csv&business_unit_id={other_id}", 404)


@pytest.mark.skipif(people_data() is None, reason="the data made by others is not here: set UPDRAFT_DATA")
async def test_a_real_ministry(enrollment: Enrollment) -> None:
    folder = people_data()
    assert folder is not None
    files = {name: (folder / "health_2013" / f"{name}.csv").read_bytes() for name in ("senior", "junior")}
    ladder = [
        {"grade": grade, "rank": rank}
        for rank, grade in enumerate(("AO", "EO", "HEO", "SEO", "G7", "G6", "SCS1", "SCS2", "SCS3", "SCS4"), 1)
    ]
    _, manager = await enrollment.unit(ladder=ladder)
    done = await enrollment.imported(manager, files, "format=uk_organogram")
    expected = Counter[str]()
    for line in read_table(files["senior"], "senior").rows:
        expected["people"] += line.get("Name").casefold() not in {"eliminated", "vacant"}
    for line in read_table(files["junior"], "junior").rows:
        expected["people"] += math.ceil(float(line.get("Number of Posts in FTE")))
    assert (done["state"], done["counts"]["joined"], done["counts"]["rows_in_error"]) == (
        "applied",
        expected["people"],
        0,
    )
    assert await manager.all("/v1/reporting-lines/findings") == []
    people = await people_by_number(manager)
    top = people["department-of-health:ERD001"]
    assert (top["grade"], top["grade_rank"], top["manager_id"]) == ("SCS4", 10, None)
    some = next(person for number, person in people.items() if number.startswith("department-of-health:RDD-039:j-"))
    line = await manager.get(f"/v1/people/{some['person_id']}/reporting-line")
    chain = [people["department-of-health:RDD-039"]["person_id"], people["department-of-health:RDD-009"]["person_id"]]
    assert line["ancestor_ids"][:2] == chain
    assert line["ancestor_ids"][-1] == top["person_id"]
    again = await enrollment.imported(manager, files, "format=uk_organogram&mode=full")
    assert (again["size"], again["counts"]["unchanged"]) == (0, expected["people"])


def test_tests_do_not_carry_the_data_of_others() -> None:
    assert not list(Path(__file__).parents[1].rglob("*.csv"))
