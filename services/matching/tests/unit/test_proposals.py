"""Proposals: both must accept, whoever comes second forms the pair; declining, expiring and withdrawing end it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chassis.ports import Conflict, NotVisible, Principal
from matching.application.accept_proposal import AcceptProposal, accept_proposal
from matching.application.close_abandoned_proposals import close_abandoned_proposals
from matching.application.decline_proposal import DeclineProposal, decline_proposal
from matching.application.expire_proposals import expire_proposals
from matching.application.views import own_proposal_view
from matching.domain.facts import Role
from matching.domain.pair import Pair, PairState

from .fakes import COHORT, NOW, FakeUnitOfWork, cohort_of, known_participation, participant
from .run_fakes import completed, released
from .worlds import UNIT, person


async def one_proposal() -> tuple[FakeUnitOfWork, Pair]:
    uow = cohort_of(1, 1)
    await released(uow, COHORT)
    (pair,) = uow.pairs.held.values()
    return uow, pair


@pytest.mark.requirement("R1-09")
@pytest.mark.parametrize("order", [(1, 101), (101, 1)])
async def test_a_pair_is_formed_only_when_both_have_accepted(order: tuple[int, int]) -> None:
    uow, pair = await one_proposal()
    uow.principal = participant(order[0])
    await accept_proposal(AcceptProposal(pair.pair_id), uow)
    assert (pair.state, uow.named("PairFormed")) == (PairState.RELEASED, [])
    await accept_proposal(AcceptProposal(pair.pair_id), uow)
    assert (pair.state, uow.named("PairFormed")) == (PairState.RELEASED, [])
    uow.later(days=1)
    uow.principal = participant(order[1])
    await accept_proposal(AcceptProposal(pair.pair_id), uow)
    (formed,) = uow.named("PairFormed")
    assert (formed.formed_at, uow.published[-1].sequence) == (NOW + timedelta(days=1), 2)
    await accept_proposal(AcceptProposal(pair.pair_id), uow)
    assert len(uow.named("PairFormed")) == 1


@pytest.mark.requirement("R1-09")
async def test_a_directed_mentee_cannot_be_paired_without_the_junior() -> None:
    uow, pair = await one_proposal()
    uow.principal = participant(101)
    await accept_proposal(AcceptProposal(pair.pair_id), uow)
    uow.later(days=14)
    await expire_proposals(uow)
    assert pair.state is PairState.EXPIRED


async def test_others_do_not_find_the_proposal() -> None:
    uow, pair = await one_proposal()
    uow.principal = participant(55)
    with pytest.raises(NotVisible):
        await accept_proposal(AcceptProposal(pair.pair_id), uow)
    with pytest.raises(NotVisible):
        await decline_proposal(DeclineProposal(pair.pair_id), uow)
    uow.principal = Principal("nobody", None, UNIT, frozenset({"participant"}))
    with pytest.raises(NotVisible):
        await accept_proposal(AcceptProposal(pair.pair_id), uow)


async def test_nobody_sees_a_proposal_before_its_release() -> None:
    uow = cohort_of(1, 1)
    await completed(uow, COHORT)
    (pair,) = uow.pairs.held.values()
    uow.principal = participant(1)
    with pytest.raises(NotVisible):
        await accept_proposal(AcceptProposal(pair.pair_id), uow)
    with pytest.raises(NotVisible):
        own_proposal_view(pair, person(1))


@pytest.mark.parametrize("first_accepted", [True, False])
async def test_either_declines_and_nobody_is_told_who(first_accepted: bool) -> None:
    uow, pair = await one_proposal()
    if first_accepted:
        uow.principal = participant(101)
        await accept_proposal(AcceptProposal(pair.pair_id), uow)
    uow.principal = participant(1)
    await decline_proposal(DeclineProposal(pair.pair_id), uow)
    await decline_proposal(DeclineProposal(pair.pair_id), uow)
    (told,) = uow.named("PairDeclined")
    assert not {"declined_by", "accepted_by", "reason"} & set(told.model_dump())
    with pytest.raises(Conflict, match="declined"):
        await accept_proposal(AcceptProposal(pair.pair_id), uow)


async def test_a_formed_pair_is_not_declined() -> None:
    uow, pair = await one_proposal()
    for number in (1, 101):
        uow.principal = participant(number)
        await accept_proposal(AcceptProposal(pair.pair_id), uow)
    with pytest.raises(Conflict, match="formed"):
        await decline_proposal(DeclineProposal(pair.pair_id), uow)


async def test_a_proposal_expires_at_its_time_not_before() -> None:
    uow, pair = await one_proposal()
    uow.later(days=13, hours=23)
    assert not await expire_proposals(uow)
    assert pair.state is PairState.RELEASED
    uow.later(hours=1)
    uow.principal = participant(1)
    with pytest.raises(Conflict, match="expired"):
        await accept_proposal(AcceptProposal(pair.pair_id), uow)
    await expire_proposals(uow)
    await expire_proposals(uow)
    assert len(uow.named("PairExpired")) == 1
    assert (pair.state, pair.version) == (PairState.EXPIRED, 2)


async def test_the_places_of_an_ended_proposal_are_free_again() -> None:
    uow, pair = await one_proposal()
    uow.principal = participant(1)
    await decline_proposal(DeclineProposal(pair.pair_id), uow)
    assert not any(standing.holds_places for standing in await uow.pairs.standing(pair.cohort_id))


async def test_who_withdraws_ends_their_open_proposals() -> None:
    uow, pair = await one_proposal()
    assert not await close_abandoned_proposals(uow)
    assert pair.state is PairState.RELEASED
    uow.known_participations.put(known_participation(101, Role.MENTEE, state="withdrawn", sequence=2))
    await close_abandoned_proposals(uow)
    assert (pair.state, len(uow.named("PairDeclined"))) == (PairState.DECLINED, 1)


@pytest.mark.requirement("R1-08")
async def test_a_participant_sees_the_partner_and_the_reason_and_no_more() -> None:
    _, pair = await one_proposal()
    view = own_proposal_view(pair, person(101))
    assert (view.role, view.partner_id, view.topics) == (Role.MENTEE, person(1), ("technology.ai",))
    assert set(view.__slots__) == {
        "pair_id", "cohort_id", "program_id", "role", "partner_id", "state", "own_answer", "topics", "words",
        "released_at", "expires_at", "formed_at", "version",
    }  # fmt: skip
