"""The guard asks one question while nothing happens, and everything that it must judge makes the answer yes."""

from __future__ import annotations

import pytest
from matching.entrypoints.schedule import guard_pairs

from ..events import world
from ..running import Matching
from ..standing import put_together

pytestmark = pytest.mark.integration


async def leads(matching: Matching) -> bool:
    async with matching.worker.committed() as uow:
        return bool(await uow.guard.lead())


async def judged(matching: Matching) -> None:
    """The guard does all there is."""
    assert await leads(matching)
    while await guard_pairs(matching.worker):
        pass
    assert not await leads(matching)


@pytest.mark.requirement("N2")
async def test_only_what_is_to_be_judged_wakes_the_guard(matching: Matching) -> None:
    assert not await leads(matching)
    cohort = world()
    await matching.hear(*cohort.events)
    await judged(matching)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    await put_together(matching, cohort, mentor, mentee)
    await judged(matching)
    await matching.hear(cohort.person(mentor.person, rank=3, sequence=2))
    await judged(matching)
    await matching.hear(cohort.participation(mentee, 2, capacity=2))
    await judged(matching)
    two = {"person_id": str(mentor.person), "other_id": str(mentee.person), "reason": "family"}
    assert (await matching.manager(cohort).post("/v1/conflicts", two)).status_code == 201
    await judged(matching)
    (row,) = await matching.sql("SELECT state FROM pairs")
    assert row["state"] == "quarantined"


async def test_one_worker_judges_at_a_time(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    async with matching.worker.committed() as uow:
        assert await uow.guard.lead()
        assert not await leads(matching)
