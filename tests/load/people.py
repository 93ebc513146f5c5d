"""A multinational's HR file, sent through the gateway as a program manager would, again and again under units of new names."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from updraft.demo.caller import Caller
from updraft.demo.story import Story
from updraft.demo.year import Year
from updraft.sample_org import Organisation, generate
from updraft.stack import Stack

SEED = 7
_PATIENCE = 400.0


class Staff:
    """`people` people; each `file` is the same company under other names of its units, so that everybody in it is new."""

    def __init__(self, people: int) -> None:
        self.organisation: Organisation = generate(people, SEED)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "people.csv"
            self.organisation.write_csv(path)
            self._file = path.read_bytes()

    def file(self, suffix: str) -> bytes:
        """The file with `suffix` added to the name of every unit."""
        file = self._file
        for unit in self.organisation.units:
            file = file.replace(unit.code.encode(), f"{unit.code}{suffix}".encode())
        return file


async def imported(stack: Stack, staff: Staff, suffix: str) -> float:
    """Register the units, send the file and wait until all are people with their reporting lines; the seconds from the upload on.

    AssertionError when somebody is missing or a row was refused.
    """
    file = await asyncio.to_thread(staff.file, suffix)
    caller = Caller(stack.gateway_url)
    try:
        year = Year(caller, stack, stack.clock, Story("a bench", True, SEED), seed=SEED)
        await year.register(
            (f"{unit.code}{suffix}", unit.display_name, list(unit.grade_ladder), unit.default_time_zone)
            for unit in staff.organisation.units
        )
        path = f"/enrollment/v1/imports?format=updraft_csv&business_unit_id={year.host}"
        began = time.perf_counter()
        accepted: Any = await caller.upload(year.admin, path, {"people": file})
        done = await year.follow_import(accepted["import_id"], year.admin, seconds=_PATIENCE)
        seconds = time.perf_counter() - began
    finally:
        await caller.close()
    counts = done["counts"]
    assert done["state"] == "applied", done
    assert (counts["joined"], counts["rows_in_error"]) == (staff.organisation.people, 0), counts
    return seconds
