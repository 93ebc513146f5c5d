"""What matching needs of people, applications, admissions and programs: in through the API, out as events, on a real database."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.identifiers import opaque_code
from enrollment.domain.grades import UK_CIVIL_SERVICE
from enrollment.domain.updraft_csv import COLUMNS
from sqlalchemy import text

from ..running import EXPERIENCE, Enrollment, application, data_of_others

pytestmark = pytest.mark.integration

DECLARED: dict[str, Any] = {
    "values": ["variety", "income"], "working_style": {"pace": 5, "formality": 1}, "preferred_channels": ["phone", "video"],
    "confidence": 2,
}  # fmt: skip
FORM_MAPPING = {
    "topics": {
        "DDaT": ["technology.data"],
        "Policy": ["trends.leadership"],
        "HR": ["trends.talent_insight"],
        "Operations": ["technology.automation"],
        "Security": ["technology.security"],
    },
    "languages": "en:C2",
    "time_zone": "Europe/London",
    "hours": "09:00-17:00",
}
SAMPLE = data_of_others("matching/civil_service_sample")


def file(*rows: dict[str, str]) -> dict[str, bytes]:
    lines = [",".join(row.get(column, "") for column in COLUMNS) for row in rows]
    return {"people": "\n".join([",".join(COLUMNS), *lines]).encode()}


async def by_number(manager: Any) -> dict[str, Any]:
    return {person["employee_number"]: person for person in await manager.all("/v1/people")}


@pytest.mark.requirement("N2", "S14", "R4-01")
async def test_projects_reviewers_and_tenure_come_from_the_hr_file_and_leave_as_codes(enrollment: Enrollment) -> None:
    north, south = (f"{name}{uuid4().hex[:6]}" for name in "NS")
    north_id, manager = await enrollment.unit(north)
    _, southern = await enrollment.unit(south)
    rows = [
        {"business_unit": north, "employee_number": "1", "grade": "D1"},
        {
            "business_unit": north, "employee_number": "2", "grade": "E1", "project_codes": f"Atlas;{south}|Borealis",
            "reviewer_employee_numbers": "1;404", "joined_on": "2024-01-15",
        },
        {"business_unit": south, "employee_number": "3", "grade": "E1", "project_codes": "borealis"},
    ]  # fmt: skip
    query = f"format=updraft_csv&business_unit_id={north_id}"
    done = await enrollment.imported(enrollment.admin, file(*rows), query)
    assert (done["counts"]["joined"], done["counts"]["warnings"]) == (3, 1)
    people = await by_number(manager)
    shown = people["2"]
    assert shown["projects"] == [f"{north}|Atlas", f"{south}|Borealis"]
    assert (shown["reviewer_ids"], shown["tenure_band"]) == ([people["1"]["person_id"]], "from_1_to_3")
    said = (await enrollment.events(shown["person_id"]))[-1].data
    assert set(said.project_codes) == {opaque_code(north, "Atlas"), opaque_code(south, "Borealis")}
    assert (str(said.reviewer_ids[0]), said.tenure_band) == (people["1"]["person_id"], "from_1_to_3")
    third = (await by_number(southern))["3"]
    assert set((await enrollment.events(third["person_id"]))[-1].data.project_codes) < set(said.project_codes)
    everything = "".join(event.data.model_dump_json() for event in await enrollment.events()).casefold()
    assert "borealis" not in everything
    assert "2024-01-15" not in everything
    rows[1]["project_codes"] = "Atlas"
    again = await enrollment.imported(enrollment.admin, file(*rows), query)
    assert (again["counts"]["moved"], again["counts"]["unchanged"], again["change_set_size"]) == (1, 2, 1)


async def test_a_person_stored_before_these_facts_existed_is_published_with_them_at_the_next_import(
    enrollment: Enrollment,
) -> None:
    code = f"O{uuid4().hex[:6]}"
    _, manager = await enrollment.unit(code)
    row = {"business_unit": code, "employee_number": "1", "grade": "E1", "joined_on": "2010-01-01"}
    await enrollment.imported(manager, file(row))
    person = (await by_number(manager))["1"]
    async with enrollment.worker.database.write() as session:
        driver = await session.driver()
        await driver.execute("BEGIN")
        changed = await driver.execute(
            "UPDATE people SET tenure_band = DEFAULT, projects = DEFAULT, reviewer_ids = DEFAULT WHERE person_id = $1",
            UUID(person["person_id"]),
        )
        await driver.execute("COMMIT")
    assert changed == "UPDATE 1"
    done = await enrollment.imported(manager, file(row))
    assert (done["counts"]["moved"], done["change_set_size"]) == (1, 1)
    assert (await enrollment.events(person["person_id"]))[-1].data.tenure_band == "over_10"


@pytest.mark.requirement("R1-13", "R0-38", "R0-32", "N7")
async def test_what_is_declared_is_published_and_a_consent_can_be_taken_back(enrollment: Enrollment) -> None:
    unit_id, manager, (ada, bo, *_) = await enrollment.staffed()
    cohort, other = await enrollment.cohort(manager), await enrollment.cohort(manager)
    lists = await manager.get("/v1/declarations")
    assert {axis["code"] for axis in lists["working_style"]} == {"pace", "structure", "directness", "formality"}
    assert {"taught", "worked_abroad"} <= {choice["code"] for choice in lists["experiences"]}
    declared = DECLARED | {"life_experience": EXPERIENCE}
    mine = await enrollment.screened(manager, cohort, ada, unit_id, **declared)
    theirs = await enrollment.screened(manager, cohort, bo, unit_id, "mentee", **declared)
    elsewhere = await enrollment.screened(manager, other, ada, unit_id, **declared)
    shown = mine["application"]
    assert (shown["values"], shown["preferred_channels"]) == (["income", "variety"], ["phone", "video"])
    assert shown["working_style"] == {"pace": 5, "structure": None, "directness": None, "formality": 1}
    assert "confidence" not in json.dumps(mine)
    assert "taught" not in json.dumps(mine)

    facts = (await enrollment.events(mine["participation_id"]))[-1].data
    assert (facts.values, facts.working_style.pace) == (("income", "variety"), 5)
    codes = facts.background_codes
    assert len(codes) == 2
    assert (await enrollment.events(theirs["participation_id"]))[-1].data.background_codes == codes
    assert set((await enrollment.events(elsewhere["participation_id"]))[-1].data.background_codes).isdisjoint(codes)

    me = enrollment.somebody(ada, unit_id)
    path = f"/v1/participations/{mine['participation_id']}/life-experience"
    own = await me.get(path)
    assert (own["experiences"], own["purpose"]) == (["taught", "worked_abroad"], "matching")
    gone = await me.call("DELETE", path)
    assert (gone.status_code, gone.json()["version"]) == (200, 3)
    assert (await me.get(path))["experiences"] == []
    last = (await enrollment.events(mine["participation_id"]))[-1]
    assert (last.sequence, last.data.background_codes, last.data.values) == (3, (), ("income", "variety"))
    async with enrollment.driver() as driver:
        left = await driver.fetch("SELECT participation_id FROM life_experiences")
        audited = await driver.fetchval(
            "SELECT count(*) FROM audit_log WHERE action = 'revoke-consent' AND subject_id = $1",
            UUID(mine["participation_id"]),
        )
    assert UUID(mine["participation_id"]) not in {row["participation_id"] for row in left}
    assert audited == 1
    assert (await me.call("DELETE", path)).json()["version"] == 3
    left_again = await me.post(f"/v1/participations/{elsewhere['participation_id']}/withdrawal", {}, 200)
    assert left_again["state"] == "withdrawn"
    assert (await enrollment.events(elsewhere["participation_id"]))[-1].data.background_codes == ()


@pytest.mark.requirement("R0-38", "R3-17")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"values": ["wealth"]}, "/values"),
        ({"working_style": {"pace": 9}}, "/working_style/pace"),
        ({"preferred_channels": ["pigeon"]}, "/preferred_channels/0"),
        ({"confidence": 0}, "/confidence"),
        ({"life_experience": EXPERIENCE | {"consent": False}}, "/life_experience.consent"),
        ({"life_experience": EXPERIENCE | {"purpose": "advertising"}}, "/life_experience/purpose"),
        ({"life_experience": EXPERIENCE | {"experiences": ["is_disabled"]}}, "/life_experience.experiences"),
        ({"life_experience": ["taught"]}, "/life_experience"),
        ({"gender": "x"}, "/gender"),
    ],
)
async def test_a_bad_declaration_names_its_field(enrollment: Enrollment, changes: dict[str, Any], field: str) -> None:
    unit_id, manager, (ada, *_) = await enrollment.staffed(1)
    cohort = await enrollment.cohort(manager)
    problem = await enrollment.somebody(ada, unit_id).post(
        f"/v1/cohorts/{cohort['cohort_id']}/applications", application(**changes), 422
    )
    assert problem["errors"][0]["field"].replace(".", "/") == field.replace(".", "/")
    assert problem["errors"][0]["remedy"]


@pytest.mark.requirement("N10")
async def test_who_was_left_over_comes_first_in_the_next_cohort(enrollment: Enrollment) -> None:
    unit_id, manager, people = await enrollment.staffed(3)
    program = await enrollment.program(manager)
    first = await enrollment.cohort(manager, program, mentor_places=1)
    admitted, waiting, _ = people
    for person, decision in ((admitted, "admit"), (waiting, "waitlist")):
        candidate = await enrollment.screened(manager, first, person, unit_id)
        path = f"/v1/participations/{candidate['participation_id']}/admission"
        assert (await manager.post(path, {"decision": decision}, 200))["priority"] == 2

    async def decided(cohort: Any, **chosen: int) -> list[int]:
        found = []
        for person in people:
            candidate = await enrollment.screened(manager, cohort, person, unit_id)
            path = f"/v1/participations/{candidate['participation_id']}/admission"
            found.append((await manager.post(path, {"decision": "admit"} | chosen, 200))["priority"])
            assert (await enrollment.events(candidate["participation_id"]))[-1].data.priority == found[-1]
        return found

    # While the first cohort is still being matched, nobody has been left over.
    assert await decided(await enrollment.cohort(manager, program)) == [2, 2, 2]
    async with enrollment.worker.database.write() as session:
        driver = await session.driver()
        await driver.execute("BEGIN")
        await driver.execute("UPDATE cohorts SET state = 'active' WHERE cohort_id = $1", UUID(first["cohort_id"]))
        await driver.execute("COMMIT")
    assert await decided(await enrollment.cohort(manager, program)) == [1, 1, 2]
    assert await decided(await enrollment.cohort(manager, program), priority=3) == [3, 3, 3]
    assert await decided(await enrollment.cohort(manager)) == [2, 2, 2]
    async with enrollment.driver() as driver:
        audited = await driver.fetchval(
            "SELECT count(*) FROM audit_log WHERE action = 'decide-admission' AND after->>'priority' = '1'"
            " AND business_unit_id = $1",
            unit_id,
        )
    assert audited == 2


@pytest.mark.requirement("R0-32", "S15")
async def test_hr_is_recommended_to_match_where_people_trust_themselves_little(enrollment: Enrollment) -> None:
    unit_id, manager, people = await enrollment.staffed(6)
    cohort = await enrollment.cohort(manager, await enrollment.program(manager, matching_mode="self"))
    path = f"/v1/cohorts/{cohort['cohort_id']}/matching-recommendation"
    for place, person in enumerate(people[:4]):
        await enrollment.screened(manager, cohort, person, unit_id, confidence=1 if place == 0 else 5)
    few = await manager.get(path)
    assert (few["answers"], few["recommended_mode"], few["matching_mode"]) == (4, None, "self")
    await enrollment.screened(manager, cohort, people[4], unit_id, confidence=4)
    assert (await manager.get(path))["recommended_mode"] == "self"
    await enrollment.screened(manager, cohort, people[5], unit_id, confidence=2)
    assert (await manager.get(path))["recommended_mode"] == "hr_run"
    assert await enrollment.somebody(people[0], unit_id).get(path, 403)


@pytest.mark.requirement("RX-01", "R1-07")
async def test_the_settings_of_matching_are_chosen_published_and_kept_in_their_ranges(enrollment: Enrollment) -> None:
    _, manager = await enrollment.unit()
    chosen = {
        "unit_policy": "across", "repeat_pairs": True, "preference_limit": 3, "mentors_per_mentee": 2, "trial_days": 30, "request_days": 10,
        "request_reminder_days": 4, "asking_side": "mentor", "trial_reminder_days": 5,
        "score_weights": {"topics": 40, "values": 0, "preferences": 30},
    }  # fmt: skip
    program = await enrollment.program(manager, **chosen)
    shown = program["settings"]
    assert {name: shown[name] for name in chosen if name != "score_weights"} == {
        name: value for name, value in chosen.items() if name != "score_weights"
    }
    assert (shown["score_weights"]["values"], shown["score_weights"]["style"]) == (0, 10)
    said = (await enrollment.events(program["program_id"]))[-1].data
    assert (said.unit_policy.value, said.trial_days, said.mentors_per_mentee) == ("across", 30, 2)
    assert (said.asking_side.value, said.trial_reminder_days) == ("mentor", 5)
    assert (said.score_weights.preferences, said.score_weights.channel) == (30, 5)
    for wrong in (
        {"trial_days": 61},
        {"mentors_per_mentee": 3},
        {"preference_limit": 0},
        {"unit_policy": "none"},
        {"asking_side": "hr"},
    ):
        problem = await manager.post("/v1/programs", {"title": "No", "settings": wrong}, 422)
        assert problem["errors"][0]["field"] == f"/settings/{next(iter(wrong))}"
    late = await manager.post("/v1/programs", {"title": "No", "settings": {"request_days": 5}}, 422)
    assert late["errors"][0]["field"].endswith("request_reminder_days")


async def test_applications_made_elsewhere_come_in_row_by_row(enrollment: Enrollment) -> None:
    _, manager, (ada, *_) = await enrollment.staffed(4)
    cohort = await enrollment.cohort(manager)
    path = f"/v1/cohorts/{cohort['cohort_id']}"
    await manager.post(f"{path}/nominations", {"person_id": str(ada), "role": "mentee"})
    header = "employee_number,role,offers,asks,languages,time_zone,hours,values,style,channels,disability\n"
    good = "0,mentee,,technology.ai:3,en:C1,Europe/London,09:00-17:00,income,pace:4,video,none\n"
    rows = (
        good + "1,mentor,technology.ai:4,,en:C1,Europe/London,09:00-17:00,,,,\n2,mentor,,,en:C1,Europe/London,9-5,,,,\n"
    )
    checked = await enrollment.send_applications(manager, cohort, (header + rows).encode(), "?check_only=true")
    assert (checked["rows_read"], checked["applied"], checked["check_only"]) == (3, 2, True)
    assert len(await manager.all(f"{path}/participations")) == 1
    report = await enrollment.send_applications(manager, cohort, (header + rows).encode())
    assert [(line["row"], line["field"], line["code"]) for line in report["findings"]] == [
        (1, "disability", "refused-column"),
        (4, "hours", "bad-application"),
    ]
    assert report["applied"] == 2
    found = await manager.all(f"{path}/participations?state=applied")
    assert len(found) == 2
    mentee = next(each for each in found if each["person_id"] == str(ada))
    assert (mentee["version"], mentee["application"]["values"]) == (2, ["income"])
    events = await enrollment.events(mentee["participation_id"])
    assert type(events[-1].data).__name__ == "ParticipantApplied"
    again = await enrollment.send_applications(manager, cohort, (header + good).encode())
    assert (again["applied"], again["findings"][-1]["code"]) == (0, "applied-already")
    await manager.post(f"{path}/close-enrollment", {}, 200)
    await enrollment.send_applications(manager, cohort, (header + good).encode(), status=409)


@pytest.mark.parametrize(
    ("data", "query", "mapping", "field"),
    [
        (b"", "", None, "/applications"),
        (b"name\nAda\n", "", None, "/applications"),
        (b"email address,profession\na@gov.uk,HR\n", "?dialect=mentoring_form", None, "/role"),
        (b"employee_number\n1\n", "", "{", "/mapping"),
        (b"employee_number\n1\n", "", json.dumps({"topics": {"HR": "trends"}}), "/mapping"),
        (b"employee_number\n1\n", "?dialect=psychic", None, "dialect"),
    ],
)
async def test_a_bad_file_or_mapping_is_refused_as_a_whole(
    enrollment: Enrollment, data: bytes, query: str, mapping: str | None, field: str
) -> None:
    _, manager = await enrollment.unit()
    cohort = await enrollment.cohort(manager)
    problem = await enrollment.send_applications(manager, cohort, data, query, mapping, 422)
    assert problem["errors"][0]["field"].startswith(field)
    assert problem["errors"][0]["remedy"]


async def test_a_form_never_says_who_has_left(enrollment: Enrollment) -> None:
    _, manager = await enrollment.unit()
    answer = await manager.call(
        "POST",
        "/v1/imports?format=mentoring_form&mode=full",
        files={"people": ("p.csv", b"email address\n", "text/csv")},
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "/mode")


@pytest.mark.requirement("R3-17", "S14")
@pytest.mark.skipif(SAMPLE is None, reason="the data made by others is not here: set UPDRAFT_DATA")
async def test_a_civil_service_mentoring_scheme_signs_up(enrollment: Enrollment) -> None:
    assert SAMPLE is not None
    ladder = [{"grade": rung.grade, "rank": rung.rank} for rung in UK_CIVIL_SERVICE.rungs]
    _, manager = await enrollment.unit(ladder=ladder)
    program = await enrollment.program(manager, type="traditional")
    cohort = await enrollment.cohort(manager, program)
    for side, role in (("mentors", "mentor"), ("mentees", "mentee")):
        data = (SAMPLE / f"large_{side}.csv").read_bytes()
        done = await enrollment.imported(manager, {"people": data}, "format=mentoring_form")
        assert (done["state"], done["counts"]["joined"], done["counts"]["rows_in_error"]) == ("applied", 500, 0)
        dropped = await manager.all(f"/v1/imports/{done['import_id']}/findings?severity=warning")
        assert {line["code"] for line in dropped} == {"refused-column"}
        assert "biography" in {line["field"] for line in dropped}
        report = await enrollment.send_applications(
            manager, cohort, data, f"?dialect=mentoring_form&role={role}", json.dumps(FORM_MAPPING)
        )
        assert (report["rows_read"], report["applied"]) == (500, 500), report["findings"]
        assert "one-side-only" in {line["code"] for line in report["findings"]}
    found = await manager.all(f"/v1/cohorts/{cohort['cohort_id']}/participations")
    assert sorted(each["role"] for each in found) == ["mentee"] * 500 + ["mentor"] * 500
    async with enrollment.driver() as driver:
        held = await driver.fetch(
            "SELECT row_to_json(p)::text || row_to_json(i)::text AS text FROM people p JOIN people_identities i USING (person_id)"
            " UNION ALL SELECT row_to_json(p)::text FROM participations p UNION ALL SELECT row_to_json(f)::text FROM import_findings f"
            " UNION ALL SELECT convert_from(value, 'UTF8') FROM outbox"
            " UNION ALL SELECT convert_from(body, 'UTF8') FROM idempotency_keys"
        )
        kept = await driver.fetchval(
            "SELECT count(*) FROM import_files f JOIN imports i USING (import_id) WHERE i.state = 'applied'"
        )
    assert kept == 0
    everything = " ".join(row["text"] for row in held).casefold()
    for word in ("lesbian", "transgender", "non-binary", "bisexual", "asexual", "my name is"):
        assert word not in everything, word


async def test_people_are_found_in_one_pass_right_after_their_import(enrollment: Enrollment) -> None:
    """PostgreSQL has counted nothing yet: a join of what it takes for nearly empty would read every row for every row.

    At most it reads both tables once, whatever other tests have left in them.
    """
    code, people = f"F{uuid4().hex[:6]}", 300
    unit, manager = await enrollment.unit(code)
    addresses = {f"p{number}@canary.example" for number in range(people)}
    rows = [
        {"business_unit": code, "employee_number": f"{number}", "grade": "E1", "email": f"p{number}@canary.example"}
        for number in range(people)
    ]
    assert (await enrollment.imported(manager, file(*rows)))["state"] == "applied"
    async with enrollment.api.database.read(business_unit_id=unit) as session:
        found = await enrollment.api.views(session).employees(set(), addresses)
        rows_read = await session.scalar(
            text(
                "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
                " WHERE relname IN ('people', 'people_identities')"
            )
        )
    async with enrollment.driver() as driver:
        rows = await driver.fetchval("SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM people_identities)")
    assert {employee.email for employee in found} == addresses
    assert people <= rows_read <= rows + 2 * people
