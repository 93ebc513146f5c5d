"""A civil service's own mentoring scheme, 500 a side, through the gateway: from the two sign-up files to a match run and its report."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from contracts.identifiers import uuid7
from updraft.demo.caller import Caller, Refused, until
from updraft.stack import Stack

pytestmark = pytest.mark.system

_DATA = Path(os.environ.get("UPDRAFT_DATA", Path(__file__).parents[3] / "shared" / "data"))
SAMPLE = _DATA / "matching" / "civil_service_sample"
GRADES = ("AA", "AO", "EO", "HEO", "SEO", "Grade 7", "Grade 6", "SCS1", "SCS2", "SCS3", "SCS4")
MAPPING = {
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


_FIRST_RUN_SECONDS = 240.0
"""A process that judges pairs for the first time compiles the rules, which takes minutes of a slow machine."""


class Scheme:
    """The unit that runs the scheme, and its cohort."""

    def __init__(self, caller: Caller, stack: Stack) -> None:
        self.caller = caller
        self.unit: UUID = uuid7()
        self.manager = ""
        self.cohort = ""
        self.stack = stack

    async def open(self) -> None:
        """Register the unit; charter a program in which the mentor is at least two grades above; open its cohort."""
        admin = self.stack.token(roles=["platform_admin"], subject="admin")
        ladder = [{"grade": grade, "rank": rank} for rank, grade in enumerate(GRADES, start=1)]
        body = {"code": f"CIVIL-{uuid7().hex[-6:]}", "grade_ladder": ladder, "default_time_zone": "Europe/London"}
        self.unit = UUID((await self.caller.post(admin, "/enrollment/v1/business-units", body))["business_unit_id"])
        self.manager = self.stack.token(roles=["program_manager"], business_unit_id=self.unit, subject="civil manager")
        settings = {"type": "traditional", "minimum_grade_gap": 2}
        program = await self._post("/enrollment/v1/programs", {"title": "Mentoring", "settings": settings})
        charter = {
            "objectives": ["perspective"], "metrics": ["cadence_kept"], "evaluation_design": "before_after",
            "accountable_owner_id": str(uuid7()),
        }  # fmt: skip
        await self._post(f"/enrollment/v1/programs/{program['program_id']}/charter", charter)
        cohort = {"program_id": program["program_id"], "title": "Mentoring"}
        self.cohort = (await self._post("/enrollment/v1/cohorts", cohort))["cohort_id"]

    async def sign_up(self, side: str, role: str) -> None:
        """Import the people of a file, then what they signed up for."""
        data = (SAMPLE / f"large_{side}.csv").read_bytes()
        sent = await self.caller.upload(self.manager, "/enrollment/v1/imports?format=mentoring_form", {"people": data})

        async def applied() -> Any:
            shown = await self.get(f"/enrollment/v1/imports/{sent['import_id']}")
            return shown if shown["state"] in ("applied", "failed") else None

        done = await until(f"the import of the {side}", applied)
        assert (done["state"], done["counts"]["joined"], done["counts"]["rows_in_error"]) == ("applied", 500, 0)
        report = await self.caller.post(
            self.manager,
            f"/enrollment/v1/cohorts/{self.cohort}/applications/import?dialect=mentoring_form&role={role}",
            files={"applications": ("applications.csv", data, "text/csv")},
            data={"mapping": json.dumps(MAPPING)},
        )
        assert (report["rows_read"], report["applied"]) == (500, 500), report["findings"][:3]

    async def admit(self) -> None:
        """Screen everybody with notes and admit them, in one call each; then nobody can apply any more."""
        path = f"/enrollment/v1/cohorts/{self.cohort}"
        rows = [
            {"participation_id": each["participation_id"], "passed": True, "notes": "Screened by the department. " * 8}
            async for each in self.caller.pages(self.manager, f"{path}/participations")
        ]
        screened = await self._post(f"{path}/screenings", {"rows": rows})
        assert (screened["rows_read"], screened["applied"]) == (1000, 1000), screened["findings"][:3]
        admitted = await self._post(f"{path}/admissions", {"everybody": True})
        assert (admitted["applied"], admitted["remaining"]) == (1000, 0), admitted["findings"][:3]
        assert (await self._post(f"{path}/close-enrollment", {}))["state"] == "matching"

    async def match(self) -> Any:
        """A run that has heard of everybody: topics have no order between them."""

        async def started() -> Any:
            try:
                return await self._post(f"/matching/v1/cohorts/{self.cohort}/runs", {})
            except Refused as refused:
                if refused.status != 409:
                    raise
                return None  # it has not heard yet that enrollment is closed

        async def completed() -> Any:
            run = await started_run()
            return run if run["state"] in ("completed", "failed") else None

        async def started_run() -> Any:
            return await self.get(f"/matching/v1/runs/{asked['run_id']}")

        for _ in range(5):
            asked = await until("knowing the cohort", started)
            run = await until("the run", completed, seconds=_FIRST_RUN_SECONDS)
            if (run["certificate"]["counts"]["mentors"], run["certificate"]["counts"]["mentees"]) == (500, 500):
                break
        return run

    async def get(self, path: str) -> Any:
        """Look at something as the program manager."""
        return await self.caller.get(self.manager, path)

    async def _post(self, path: str, body: Any) -> Any:
        return await self.caller.post(self.manager, path, body)


@pytest.fixture
async def scheme(stack: Stack) -> AsyncIterator[Scheme]:
    """The scheme upon the running system."""
    if not SAMPLE.is_dir():
        pytest.skip(f"the scheme's files are not at {SAMPLE}; name the data folder with UPDRAFT_DATA")
    caller = Caller(stack.gateway_url)
    yield Scheme(caller, stack)
    await caller.close()


@pytest.mark.requirement("N4", "R0-31", "R0-39", "R3-06", "R1-03")
async def test_five_hundred_a_side_are_matched_and_the_report_says_how_well(scheme: Scheme) -> None:
    """More people are covered, with a higher score and a better worst pair, than by greed or by a stable matching."""
    await scheme.open()
    await scheme.sign_up("mentors", "mentor")
    await scheme.sign_up("mentees", "mentee")
    await scheme.admit()
    run = await scheme.match()
    assert (run["outcome"], run["certificate"]["violations"]) == ("optimal", 0)
    assert run["certificate"]["objective"] == run["certificate"]["bound"]
    found = await scheme.get(f"/matching/v1/runs/{run['run_id']}/comparison")
    ours = found["run"]
    assert ours["pairs"] == run["proposal_count"] > 100
    assert ours["mentors_covered"] + ours["mentors_unmatched"] == 500
    for name in ("greedy", "stable"):
        theirs = found[name]
        assert ours["mentees_covered"] > theirs["mentees_covered"], (name, found)
        assert ours["mentors_covered"] > theirs["mentors_covered"], (name, found)
        assert ours["score"] > theirs["score"], (name, found)
        assert theirs["blocking_by_score"] == 0
