from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest
from chassis.ports import Missing, NotVisible
from enrollment.application.on_cohort_evaluated import on_cohort_evaluated
from enrollment.application.on_pair_ended import on_pair_completed, on_pair_dissolved
from enrollment.application.on_pair_formed import on_pair_formed
from enrollment.domain.cohorts import Cohort, CohortState
from enrollment.domain.participations import Participation, ParticipationState, Role

from ..facts import NOW, Pair, evaluated
from .fakes import START, UNIT, FakeUnitOfWork


class Scene:
    """A cohort that is matching, with admitted participations, and nothing published about them here yet."""

    def __init__(self, people: int = 2) -> None:
        self.uow = FakeUnitOfWork("service", unit=None)
        self.uow.now = NOW
        today = START.date()
        self.cohort = Cohort(
            uuid4(),
            uuid4(),
            UNIT,
            (UNIT,),
            "First",
            1,
            12,
            today,
            today,
            today,
            today,
            state=CohortState.MATCHING,
            version=0,
        )
        self.uow.cohorts.add(self.cohort)
        self.ids = []
        for index in range(people):
            role = Role.MENTEE if index else Role.MENTOR
            participation = Participation(
                uuid4(),
                self.cohort.cohort_id,
                self.cohort.program_id,
                uuid4(),
                UNIT,
                UNIT,
                role,
                ParticipationState.ADMITTED,
                version=0,
            )
            self.uow.participations.add(participation)
            self.ids.append(participation.participation_id)

    def pair(self, mentee: int = 1) -> Pair:
        return Pair(UNIT, self.cohort.program_id, self.cohort.cohort_id, self.ids[0], self.ids[mentee])

    def states(self) -> Sequence[str]:
        return [self.uow.participations.rows[which].state.value for which in self.ids]


async def test_a_formed_pair_matches_both_and_the_first_one_starts_the_cohort() -> None:
    scene = Scene(3)
    one, two = scene.pair(), scene.pair(2)
    await on_pair_formed(one.formed(), scene.uow)
    assert scene.states() == ["matched", "matched", "admitted"]
    cohort = scene.uow.cohorts.rows[scene.cohort.cohort_id]
    assert (cohort.state, cohort.starts_on, cohort.ends_on.year) == (CohortState.ACTIVE, NOW.date(), 2027)
    await on_pair_formed(two.formed(), scene.uow)
    assert scene.uow.names(scene.cohort.cohort_id) == ["CohortActivated"]
    mentor = [event for event, _ in scene.uow.published if event.subject == scene.ids[0]]
    assert [event.pair_ids for event in mentor] == [(one.pair_id,), (one.pair_id, two.pair_id)]


async def test_the_same_pair_twice_is_said_once() -> None:
    scene = Scene()
    pair = scene.pair()
    await on_pair_formed(pair.formed(), scene.uow)
    before = list(scene.uow.published)
    await on_pair_formed(pair.formed(), scene.uow)
    assert scene.uow.published == before


async def test_a_dissolved_pair_frees_the_places_unless_another_is_open() -> None:
    scene = Scene(3)
    one, two = scene.pair(), scene.pair(2)
    for pair in (one, two):
        await on_pair_formed(pair.formed(), scene.uow)
    await on_pair_dissolved(one.dissolved(), scene.uow)
    assert scene.states() == ["matched", "admitted", "matched"]
    await on_pair_completed(two.completed(), scene.uow)
    assert scene.states() == ["completed", "admitted", "completed"]
    assert scene.uow.names(scene.ids[0]) == [
        "ParticipantMatched",
        "ParticipantMatched",
        "ParticipantMatched",
        "ParticipantCompleted",
    ]
    assert scene.uow.names(scene.ids[1]) == ["ParticipantMatched", "ParticipantAdmitted"]


@pytest.mark.requirement("F10")
async def test_an_end_that_comes_before_the_forming_waits_for_it() -> None:
    scene = Scene()
    pair = scene.pair()
    with pytest.raises(Missing) as missing:
        await on_pair_dissolved(pair.dissolved(), scene.uow)
    assert missing.value.subject == pair.pair_id
    assert scene.uow.published == []
    await on_pair_formed(pair.formed(), scene.uow)
    await on_pair_dissolved(pair.dissolved(), scene.uow)
    assert scene.states() == ["admitted", "admitted"]


async def test_who_withdrew_before_the_pair_was_formed_stays_out_and_the_pairs_end_is_understood() -> None:
    scene = Scene()
    scene.uow.participations.rows[scene.ids[1]].state = ParticipationState.WITHDRAWN
    pair = scene.pair()
    await on_pair_formed(pair.formed(), scene.uow)
    assert scene.states() == ["matched", "withdrawn"]
    await on_pair_dissolved(pair.dissolved(), scene.uow)
    assert scene.states() == ["admitted", "withdrawn"]
    assert scene.uow.names(scene.ids[1]) == []


async def test_an_evaluated_cohort_is_closed_once() -> None:
    scene = Scene()
    event = evaluated(UNIT, scene.cohort.program_id, scene.cohort.cohort_id)
    await on_cohort_evaluated(event, scene.uow)
    await on_cohort_evaluated(event, scene.uow)
    assert scene.uow.names() == ["CohortClosed"]


async def test_facts_about_what_was_never_here_are_refused() -> None:
    scene = Scene()
    stranger = Pair(UNIT, uuid4(), uuid4(), uuid4(), uuid4())
    with pytest.raises(NotVisible):
        await on_pair_formed(stranger.formed(), scene.uow)
    with pytest.raises(NotVisible):
        await on_cohort_evaluated(evaluated(UNIT, uuid4(), uuid4()), scene.uow)
