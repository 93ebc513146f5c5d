"""Audit groups over HTTP and upon a real database: the person's alone, on no topic but one, and gone when taken back."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.audit_groups import code_of
from enrollment.bootstrap import audit_key_of

from ..running import GROUPS, Enrollment, Somebody, application

pytestmark = pytest.mark.integration


async def applied(enrollment: Enrollment) -> tuple[Somebody, Somebody, Somebody, str]:
    """A person who applied, their program manager, a colleague who applied too; and where the person's groups are."""
    unit, manager, (one, other, *_) = await enrollment.staffed()
    cohort = await enrollment.cohort(manager)
    made: list[tuple[Somebody, str]] = []
    for employee in (one, other):
        who = enrollment.somebody(employee, unit)
        body = await who.post(f"/v1/cohorts/{cohort['cohort_id']}/applications", application())
        made.append((who, body["participation_id"]))
    (person, key), (colleague, _) = made
    return person, manager, colleague, f"/v1/participations/{key}/audit-groups"


async def put(who: Somebody, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = await who.call("PUT", path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.requirement("R3-17", "N7")
async def test_a_person_declares_reads_and_takes_back_their_own_groups(enrollment: Enrollment) -> None:
    person, manager, colleague, path = await applied(enrollment)
    assert await person.get(path) == {"groups": {}, "consented_at": None}
    shown = await put(person, path, GROUPS)
    assert "woman" not in json.dumps(shown)
    assert (await person.get(path))["groups"] == GROUPS["groups"]
    for stranger in (manager, colleague, enrollment.somebody(uuid4(), uuid4())):
        for method in ("GET", "DELETE"):
            assert (await stranger.call(method, path)).status_code in (403, 404)
        assert (await stranger.call("PUT", path, json=GROUPS)).status_code in (403, 404)
    assert (await person.get(path))["groups"] == GROUPS["groups"]
    assert (await person.call("DELETE", path)).status_code == 200
    assert await person.get(path) == {"groups": {}, "consented_at": None}


@pytest.mark.requirement("R3-17", "S14")
async def test_what_is_declared_is_plain_in_one_table_and_nowhere_else(enrollment: Enrollment) -> None:
    person, _, _, path = await applied(enrollment)
    await put(person, path, GROUPS)
    participation = UUID(path.split("/")[3])
    async with enrollment.driver() as driver:
        (event,) = await driver.fetch(
            "SELECT topic, convert_from(value, 'UTF8') AS value FROM outbox"
            " WHERE topic = 'updraft.enrollment.consented-attributes' AND convert_from(value, 'UTF8') LIKE $1",
            f"%{participation}%",
        )
        elsewhere = await driver.fetch(
            "SELECT convert_from(value, 'UTF8') AS text FROM outbox WHERE convert_from(value, 'UTF8') LIKE $1"
            " UNION ALL SELECT coalesce(before::text, '') || coalesce(after::text, '') FROM audit_log WHERE subject_id = $2"
            " UNION ALL SELECT convert_from(body, 'UTF8') FROM idempotency_keys"
            " UNION ALL SELECT row_to_json(p)::text FROM participations p WHERE participation_id = $2",
            f"%{participation}%",
            participation,
        )
    said = {each["dimension"]: each["code"] for each in json.loads(event["value"])["attributes"]}
    key = audit_key_of(enrollment.api.settings)
    assert said == {name: code_of(key, participation, name, group) for name, group in GROUPS["groups"].items()}
    assert len(elsewhere) > 3
    assert not any("woman" in row["text"] or "from_50" in row["text"] for row in elsewhere)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (GROUPS | {"consent": False}, "/consent"),
        (GROUPS | {"groups": {"gender": "from_50"}}, "/groups/gender"),
        (GROUPS | {"groups": {"religion": "any"}}, "/groups/religion"),
        (GROUPS | {"purpose": "matching"}, "/purpose"),
    ],
)
async def test_bad_declarations_name_the_field(enrollment: Enrollment, body: dict[str, Any], field: str) -> None:
    person, _, _, path = await applied(enrollment)
    assert (await put(person, path, body, 422))["errors"][0]["field"] == field


@pytest.mark.requirement("R3-17", "RX-01")
async def test_a_program_switches_a_dimension_off(enrollment: Enrollment) -> None:
    unit, manager, (one, *_) = await enrollment.staffed()
    program = await enrollment.program(manager, audit_dimensions=["gender"])
    assert program["settings"]["audit_dimensions"] == ["gender"]
    cohort = await enrollment.cohort(manager, program)
    person = enrollment.somebody(one, unit)
    body = await person.post(f"/v1/cohorts/{cohort['cohort_id']}/applications", application())
    path = f"/v1/participations/{body['participation_id']}/audit-groups"
    problem = await put(person, path, GROUPS, 422)
    assert problem["errors"][0]["field"] == "/groups/age_band"
    await put(person, path, GROUPS | {"groups": {"gender": "woman"}})
    listed = await person.get("/v1/audit-dimensions")
    assert {dimension["code"] for dimension in listed["dimensions"]} == {
        "age_band",
        "disability",
        "ethnicity",
        "gender",
    }
