"""All that a run may know of a cohort, read from the projections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from matching.application.ports import (
    KnownCohort,
    KnownParticipation,
    KnownPerson,
    KnownProgram,
    MatchingUnitOfWork,
    StandingPair,
)
from matching.domain.facts import Background, Candidate, Role, Snapshot


async def take_snapshot(cohort: KnownCohort, program: KnownProgram, uow: MatchingUnitOfWork) -> Snapshot:
    """The cohort as it is now: candidates, their lines up to the top, places held, pairs that are not repeated.

    Who is admitted but not fully known (no facts of the person, or of somebody above them, have arrived) is named in
    `without_facts` and takes no part: a rule that cannot be judged is not assumed to hold.
    """
    participations = [
        participation
        for participation in await uow.known_participations.of_cohort(cohort.cohort_id)
        if participation.may_be_matched
    ]
    known = {
        person.person_id: person
        for person in await uow.known_people.with_superiors({one.person_id for one in participations})
    }
    standing = await uow.pairs.standing(cohort.cohort_id)
    taken = places_taken(standing)
    complete = _complete(known)
    mentors: list[Candidate] = []
    mentees: list[Candidate] = []
    without_facts: dict[UUID, Role] = {}
    for participation in participations:
        person = known.get(participation.person_id)
        if person is None or not complete[person.person_id] or participation.working_time is None:
            without_facts[participation.participation_id] = participation.role
            continue
        candidate = _candidate(participation, person, taken[participation.participation_id])
        (mentors if participation.role is Role.MENTOR else mentees).append(candidate)
    return Snapshot(
        starts_on=cohort.starts_on,
        rules=program.rules,
        mentors=tuple(mentors),
        mentees=tuple(mentees),
        lines=tuple(person.line for person in known.values()),
        earlier_pairs=frozenset((pair.mentor_id, pair.mentee_id) for pair in standing),
        without_facts=without_facts,
    )


def places_taken(standing: Sequence[StandingPair]) -> Counter[UUID]:
    """Places held per participation."""
    return Counter(
        participation_id
        for pair in standing
        if pair.holds_places
        for participation_id in (pair.mentor_participation_id, pair.mentee_participation_id)
    )


def _complete(known: Mapping[UUID, KnownPerson]) -> Mapping[UUID, bool]:
    """Whether everybody above each person is known, at any depth."""
    incomplete = {
        person.person_id for person in known.values() if any(superior not in known for superior in _superiors(person))
    }
    below: dict[UUID, list[UUID]] = {}
    for person in known.values():
        for superior in _superiors(person):
            below.setdefault(superior, []).append(person.person_id)
    frontier = list(incomplete)
    while frontier:
        for subordinate in below.get(frontier.pop(), ()):
            if subordinate not in incomplete:
                incomplete.add(subordinate)
                frontier.append(subordinate)
    return {person_id: person_id not in incomplete for person_id in known}


def _superiors(person: KnownPerson) -> tuple[UUID, ...]:
    manager = () if person.manager_id is None else (person.manager_id,)
    return manager + person.dotted_line_ids


def _candidate(participation: KnownParticipation, person: KnownPerson, taken: int) -> Candidate:
    if participation.working_time is None:
        raise ValueError("a candidate has applied")
    return Candidate(
        participation_id=participation.participation_id,
        person_id=participation.person_id,
        business_unit_id=person.business_unit_id,
        role=participation.role,
        employed=person.employed,
        grade_rank=person.grade_rank,
        team=person.team,
        background=Background(person.function, person.region, person.country),
        offers=participation.offers,
        asks=participation.asks,
        languages=participation.languages,
        working_time=participation.working_time,
        places=participation.capacity,
        taken=taken,
    )
