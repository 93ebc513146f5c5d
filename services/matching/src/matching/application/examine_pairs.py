"""The continuous guard: judge the living pairs that a change has touched, and act where one has come into conflict or out of it.

Facts come in as they are published; pairs are judged when the change sets that touched them are complete, or have been waited for
long enough. See `application.guard_ports.GuardBooks` for what is kept of changes until then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from contracts.identifiers import uuid7
from contracts.matching import PairQuarantined, PairReinstated, PairWithdrawn, ProposedPairFacts

from matching.application.facts import publish_pair
from matching.application.guard_ports import DuePair
from matching.application.ports import KnownParticipation, KnownPerson, MatchingUnitOfWork
from matching.domain.facts import Background, Candidate, Role, Snapshot, WorkingTime
from matching.domain.guard import counting, stands_on, unwaived
from matching.domain.notice import Notice, NoticeKind
from matching.domain.pair import Pair, PairState, Resolution
from matching.domain.rules import HardRules, Rule

PAIRS_AT_ONCE = 500
_NO_HOURS = WorkingTime("UTC", 0, 0, frozenset())


@dataclass(frozen=True, slots=True)
class Examined:
    """What one examination did: `delays` are the seconds from the event to the pause, for each pair paused or taken back; `more`
    says that pairs are left to judge.
    """

    delays: tuple[float, ...] = ()
    more: bool = False


async def examine_pairs(uow: MatchingUnitOfWork, *, patience: float) -> Examined:
    """Judge what is due; nothing when there is nothing, or another worker does. `patience` is how many seconds of real time a change
    set may take.
    """
    if not await uow.guard.lead():
        return Examined()
    for one, other, changed_at in await uow.conflicts.unexamined():
        await uow.guard.mark(one, other, changed_at)
        await uow.guard.outdate(one, other)
        await uow.requests.uncheck((one, other))
    await uow.guard.mark_applicants()
    due = await uow.guard.due(PAIRS_AT_ONCE, patience)
    delays = await _judge(due, patience, uow)
    await uow.guard.close_change_sets(patience)
    return Examined(delays, more=len(due) >= PAIRS_AT_ONCE)


async def _judge(due: Sequence[DuePair], patience: float, uow: MatchingUnitOfWork) -> tuple[float, ...]:
    people = {member.person_id for one in due for member in (one.pair.mentor, one.pair.mentee)}
    if not people:
        return ()
    known = {person.person_id: person for person in await uow.known_people.with_superiors(people)}
    lines = {person_id: person.line for person_id, person in known.items()}
    ground = {one.pair.pair_id: stands_on((one.pair.mentor.person_id, one.pair.mentee.person_id), lines) for one in due}
    arriving = await uow.guard.arriving(set().union(*ground.values()), patience)
    waiting: list[tuple[Pair, UUID, datetime]] = []
    ready: list[DuePair] = []
    for one in due:
        sets = {each for person_id in ground[one.pair.pair_id] for each in arriving.get(person_id, ())}
        waiting += [(one.pair, each, one.since or uow.now) for each in sorted(sets)]
        if not sets:
            ready.append(one)
    changed: list[Pair] = []
    delays: list[float] = []
    ready.sort(key=lambda one: (one.pair.cohort_id, one.pair.pair_id))
    for cohort_id, cohort_pairs in groupby(ready, key=lambda one: one.pair.cohort_id):
        due_here = list(cohort_pairs)
        broken = await _broken(cohort_id, [one.pair for one in due_here], known, uow)
        for one in due_here:
            before = one.pair.broken_rules
            kind = _act(one.pair, broken.get(one.pair.pair_id), uow)
            if kind is not None or one.pair.broken_rules != before:
                changed.append(one.pair)
            if kind in (NoticeKind.PAIR_PAUSED, NoticeKind.PROPOSAL_WITHDRAWN) and one.since is not None:
                delays.append(max(0.0, (uow.now - one.since).total_seconds()))
    await uow.pairs.save_all(changed)
    await uow.guard.settle(ground, waiting)
    return tuple(delays)


@dataclass(frozen=True, slots=True)
class _Broken:
    """The rules a pair breaks, and those among them that somebody has waived for it."""

    rules: tuple[Rule, ...]
    waived: frozenset[str]


async def _broken(
    cohort_id: UUID, pairs: Sequence[Pair], known: Mapping[UUID, KnownPerson], uow: MatchingUnitOfWork
) -> Mapping[UUID, _Broken]:
    """What each pair breaks by what is known now, before waivers. A pair of whose people too little is known is left out."""
    cohort = await uow.known_cohorts.get(cohort_id)
    program = None if cohort is None else await uow.known_programs.get(cohort.program_id)
    if cohort is None or program is None:
        return {}
    sides = {member.participation_id for pair in pairs for member in (pair.mentor, pair.mentee)}
    candidates = {
        application.participation_id: candidate
        for application in await uow.known_participations.by_ids(sides)
        if (candidate := _candidate(application, known.get(application.person_id))) is not None
    }
    people = {candidate.person_id for candidate in candidates.values()}
    rules = HardRules(
        Snapshot(
            starts_on=cohort.starts_on,
            rules=program.rules,
            mentors=tuple(one for one in candidates.values() if one.role is Role.MENTOR),
            mentees=tuple(one for one in candidates.values() if one.role is Role.MENTEE),
            lines=tuple(person.line for person in known.values()),
            excluded=frozenset(await uow.conflicts.among(people)),
        )
    )
    waived: dict[tuple[UUID, UUID], set[str]] = {}
    for waiver in await uow.waivers.of_cohort(cohort_id):
        waived.setdefault((waiver.mentor_id, waiver.mentee_id), set()).update(rule.value for rule in waiver.rules)
    found: dict[UUID, _Broken] = {}
    for pair in pairs:
        mentor, mentee = (candidates.get(side.participation_id) for side in (pair.mentor, pair.mentee))
        if mentor is not None and mentee is not None:
            both = mentor.person_id, mentee.person_id
            found[pair.pair_id] = _Broken(rules.judge(mentor, mentee).broken, frozenset(waived.get(both, ())))
    return found


def _act(pair: Pair, found: _Broken | None, uow: MatchingUnitOfWork) -> NoticeKind | None:
    """Do what the broken rules ask for; None when there is nothing to tell.

    A pair that stays paused may be so for other rules than before: its program manager sees those of now.
    """
    if found is None:
        return None
    formed = pair.state is not PairState.RELEASED
    rules = counting(found.rules, formed=formed)
    standing = tuple(rule.value for rule in unwaived(rules, found.waived))
    event: type[ProposedPairFacts]
    if pair.state is PairState.QUARANTINED:
        if standing:
            pair.broken_rules = standing
            return None
        pair.reinstate(Resolution.WAIVED if rules else Resolution.CLEARED)
        kind, event = NoticeKind.PAIR_RESUMED, PairReinstated
    elif not standing:
        return None
    elif formed:
        pair.quarantine(standing, uow.now)
        kind, event = NoticeKind.PAIR_PAUSED, PairQuarantined
    else:
        pair.withdraw(standing)
        kind, event = NoticeKind.PROPOSAL_WITHDRAWN, PairWithdrawn
    publish_pair(event, pair, uow)
    uow.notices.add(Notice.about(pair, kind, notice_id=uuid7(), now=uow.now))
    return kind


def _candidate(application: KnownParticipation, person: KnownPerson | None) -> Candidate | None:
    """What the rules ask of somebody, with room for the pair that is being judged; None while too little is known.

    Of whoever is gone nothing else needs to be known: what an erased person declared is kept nowhere.
    """
    if person is None or (application.working_time is None and person.employed):
        return None
    return Candidate(
        participation_id=application.participation_id,
        person_id=person.person_id,
        business_unit_id=person.business_unit_id,
        role=application.role,
        employed=person.employed,
        grade_rank=person.grade_rank,
        team=person.team,
        background=Background(),
        offers=application.offers,
        asks=application.asks,
        languages=application.languages,
        working_time=application.working_time or _NO_HOURS,
        places=1,
        projects=frozenset(person.project_codes),
    )
