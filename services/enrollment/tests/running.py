"""Enrollment composed upon a real database, with people who hold tokens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from chassis.testing import Caller, Running
from enrollment.application.advance_imports import ImportDesk, advance_imports
from enrollment.bootstrap import bootstrap
from enrollment.entrypoints.api import app
from enrollment.entrypoints.consumer import HANDLERS
from enrollment.entrypoints.schedule import SCHEDULE
from enrollment.settings import Settings

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LADDER = [
    {"grade": "E1", "rank": 1},
    {"grade": "E2", "rank": 2},
    {"grade": "M1", "rank": 5},
    {"grade": "D1", "rank": 9},
]
CHARTER = {"objectives": ["digital_skills"], "metrics": ["skill_change"], "evaluation_design": "before_after"}


def data_of_others(name: str) -> Path | None:
    """A folder of the data made by others; None when it is not here."""
    named = os.environ.get("UPDRAFT_DATA")
    folder = (Path(named) if named else Path(__file__).parents[4] / "shared" / "data") / name
    return folder if folder.is_dir() else None


def people_data() -> Path | None:
    """The folder of organisation charts made by others; None when it is not here."""
    return data_of_others("orgcharts")


EXPERIENCE = {"experiences": ["taught", "worked_abroad"], "purpose": "matching", "consent": True}


GROUPS: dict[str, Any] = {"groups": {"gender": "woman", "age_band": "from_50"}, "purpose": "audit", "consent": True}


def application(role: str = "mentor", **changes: Any) -> dict[str, Any]:
    """The body of an application."""
    usual: dict[str, Any] = {
        "role": role,
        "offers": [{"topic": "technology.ai", "level": 4}] if role == "mentor" else [],
        "asks": [{"topic": "technology.ai", "level": 3}] if role == "mentee" else [],
        "languages": [{"language": "en", "level": "C1"}],
        "time_zone": "Europe/London",
        "working_hours": {"start": "09:00", "end": "17:30"},
    }
    return usual | changes


@dataclass(frozen=True)
class Somebody(Caller):
    """Somebody at the API whose answers are expected to have a status."""

    person: UUID | None

    async def get(self, path: str, status: int = 200) -> Any:
        """Look at something and expect this status."""
        answer = await self.call("GET", path)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def all(self, path: str) -> list[Any]:
        """All items of a list, page by page."""
        found: list[Any] = []
        cursor = ""
        while True:
            mark = "&" if "?" in path else "?"
            page = await self.get(f"{path}{mark}limit=200{cursor}")
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    async def post(self, path: str, body: Mapping[str, Any] | None = None, status: int = 201, **arguments: Any) -> Any:
        """Do something and expect this status."""
        answer = await self.call("POST", path, json=body or {}, **arguments)
        assert answer.status_code == status, answer.text
        return answer.json()


class Enrollment(Running):
    """The service, and what happens in it before a test begins."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, start=START, bootstrap=bootstrap, app=app, handlers=HANDLERS, schedule=SCHEDULE)
        self.admin = self.somebody(None, None, "platform_admin")
        self.desk = ImportDesk()

    def somebody(self, person: UUID | None, unit: UUID | None, *roles: str) -> Somebody:
        """A person with a token; a participant unless roles are named."""
        return Somebody(self.client, self.bearer(person, unit, *roles), person)

    async def unit(self, code: str | None = None, ladder: list[dict[str, Any]] | None = None) -> tuple[UUID, Somebody]:
        """A new unit and its program manager."""
        body = {
            "code": code or f"U{uuid4().hex[:8]}",
            "grade_ladder": ladder or LADDER,
            "default_time_zone": "Europe/London",
        }
        unit_id = UUID((await self.admin.post("/v1/business-units", body))["business_unit_id"])
        return unit_id, self.somebody(uuid4(), unit_id, "program_manager")

    def committed(self) -> Any:
        """A unit of work of the worker that commits at its end."""
        return self.worker.committed()

    async def send_applications(
        self, who: Somebody, cohort: Any, data: bytes, query: str = "", mapping: str | None = None, status: int = 200
    ) -> Any:
        """Send a file of applications."""
        answer = await who.call(
            "POST",
            f"/v1/cohorts/{cohort['cohort_id']}/applications/import{query}",
            files={"applications": ("applications.csv", data, "text/csv")},
            data={} if mapping is None else {"mapping": mapping},
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    async def work(self) -> int:
        """Let the worker do all imports there are; how many steps it took."""
        steps = 0
        while await advance_imports(self.committed, self.desk):
            steps += 1
        return steps

    async def send(self, who: Somebody, files: Mapping[str, bytes], query: str, status: int = 202) -> Any:
        """Send an HR file."""
        parts = {name: (f"{name}.csv", data, "text/csv") for name, data in files.items()}
        answer = await who.call("POST", f"/v1/imports?{query}", files=parts)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def imported(self, who: Somebody, files: Mapping[str, bytes], query: str = "format=updraft_csv") -> Any:
        """Send an HR file and let the worker apply it; the import at the end."""
        import_id = (await self.send(who, files, query))["import_id"]
        await self.work()
        return await who.get(f"/v1/imports/{import_id}")

    async def staffed(self, count: int = 3) -> tuple[UUID, Somebody, list[UUID]]:
        """A new unit with its program manager and some people."""
        code = f"U{uuid4().hex[:8]}"
        unit_id, manager = await self.unit(code)
        rows = "".join(f"{code},{number},E1\n" for number in range(count))
        done = await self.imported(manager, {"people": b"business_unit,employee_number,grade\n" + rows.encode()})
        assert done["state"] == "applied", done
        return unit_id, manager, [UUID(person["person_id"]) for person in await manager.all("/v1/people")]

    async def program(self, manager: Somebody, **settings: Any) -> Any:
        """A chartered program."""
        program = await manager.post("/v1/programs", {"title": "Reverse", "settings": settings})
        charter = CHARTER | {"accountable_owner_id": str(uuid4())}
        return await manager.post(f"/v1/programs/{program['program_id']}/charter", charter, 200)

    async def cohort(self, manager: Somebody, program: Any | None = None, **body: Any) -> Any:
        """An open cohort."""
        program = program or await self.program(manager)
        return await manager.post("/v1/cohorts", {"program_id": program["program_id"], "title": "First"} | body)

    async def screened(
        self, manager: Somebody, cohort: Any, person: UUID, unit: UUID, role: str = "mentor", **declared: Any
    ) -> Any:
        """A person who applied and passed the screening."""
        applicant = self.somebody(person, unit)
        applied = await applicant.post(f"/v1/cohorts/{cohort['cohort_id']}/applications", application(role, **declared))
        return await manager.post(f"/v1/participations/{applied['participation_id']}/screening", {"passed": True}, 200)
