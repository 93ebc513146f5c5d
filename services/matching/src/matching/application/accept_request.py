"""Who was asked agrees: with the second consent the pair is formed, if both still have a place."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict, NotVisible
from contracts.identifiers import uuid7
from contracts.matching import PairFormed, PairProposed

from matching.application.facts import publish_pair
from matching.application.own_participation import ASKING
from matching.application.ports import KnownParticipation, MatchingUnitOfWork
from matching.application.take_snapshot import places_of
from matching.application.tell_of_request import tell_asker
from matching.domain.match_request import MatchRequest
from matching.domain.notice import NoticeKind


@dataclass(frozen=True, slots=True)
class AcceptRequest:
    """The principal accepts."""

    request_id: UUID


async def accept_request(command: AcceptRequest, uow: MatchingUnitOfWork) -> MatchRequest:
    """Form the pair, holding the cohort's places: of two answers that race for the last place one wins, the other is told.

    The pair is proposed and formed at once, so that others hear of it as of every pair.
    :raises NotVisible: no such request to the principal.
    :raises Conflict: ended, not checked since something changed, or one of the two takes part no more or has no free place.
    """
    request = await uow.requests.get(command.request_id)
    if request is None:
        raise NotVisible("no such request")
    side = request.side_of(uow.principal.person_id)
    await uow.places.hold(request.cohort_id)
    sides = {
        one.participation_id: one
        for one in await uow.known_participations.by_ids(
            [request.mentor.participation_id, request.mentee.participation_id]
        )
    }
    pair = request.accept(side, uuid7(), sum(one.sequence for one in sides.values()), uow.now)
    await _check(request, sides, uow)
    pair.cadence_floor_days = max(
        (one.cadence_floor_days for one in sides.values() if one.cadence_floor_days is not None), default=None
    )
    pair.release(uow.now, (request.expires_at - request.asked_at).days)
    publish_pair(PairProposed, pair, uow)
    pair.accept(request.asker, request.asked_at)
    pair.accept(side, uow.now)
    publish_pair(PairFormed, pair, uow)
    await uow.pairs.add_all([pair])
    uow.requests.save(request)
    tell_asker(request, NoticeKind.REQUEST_ACCEPTED, uow)
    return request


async def _check(request: MatchRequest, sides: dict[UUID, KnownParticipation], uow: MatchingUnitOfWork) -> None:
    cohort = await uow.known_cohorts.get(request.cohort_id)
    if cohort is None or cohort.state not in ASKING:
        raise Conflict("The cohort forms no pairs any more.")
    mentor, mentee = request.mentor.participation_id, request.mentee.participation_id
    if await uow.places.together(mentor, mentee):
        raise Conflict("You two are a pair or proposed to each other already.")
    taken = await uow.places.taken([mentor, mentee])
    for participation_id in (mentor, mentee):
        side = sides.get(participation_id)
        own = participation_id == request.asked.participation_id
        if side is None or not side.may_be_matched:
            raise Conflict("You take part no more." if own else "The other person takes part no more.")
        if taken[participation_id] >= places_of(side, request.mentors_per_mentee):
            raise Conflict(
                "You have no free place left." if own else "The other person has found somebody else meanwhile.",
                remedy="Decline the request.",
            )
