"""Nobody comes into a run who was not admitted: enrollment admits only with an assessment and a whole profile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from contracts.enrollment import ParticipationState
from matching.application.take_snapshot import take_snapshot

from .fakes import COHORT, PROGRAM, cohort_of
from .worlds import participation

TAKES_PART = {"admitted", "matched", "active"}


@pytest.mark.requirement("R0-39", "R2-15")
@pytest.mark.parametrize("state", sorted(state.value for state in ParticipationState))
async def test_who_was_not_admitted_is_in_no_run(state: str) -> None:
    uow = cohort_of(2, 1)
    held = uow.known_participations.held
    held[participation(1)] = replace(held[participation(1)], state=state)
    snapshot = await take_snapshot(uow.known_cohorts.held[COHORT], uow.known_programs.held[PROGRAM], uow)
    found = {one.participation_id for one in snapshot.mentors}
    assert found == ({participation(1), participation(2)} if state in TAKES_PART else {participation(2)})


@pytest.mark.requirement("R2-15")
async def test_who_has_no_profile_is_named_and_takes_no_part() -> None:
    uow = cohort_of(2, 1)
    held = uow.known_participations.held
    held[participation(1)] = replace(held[participation(1)], working_time=None)
    snapshot = await take_snapshot(uow.known_cohorts.held[COHORT], uow.known_programs.held[PROGRAM], uow)
    assert {one.participation_id for one in snapshot.mentors} == {participation(2)}
    assert set(snapshot.without_facts) == {participation(1)}
