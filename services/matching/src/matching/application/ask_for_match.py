"""Somebody asks another to be their mentor or mentee."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from chassis.ports import Conflict, NotVisible
from contracts.identifiers import uuid7

from matching.application.own_participation import ASKING, own_participation
from matching.application.ports import KnownParticipation, MatchingUnitOfWork
from matching.application.take_snapshot import places_of
from matching.domain.facts import Role
from matching.domain.match_request import MOST_OPEN_REQUESTS, MatchRequest, check_may_ask_again
from matching.domain.pair import Member


@dataclass(frozen=True, slots=True)
class AskForMatch:
    """Ask the person of `partner_id`, a participation that the last search has found, for one's own participation."""

    participation_id: UUID
    partner_id: UUID


async def ask_for_match(command: AskForMatch, uow: MatchingUnitOfWork) -> MatchRequest:
    """Open a request. The other sees it as soon as a worker has found no hard rule against the two.

    :raises NotVisible: no such participation of one's own, or nobody the last search has found by that id.
    :raises Conflict: the program's mode or side, the cohort's state, no search, too many requests, one between the two, or no
        free place on one of the sides.
    """
    own, cohort = await own_participation(command.participation_id, uow, ASKING)
    search = await uow.searches.latest_answered(own.participation_id)
    if search is None:
        raise Conflict("You have not searched yet.", remedy="Search for people first.")
    terms = search.terms_for(uow.now)
    if terms.mode != "self":
        raise Conflict("In this program people are not asked but ranked.", remedy="Send your preferences.")
    if not terms.may_ask:
        raise Conflict("In this program the other side asks.", remedy="Answer the requests made to you.")
    search.check_found(command.partner_id)
    await uow.places.hold(cohort.cohort_id)
    found = await uow.known_participations.by_ids([command.partner_id])
    if not found or not found[0].may_be_matched:
        raise NotVisible("no such participation")
    mentor, mentee = (own, found[0]) if own.role is Role.MENTOR else (found[0], own)
    await _check(own, mentor, mentee, terms.mentors_per_mentee, uow)
    request = MatchRequest(
        request_id=uuid7(),
        cohort_id=cohort.cohort_id,
        program_id=cohort.program_id,
        business_unit_id=cohort.business_unit_id,
        named_unit_ids=tuple(sorted({cohort.business_unit_id, mentor.home_unit_id, mentee.home_unit_id})),
        asker=own.role,
        mentor=Member(mentor.person_id, mentor.participation_id),
        mentee=Member(mentee.person_id, mentee.participation_id),
        asked_at=uow.now,
        remind_at=uow.now + timedelta(days=terms.request_reminder_days),
        expires_at=uow.now + timedelta(days=terms.request_days),
        mentors_per_mentee=terms.mentors_per_mentee,
    )
    uow.requests.add(request)
    return request


async def _check(
    own: KnownParticipation,
    mentor: KnownParticipation,
    mentee: KnownParticipation,
    mentors_per_mentee: int,
    uow: MatchingUnitOfWork,
) -> None:
    earlier = await uow.requests.between(mentor.participation_id, mentee.participation_id)
    check_may_ask_again(earlier, own.role, uow.now)
    if await uow.requests.open_of(own.participation_id, uow.now) >= MOST_OPEN_REQUESTS:
        raise Conflict(
            "You have as many open requests as you may.", remedy="Wait for an answer, or withdraw one of them."
        )
    if await uow.places.together(mentor.participation_id, mentee.participation_id):
        raise Conflict("You two are a pair or proposed to each other already.")
    taken = await uow.places.taken([mentor.participation_id, mentee.participation_id])
    for side in (own, mentee if own is mentor else mentor):
        if taken[side.participation_id] >= places_of(side, mentors_per_mentee):
            who = "You have" if side is own else "This person has"
            raise Conflict(f"{who} no free place.", remedy="Ask when a place is free again.")
