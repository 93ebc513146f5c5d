"""All that a run may know of a cohort, read from the projections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from matching.application.ports import (
    KnownCohort,
    KnownParticipation,
    KnownPerson,
    KnownProgram,
    MatchingUnitOfWork,
    StandingPair,
)
from matching.domain.facts import Background, Candidate, Role, Snapshot, WorkingTime

OPTIONAL_SECOND = 2
"""Places of a mentee whose program asks for two mentors: the second is filled after everybody's first."""


async def take_snapshot(
    cohort: KnownCohort,
    program: KnownProgram,
    uow: MatchingUnitOfWork,
    *,
    previous: Collection[tuple[UUID, UUID]] | None = None,
) -> Snapshot:
    """The cohort as it is now; see `read_snapshot`."""
    return (await read_snapshot(cohort, program, uow, previous=previous))[0]


async def read_snapshot(
    cohort: KnownCohort,
    program: KnownProgram,
    uow: MatchingUnitOfWork,
    *,
    previous: Collection[tuple[UUID, UUID]] | None = None,
    only: Collection[UUID] | None = None,
) -> tuple[Snapshot, int]:
    """The cohort as it is now: candidates, their lines up to the top, places held, what forbids or allows a pair.

    Who is admitted but not fully known (no facts of the person, or of somebody above them, have arrived) is named in
    `without_facts` and takes no part: a rule that cannot be judged is not assumed to hold. Pairs that were rejected in a
    review are excluded whatever is waived. `previous` are the proposals a re-match should keep. `only` these participations
    are looked at, where some are named.

    With it comes the sum of the sequences of its people, which grows when anything is published about one of them.
    """
    of_cohort, by_ids = uow.known_participations.of_cohort, uow.known_participations.by_ids
    participations = [
        participation
        for participation in (await of_cohort(cohort.cohort_id) if only is None else await by_ids(only))
        if participation.may_be_matched and participation.cohort_id == cohort.cohort_id
    ]
    known = {
        person.person_id: person
        for person in await uow.known_people.with_superiors({one.person_id for one in participations})
    }
    standing = await uow.pairs.standing(cohort.cohort_id)
    taken = places_taken(standing)
    ranked = await uow.preferences.of_cohort(cohort.cohort_id)
    complete = _complete(known)
    make = _Candidates(program, taken, ranked)
    mentors: list[Candidate] = []
    mentees: list[Candidate] = []
    without_facts: dict[UUID, Role] = {}
    for participation in participations:
        person = known.get(participation.person_id)
        if person is None or not complete[person.person_id] or participation.working_time is None:
            without_facts[participation.participation_id] = participation.role
            continue
        candidate = make.candidate(participation, person)
        (mentors if participation.role is Role.MENTOR else mentees).append(candidate)
    person_of = {one.participation_id: one.person_id for one in participations}
    conflicts = await uow.conflicts.among(set(person_of.values()))
    rejected = _people(await uow.rejections.of_cohort(cohort.cohort_id), person_of)
    waived = frozenset(
        (waiver.mentor_id, waiver.mentee_id, str(rule))
        for waiver in await uow.waivers.of_cohort(cohort.cohort_id)
        for rule in waiver.rules
    )
    # A pair that lives is not proposed once more, whatever is waived or repeated.
    living = frozenset(_ordered(pair.mentor_id, pair.mentee_id) for pair in standing if pair.holds_places)
    snapshot = Snapshot(
        starts_on=cohort.starts_on,
        rules=program.rules,
        mentors=tuple(mentors),
        mentees=tuple(mentees),
        lines=tuple(person.line for person in known.values()),
        earlier_pairs=frozenset((pair.mentor_id, pair.mentee_id) for pair in standing),
        without_facts=without_facts,
        excluded=frozenset(conflicts) | rejected | (living if program.rules.repeat_pairs or waived else frozenset()),
        waived=waived,
        quotas=tuple(await uow.quotas.of_cohort(cohort.cohort_id)),
        previous=None if previous is None else frozenset(previous),
    )
    return snapshot, sum(person.sequence for person in known.values())


def places_taken(standing: Sequence[StandingPair]) -> Counter[UUID]:
    """Places held per participation."""
    return Counter(
        participation_id
        for pair in standing
        if pair.holds_places
        for participation_id in (pair.mentor_participation_id, pair.mentee_participation_id)
    )


def places_of(participation: KnownParticipation, mentors_per_mentee: int) -> int:
    """How many pairs somebody can be in: their capacity, and a second place for mentees of a program that asks for it."""
    if participation.role is Role.MENTEE and participation.capacity > 0 and mentors_per_mentee > 1:
        return max(OPTIONAL_SECOND, participation.capacity)
    return participation.capacity


def _people(pairs: Sequence[tuple[UUID, UUID]], person_of: Mapping[UUID, UUID]) -> frozenset[tuple[UUID, UUID]]:
    return frozenset(
        _ordered(person_of[mentor], person_of[mentee])
        for mentor, mentee in pairs
        if mentor in person_of and mentee in person_of
    )


def _ordered(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    return (one, other) if one <= other else (other, one)


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


class _Candidates:
    """Participations joined with people. Equal values become one object: a hundred thousand people have few of them."""

    def __init__(
        self, program: KnownProgram, taken: Mapping[UUID, int], ranked: Mapping[UUID, tuple[UUID, ...]]
    ) -> None:
        self._program, self._taken, self._ranked = program, taken, ranked
        self._units: dict[UUID, UUID] = {}
        self._times: dict[WorkingTime, WorkingTime] = {}
        self._sets: dict[tuple[str, ...], frozenset[str]] = {}
        self._backgrounds: dict[tuple[object, ...], Background] = {}

    def candidate(self, participation: KnownParticipation, person: KnownPerson) -> Candidate:
        """The candidate; the person has applied."""
        working = participation.working_time
        if working is None:
            raise ValueError("a candidate has applied")
        key = participation.participation_id
        return Candidate(
            participation_id=key,
            person_id=participation.person_id,
            business_unit_id=self._units.setdefault(person.business_unit_id, person.business_unit_id),
            role=participation.role,
            employed=person.employed,
            grade_rank=person.grade_rank,
            team=person.team,
            background=self._background(person, participation.background_codes),
            offers=participation.offers,
            asks=participation.asks,
            languages=participation.languages,
            working_time=self._times.setdefault(working, working),
            places=places_of(participation, self._program.mentors_per_mentee),
            taken=self._taken.get(key, 0),
            projects=self._set(person.project_codes),
            values=self._set(participation.values),
            style=participation.style,
            channels=self._set(participation.channels),
            priority=participation.priority,
            ranked=self._ranked.get(key, ()),
        )

    def _background(self, person: KnownPerson, codes: tuple[str, ...]) -> Background:
        life = self._set(codes)
        key = (person.function, person.region, person.country, person.tenure_band, life)
        found = self._backgrounds.get(key)
        if found is None:
            found = self._backgrounds[key] = Background(
                person.function, person.region, person.country, person.tenure_band, life
            )
        return found

    def _set(self, codes: tuple[str, ...]) -> frozenset[str]:
        found = self._sets.get(codes)
        if found is None:
            found = self._sets[codes] = frozenset(codes)
        return found
