"""A worker holds open requests to every hard rule: new ones before they are shown, all when something about the two changes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from matching.application.ports import MatchingUnitOfWork
from matching.application.take_snapshot import read_snapshot
from matching.application.tell_of_request import tell_asked, tell_of_end
from matching.domain.match_request import MatchRequest
from matching.domain.notice import NoticeKind
from matching.domain.rules import HardRules
from matching.domain.suitability import as_browsed, fit_of

REQUESTS_AT_ONCE = 200


async def check_requests(uow: MatchingUnitOfWork, *, patience: float) -> bool:
    """Show what no rule forbids, close what one does; True when there may be more.

    What is touched by a change set that is still arriving waits for it, at most `patience` seconds of real time: half a
    reorganisation is nobody's conflict. A request whose people are not fully known yet waits too. What waits is neither shown
    nor can it be accepted.
    """
    unchecked = await uow.requests.unchecked(REQUESTS_AT_ONCE)
    settled = 0
    by_cohort = sorted(unchecked, key=attrgetter("cohort_id", "request_id"))
    for _, group in groupby(by_cohort, key=attrgetter("cohort_id")):
        settled += await _check(list(group), patience, uow)
    return len(unchecked) == REQUESTS_AT_ONCE and settled > 0


async def _check(requests: Sequence[MatchRequest], patience: float, uow: MatchingUnitOfWork) -> int:
    cohort = await uow.known_cohorts.get(requests[0].cohort_id)
    program = await uow.known_programs.get(requests[0].program_id)
    if cohort is None or program is None:
        return 0
    settled = 0
    for request in requests:
        ids = request.mentor.participation_id, request.mentee.participation_id
        sides = {one.participation_id: one for one in await uow.known_participations.by_ids(ids)}
        snapshot = as_browsed((await read_snapshot(cohort, program, uow, only=ids))[0])
        people = frozenset(line.person_id for line in snapshot.lines)
        if await uow.guard.arriving(people, patience):
            continue
        candidates = {one.participation_id: one for one in (*snapshot.mentors, *snapshot.mentees)}
        mentor, mentee = candidates.get(ids[0]), candidates.get(ids[1])
        if mentor is None or mentee is None:
            continue
        verdict = HardRules(snapshot).judge(mentor, mentee)
        if verdict.allowed:
            mark = sum(side.sequence for side in sides.values())
            if request.pass_check(fit_of(mentor, mentee, verdict, snapshot), people, mark, uow.now):
                tell_asked(request, NoticeKind.REQUEST_RECEIVED, uow)
        else:
            request.close(uow.now)
            tell_of_end(request, uow)
        uow.requests.save(request)
        settled += 1
    return settled
