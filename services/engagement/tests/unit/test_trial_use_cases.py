"""Confirming, leaving and outlasting a trial."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from chassis.ports import Conflict, NotVisible
from contracts.engagement import Ending, MeetingCancelled, PairDissolved, PairState, PairTrialEnded
from engagement.application.confirm_trial import ConfirmTrial, confirm_trial
from engagement.application.dissolve_pair import DissolvePair, dissolve_pair
from engagement.application.end_trials import end_trials
from engagement.application.leave_trial import LeaveTrial, leave_trial
from engagement.application.on_pair_formed import on_pair_formed
from engagement.application.remind_of_trials import remind_of_trials
from engagement.application.schedule_meeting import ScheduleMeeting, schedule_meeting
from engagement.domain.pair import Pair
from engagement.domain.training import offered
from engagement.domain.vocabulary import Side

from ..events import World, pair_formed
from ..examples import COMPLETE_TERMS, START, active_pair, pair_on_trial
from .fakes import FakeUnitOfWork
from .test_forming import everything_known

DAY = timedelta(days=1)


def world_with(pair: Pair) -> FakeUnitOfWork:
    uow = FakeUnitOfWork()
    uow.pairs.add(pair)
    return uow


def prepare(pair: Pair) -> None:
    for side in Side:
        pair.sign(side, agreement_version=1, terms=COMPLETE_TERMS, now=START)
        for module in sorted(offered(side)):
            pair.complete_training(side, module)


@pytest.mark.requirement("R1-07")
async def test_the_programs_trial_days_put_its_new_pairs_on_trial() -> None:
    for days, state in ((21, "trial"), (0, "formed")):
        world, uow = World(), FakeUnitOfWork()
        await everything_known(world, uow, trial_days=days)
        await on_pair_formed(pair_formed(world), uow)
        assert uow.pairs.rows[world.pair].state.value == state


@pytest.mark.requirement("R1-07")
async def test_the_second_confirmation_ends_the_trial_and_opens_the_gate() -> None:
    pair = pair_on_trial()
    prepare(pair)
    uow = world_with(pair)
    first = await confirm_trial(ConfirmTrial(pair.pair_id), uow.acting_as(pair.mentee.person_id))
    assert (uow.names(), first.confirmed, first.pair.state.value) == ([], True, "trial")
    await confirm_trial(ConfirmTrial(pair.pair_id), uow.acting_as(pair.mentor.person_id))
    assert uow.names() == ["PairTrialEnded", "PairActivated"]
    ended, sequence = uow.published[0]
    assert isinstance(ended, PairTrialEnded)
    assert (ended.state, ended.trial_ends_at, sequence) == (PairState.FORMED, START + 30 * DAY, 3)
    assert uow.pairs.rows[pair.pair_id].state.value == "active"


@pytest.mark.requirement("R1-07", "N5")
@pytest.mark.parametrize("side", list(Side))
async def test_leaving_dissolves_without_a_word_of_who(side: Side) -> None:
    pair = pair_on_trial()
    uow = world_with(pair)
    uow.acting_as(pair.mentor.person_id)
    await schedule_meeting(ScheduleMeeting(pair.pair_id, START + 3 * DAY), uow)
    await leave_trial(LeaveTrial(pair.pair_id), uow.acting_as(pair.member(side).person_id))
    _, (dissolved, _), (cancelled, _) = uow.published
    assert isinstance(dissolved, PairDissolved)
    assert isinstance(cancelled, MeetingCancelled)
    assert (dissolved.state, dissolved.ending) == (PairState.DISSOLVED, Ending.TRIAL)
    assert cancelled.cancelled_by is None
    both = (dissolved.mentor_participation_id, dissolved.mentee_participation_id)
    assert both == (pair.mentor.participation_id, pair.mentee.participation_id)


@pytest.mark.requirement("N5")
async def test_ending_a_pair_on_trial_by_any_way_reads_the_same() -> None:
    told = []
    for way in ("leave", "dissolve", "manager"):
        pair = pair_on_trial()
        uow = world_with(pair)
        if way == "leave":
            await leave_trial(LeaveTrial(pair.pair_id), uow.acting_as(pair.mentor.person_id))
        else:
            who = (None, "program_manager") if way == "manager" else (pair.mentee.person_id,)
            await dissolve_pair(DissolvePair(pair.pair_id), uow.acting_as(*who))
        event, sequence = uow.published[0]
        assert isinstance(event, PairDissolved)
        told.append((event.ending, event.health, event.signed_by, event.ended_at, sequence, len(uow.published)))
    assert len(set(told)) == 1


async def test_only_the_two_speak_in_a_trial_and_only_in_one() -> None:
    pair = pair_on_trial()
    uow = world_with(pair)
    for stranger in (uow.acting_as(uuid4()), uow.acting_as(uuid4(), "program_manager")):
        with pytest.raises(NotVisible):
            await confirm_trial(ConfirmTrial(pair.pair_id), stranger)
        with pytest.raises(NotVisible):
            await leave_trial(LeaveTrial(pair.pair_id), stranger)
    active = active_pair()
    uow = world_with(active)
    uow.acting_as(active.mentor.person_id)
    for attempt in (confirm_trial(ConfirmTrial(active.pair_id), uow), leave_trial(LeaveTrial(active.pair_id), uow)):
        with pytest.raises(Conflict):
            await attempt
    assert uow.published == []
    assert uow.pairs.rows[active.pair_id].state.value == "active"


@pytest.mark.requirement("R1-07")
async def test_the_schedule_reminds_each_pair_of_its_trial_once() -> None:
    due, longer, without = (pair_on_trial(days=10, reminder_days=days) for days in (4, 3, 0))
    uow = FakeUnitOfWork(START + 6 * DAY)
    for pair in (due, longer, without):
        uow.pairs.add(pair)
    for _ in range(2):
        assert await remind_of_trials(uow) is False
        uow.now += timedelta(hours=1)
    reminded = [uow.pairs.rows[pair.pair_id].trial_reminded_at for pair in (due, longer, without)]
    assert (reminded, uow.published) == ([START + 6 * DAY, None, None], [])


@pytest.mark.requirement("R1-07")
async def test_the_schedule_ends_trials_in_time_and_activates_who_is_ready() -> None:
    ready, unready, longer = pair_on_trial(days=10), pair_on_trial(days=10), pair_on_trial(days=11)
    prepare(ready)
    uow = FakeUnitOfWork(START + 10 * DAY)
    for pair in (ready, unready, longer):
        uow.pairs.add(pair)
    assert await end_trials(uow) is False
    assert [uow.pairs.rows[pair.pair_id].state.value for pair in (ready, unready, longer)] == [
        "active",
        "formed",
        "trial",
    ]
    assert uow.names() == ["PairTrialEnded", "PairActivated", "PairTrialEnded"]
    assert [sequence for _, sequence in uow.published] == [3, 4, 1]
