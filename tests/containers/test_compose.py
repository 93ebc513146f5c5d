"""The system on docker compose: a year is played on it, any container is killed in the middle, nothing is lost."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from composed import Composed, progress
from steady import Steady, another_cohort
from updraft.demo.checks import examine

pytestmark = [pytest.mark.containers, pytest.mark.timeout(2400)]

_A_SECOND = 40
_STEADY_SECONDS = 2.0


@pytest.fixture(scope="module")
async def cohort(year: Any, deployment: Any) -> Any:
    """A cohort with active pairs, after the year."""
    progress("a second cohort is formed")
    made = await another_cohort(year, deployment)
    yield made
    await made.year.caller.close()


async def _nothing_is_lost(deployment: Any, load: Steady) -> None:
    """I1 to I5 on the whole deployment, and I9 for what the load was promised."""
    progress(f"{load.answered} writes were answered; checking")
    findings, sent = await examine(deployment.evidence, deployment.services, seconds=180)
    assert len(sent) > load.answered
    assert [finding.name for finding in findings] == ["I1", "I2", "I4", "I3", "I5"]
    assert not [violation for finding in findings for violation in finding.violations]
    assert not await load.unseen()


@pytest.mark.requirement("I1", "I2", "I3", "I4", "I5", "I9")
async def test_a_year_is_played_through_the_gateway_and_nothing_is_lost(year: Any) -> None:
    """The demonstration on compose, evaluation's consumer killed in the middle."""
    progress(f"{year.story.killed} was back after {year.story.recovered_in:.1f} s")
    assert [finding.name for finding in year.story.findings] == ["I1", "I2", "I3", "I4", "I5", "I9"]
    assert not [violation for finding in year.story.findings for violation in finding.violations]
    assert year.story.killed == "evaluation-consumer"
    assert year.story.completed > 0


@pytest.mark.requirement("F1", "F3", "F4", "F11", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_any_container_is_killed_under_load_and_nothing_is_lost(
    composed: Composed, deployment: Any, cohort: Any, record_property: Any
) -> None:
    """Each in turn, while writes go on; after the last one everything that was promised is there."""
    containers = composed.containers()
    assert len(containers) >= 15, "two servers, twelve roles and the gateway run"
    assert all(found.is_well for found in containers)
    async with Steady(cohort, a_second=_A_SECOND) as load:
        for place, victim in enumerate(containers, start=1):
            await asyncio.sleep(_STEADY_SECONDS)
            before, begun = load.answered, time.monotonic()
            seconds = await asyncio.to_thread(composed.kill_and_start, victim.name)
            await asyncio.sleep(_STEADY_SECONDS)
            progress(
                f"{place}/{len(containers)} {victim.service}: well after {seconds:.1f} s,"
                f" {load.answered - before} writes answered meanwhile, the slowest after {load.slowest(begun):.1f} s"
            )
            record_property(f"{victim.service} recovered after (s)", round(seconds, 1))
            assert load.answered > before, f"nothing was answered while {victim.service} was killed"
    assert load.answered > 10 * len(containers)
    await _nothing_is_lost(deployment, load)


@pytest.mark.requirement("F20", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_a_graceful_stop_under_load_fails_no_request(
    composed: Composed, deployment: Any, cohort: Any, record_property: Any
) -> None:
    """Every role of every service is told to stop, ends by itself with code 0, and is started again."""
    services = [found for found in composed.containers() if found.service.endswith(("-api", "-consumer", "-relay"))]
    assert len(services) == 12
    async with Steady(cohort, a_second=_A_SECOND) as load:
        for kind in ("-api", "-consumer", "-relay"):
            await asyncio.sleep(_STEADY_SECONDS)
            chosen = [found for found in services if found.service.endswith(kind)]
            names = [found.service for found in chosen]
            await asyncio.to_thread(composed.compose, "stop", *names)
            codes = {found.service: composed.container(found.name).state["ExitCode"] for found in chosen}
            await asyncio.to_thread(composed.compose, "start", *names)
            await asyncio.to_thread(composed.wait_well, [found.name for found in chosen])
            progress(f"stopped and started {', '.join(names)}: {codes}")
            assert set(codes.values()) == {0}, codes
    record_property("writes answered", load.answered)
    assert load.answered > 0
    await _nothing_is_lost(deployment, load)
