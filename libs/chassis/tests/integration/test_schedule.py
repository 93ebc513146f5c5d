"""Scheduled jobs: one worker at a time, one transaction a run, and a failure that costs only itself."""

from __future__ import annotations

import asyncio

import pytest
from chassis.health import Progress
from chassis.schedule import Every, Schedule
from sqlalchemy import func, select

from .notebook import note, notes

pytestmark = pytest.mark.integration


async def _run(schedules, until, seconds: float = 5.0) -> None:
    tasks = [asyncio.create_task(schedule.run()) for schedule in schedules]
    try:
        async with asyncio.timeout(seconds):
            while not until():
                await asyncio.wait(tasks, timeout=0.01)
    finally:
        for schedule in schedules:
            schedule.stop()
        await asyncio.gather(*tasks)


@pytest.mark.requirement("F21")
async def test_of_two_schedules_one_runs_the_job(composed, own_database, unit):
    inside, most, runs = 0, 0, 0

    async def slow_job(uow) -> bool:
        nonlocal inside, most, runs
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.03)
        uow.session.insert(notes, note(unit))
        inside -= 1
        runs += 1
        return False

    services = [composed(own_database, "worker") for _ in range(2)]
    await _run([Schedule(one, [Every(0.01, slow_job)], progress=Progress()) for one in services], lambda: runs >= 12)
    assert most == 1
    async with services[0].database.read() as session:
        assert await session.scalar(select(func.count()).select_from(notes)) == runs


async def test_a_job_that_has_more_to_do_runs_again_at_once(composed, own_database):
    left, took = 30, 0

    async def batches(_uow) -> bool:
        nonlocal left, took
        left, took = max(0, left - 1), took + 1
        return left > 0

    service = composed(own_database, "worker")
    await _run([Schedule(service, [Every(60, batches)], progress=Progress())], lambda: left == 0, seconds=3)
    assert took == 30


async def test_a_failed_run_is_undone_and_the_others_go_on(composed, own_database, unit):
    failures = good = 0

    async def breaks(uow) -> bool:
        nonlocal failures
        uow.session.insert(notes, note(unit))
        await uow.session.flush()
        failures += 1
        raise ZeroDivisionError

    async def works(_uow) -> bool:
        nonlocal good
        good += 1
        return False

    service = composed(own_database, "worker")
    progress = Progress()
    await _run(
        [Schedule(service, [Every(0.01, breaks), Every(0.01, works)], progress=progress)],
        lambda: failures >= 2 and good >= 3,
    )
    assert progress.late() == ()
    async with service.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(notes)) == 0
