"""The import of 100,000 people through the API: from the upload until everybody is there with the whole line above them."""

from __future__ import annotations

import asyncio

from updraft.stack import Stack, remove_data

from load.people import Staff, imported
from load.rows import Bench
from load.servers import Servers

PEOPLE = 100_000


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """Three imports, each of a company of its own, one after the other into the same system."""
    people = 2_000 if quick else PEOPLE
    staff = await asyncio.to_thread(Staff, people)
    folder = servers.folder / "import"
    stack = Stack(folder)
    await asyncio.to_thread(stack.start)
    try:
        found = []
        for number in range(1, 2 if quick else 4):
            found.append(await imported(stack, staff, f"-{number}"))
            bench.say(f"import of {people:,} people, round {number}: {found[-1]:.1f} s")
    finally:
        await asyncio.to_thread(stack.stop)
        await asyncio.to_thread(remove_data, folder)
    bench.record("import of 100,000 people", "s", [seconds * PEOPLE / people for seconds in found])
    bench.record("people imported", "/s", [people / seconds for seconds in found])
