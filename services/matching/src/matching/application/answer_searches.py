"""A worker answers searches: those of one cohort together, on one reading of its facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from matching.application.ports import KnownProgram, MatchingUnitOfWork
from matching.application.take_snapshot import take_snapshot
from matching.domain.facts import Role, Snapshot
from matching.domain.match_request import may_ask
from matching.domain.rules import HardRules
from matching.domain.search import MOST_FOUND, Search, Terms, week_of
from matching.domain.suitability import Suitable, as_browsed, suitable_for

SEARCHES_AT_ONCE = 50
LEASE_SECONDS = 20.0
BY_HR = "In this program HR matches; you will be proposed to somebody."
UNKNOWN = "Not everything that is needed is known of you yet; search again later."


@dataclass(frozen=True, slots=True)
class ClaimedSearches:
    """Searches of one cohort, and what they are answered from. `snapshot` is None where the program has no searches."""

    search_ids: Mapping[UUID, UUID]
    snapshot: Snapshot | None
    program: KnownProgram
    last_active: Mapping[UUID, date]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one participation, on the side of `role`, has found."""

    role: Role
    found: tuple[Suitable, ...]


async def claim_searches(uow: MatchingUnitOfWork) -> ClaimedSearches | None:
    """Take the searches of one cohort on; None when there are none, or not all about their cohort has been heard yet."""
    due = await uow.searches.due(SEARCHES_AT_ONCE, LEASE_SECONDS)
    if not due:
        return None
    cohort = await uow.known_cohorts.get(due[0].cohort_id)
    program = await uow.known_programs.get(due[0].program_id)
    if cohort is None or program is None:
        return None
    search_ids = {search.participation_id: search.search_id for search in due}
    if program.mode == "hr_run":
        return ClaimedSearches(search_ids, None, program, {})
    snapshot = as_browsed(await take_snapshot(cohort, program, uow))
    return ClaimedSearches(search_ids, snapshot, program, await uow.searches.last_active(cohort.cohort_id))


def answers_to(claimed: ClaimedSearches) -> Mapping[UUID, Answer]:
    """What each participation finds. Pure, and long for a large cohort: to be called off the event loop."""
    snapshot = claimed.snapshot
    if snapshot is None:
        return {}
    rules = HardRules(snapshot)
    own = {
        one.participation_id: one
        for one in (*snapshot.mentors, *snapshot.mentees)
        if one.participation_id in claimed.search_ids
    }
    answers: dict[UUID, Answer] = {}
    for participation_id, candidate in own.items():
        found = suitable_for(candidate, snapshot, rules, most=MOST_FOUND)
        answers[participation_id] = Answer(candidate.role, _with_activity(found, claimed.last_active))
    return answers


async def finish_searches(
    claimed: ClaimedSearches, answers: Mapping[UUID, Answer], uow: MatchingUnitOfWork
) -> Sequence[Search]:
    """Store the answers of the searches that nobody else has answered meanwhile."""
    searches = await uow.searches.unanswered(claimed.search_ids.values())
    program = claimed.program
    for search in searches:
        answer = answers.get(search.participation_id)
        if claimed.snapshot is None:
            search.refuse(BY_HR, uow.now)
        elif answer is None:
            search.refuse(UNKNOWN, uow.now)
        else:
            terms = Terms(
                mode=program.mode,
                may_ask=may_ask(answer.role, program.asking_side, program.rules.pair_type),
                request_days=program.request_days,
                request_reminder_days=program.request_reminder_days,
                preference_limit=program.rules.preference_limit,
                mentors_per_mentee=program.mentors_per_mentee,
            )
            search.answer(terms, answer.found, uow.now)
        await uow.searches.save(search)
    return searches


def _with_activity(found: Sequence[Suitable], last_active: Mapping[UUID, date]) -> tuple[Suitable, ...]:
    return tuple(replace(one, last_active_week=week_of(last_active.get(one.participation_id))) for one in found)
