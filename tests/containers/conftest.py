"""The whole system in containers, brought up once for all tests here and thrown away at the end."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# The tests' own modules are found by their plain names.
sys.path.insert(0, str(Path(__file__).parent))

from composed import Composed, engine_is_missing, progress
from updraft.places import REPOSITORY


@pytest.fixture(scope="session")
def composed() -> Iterator[Composed]:
    """The project's compose file with its demonstration's overlay, healthy."""
    if missing := engine_is_missing():
        pytest.skip(missing)
    # Not below a private temporary folder: the engine mounts from here.
    (REPOSITORY / ".updraft").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="containers-", dir=REPOSITORY / ".updraft"))
    made = Composed(folder)
    progress(f"starting {made.project} with its gateway at {made.gateway}")
    try:
        progress(f"healthy after {made.up():.0f} s")
        yield made
    finally:
        made.down()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def deployment(composed: Composed) -> Any:
    """The demonstration's way to it; it may kill evaluation's consumer."""
    from updraft.demo import RemoteDeployment
    from updraft.demo.deployment import Blow

    async def strike() -> Blow:
        victim = next(found for found in composed.containers() if found.service == "evaluation-consumer")
        seconds = await asyncio.to_thread(composed.kill_and_start, victim.name)
        return Blow(victim.service, seconds)

    return RemoteDeployment(
        composed.gateway,
        composed.secrets,
        clock=composed.clock,
        kafka=composed.kafka,
        postgres=composed.postgres,
        strike=strike,
    )


@pytest.fixture(scope="session")
async def year(deployment: Any) -> Any:
    """A whole year of one cohort, played through the gateway."""
    from updraft.demo import Options
    from updraft.demo.play import play_year

    await deployment.reach()
    told: set[str] = set()

    def tell(what: str, _done: float | None = None) -> None:
        if what not in told:
            told.add(what)
            progress(what)

    options = Options(size=300, mentees=10, mentors=12, waiting=1, seed=3, step_days=21)
    played = await play_year(deployment, options, tell)
    for name, seconds in played.story.steps:
        progress(f"{name}: {seconds:.1f} s")
    yield played
    await played.caller.close()
