"""What another decision would have come to: a run's cohort solved again with changes, compared with the run, never released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from matching.domain.explanation import RULE_WORDS
from matching.domain.facts import Candidate, Quota, Snapshot, Weights
from matching.domain.rules import HardRules, Rule

MOST_CHANGES = 50
MOST_ATTEMPTS = 3
MOST_PAIRS_SHOWN = 200

PairKey = tuple[UUID, UUID]
"""A pair as (mentor participation, mentee participation)."""


class WhatIfState(StrEnum):
    """`queued` → `running` → `completed`; or `refused` (the changes contradict a rule), `failed`."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different: pairs that must be there and pairs that must not, weights, minimum gap, capacities by participation,
    quotas instead of the cohort's. None leaves a setting as it is.
    """

    lock: tuple[PairKey, ...] = ()
    forbid: tuple[PairKey, ...] = ()
    weights: Weights | None = None
    minimum_grade_gap: int | None = None
    capacities: Mapping[UUID, int] | None = None
    quotas: tuple[Quota, ...] | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair of a result with its score."""

    mentor: UUID
    mentee: UUID
    score: int

    @property
    def key(self) -> PairKey:
        """The two participations."""
        return self.mentor, self.mentee


@dataclass(slots=True)
class WhatIf:
    """One draft of a run. `attempts` is the fencing token of the worker that solves it; `result` a plain document."""

    what_if_id: UUID
    run_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    changes: Changes
    requested_at: datetime
    state: WhatIfState = WhatIfState.QUEUED
    attempts: int = 0
    result: Mapping[str, Any] | None = None
    completed_at: datetime | None = None
    version: int = 1

    def begin(self) -> None:
        """A worker takes it on."""
        self.state = WhatIfState.RUNNING
        self.attempts += 1

    def held_by(self, attempt: int) -> bool:
        """Whether the worker that claimed `attempt` still holds it."""
        return self.state is WhatIfState.RUNNING and self.attempts == attempt

    def end(self, state: WhatIfState, result: Mapping[str, Any], now: datetime) -> None:
        """It has come to something."""
        self.state = state
        self.result = result
        self.completed_at = now
        self.version += 1

    def try_again(self) -> bool:
        """Put it back into the queue; False when it was tried often enough."""
        if self.attempts >= MOST_ATTEMPTS:
            return False
        self.state = WhatIfState.QUEUED
        return True


class ContradictsRule(Exception):
    """The changes ask for something that a hard rule forbids; `words` say what."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True, slots=True)
class Changed:
    """A snapshot with the changes in it, and the pairs that are locked: they hold their places and are no choice any more."""

    snapshot: Snapshot
    locked: tuple[Scored, ...]


def with_changes(snapshot: Snapshot, locked: Sequence[PairKey], changes: Changes) -> Changed:
    """What a run was given (`locked` pairs hold their places in `snapshot`), as the changes would have it.

    Settings and capacities change first, then pairs are locked under them: those that were and those that are to be.
    :raises ContradictsRule: a locked pair is unknown, breaks a rule or has no place; or a pair is locked and forbidden.
    """
    if set(locked) & set(changes.forbid):
        raise ContradictsRule("A forbidden pair is locked in this cohort: take the lock back first.")
    free = _unlocked(snapshot, locked, keep_quotas=changes.quotas is None)
    rules = free.rules
    if changes.weights is not None:
        rules = replace(rules, weights=changes.weights)
    if changes.minimum_grade_gap is not None:
        rules = replace(rules, minimum_grade_gap=changes.minimum_grade_gap)
    places = changes.capacities or {}
    changed = replace(
        free,
        rules=rules,
        mentors=tuple(replace(one, places=places.get(one.participation_id, one.places)) for one in free.mentors),
        mentees=tuple(replace(one, places=places.get(one.participation_id, one.places)) for one in free.mentees),
        quotas=free.quotas if changes.quotas is None else changes.quotas,
        excluded=free.excluded | _people(free, changes.forbid),
    )
    return locked_in(changed, (*locked, *changes.lock))


def _unlocked(snapshot: Snapshot, locked: Sequence[PairKey], *, keep_quotas: bool) -> Snapshot:
    """The snapshot before `locked_in` has taken these pairs: none of them was excluded then."""
    mentors = {one.participation_id: one for one in snapshot.mentors}
    mentees = {one.participation_id: one for one in snapshot.mentees}
    quotas = snapshot.quotas
    for mentor, mentee in locked:
        if keep_quotas:
            quotas = tuple(_counted(quota, mentors[mentor], mentees[mentee], -1) for quota in quotas)
        mentors[mentor] = replace(mentors[mentor], taken=mentors[mentor].taken - 1)
        mentees[mentee] = replace(mentees[mentee], taken=mentees[mentee].taken - 1)
    return replace(
        snapshot,
        mentors=tuple(mentors.values()),
        mentees=tuple(mentees.values()),
        quotas=quotas,
        excluded=snapshot.excluded - _people(snapshot, locked),
    )


def locked_in(snapshot: Snapshot, pairs: Sequence[PairKey]) -> Changed:
    """The snapshot with these pairs taken: their places are held, and they are not proposed once more.

    A quota counts them: the places it leaves are fewer by theirs.
    :raises ContradictsRule: see `with_changes`.
    """
    mentors = {one.participation_id: one for one in snapshot.mentors}
    mentees = {one.participation_id: one for one in snapshot.mentees}
    hard = HardRules(snapshot)
    locked: list[Scored] = []
    quotas = list(snapshot.quotas)
    for key in dict.fromkeys(pairs):
        mentor, mentee = mentors.get(key[0]), mentees.get(key[1])
        if mentor is None or mentee is None:
            raise ContradictsRule("A locked pair is not of this cohort.")
        verdict = hard.judge(mentor, mentee)
        if not verdict.allowed:
            broken = ", ".join(RULE_WORDS[rule] for rule in verdict.broken)
            raise ContradictsRule(f"A locked pair is excluded: {broken}.")
        locked.append(Scored(*key, verdict.score.total))
        mentors[key[0]] = _taking_one(mentor)
        mentees[key[1]] = _taking_one(mentee)
        quotas = [_counted(quota, mentor, mentee, 1) for quota in quotas]
    people = _people(snapshot, [one.key for one in locked])
    return Changed(
        replace(
            snapshot,
            mentors=tuple(mentors.values()),
            mentees=tuple(mentees.values()),
            quotas=tuple(quotas),
            excluded=snapshot.excluded | people,
        ),
        tuple(locked),
    )


def _taking_one(candidate: Candidate) -> Candidate:
    if candidate.free_places == 0:
        raise ContradictsRule(f"A locked pair is excluded: {RULE_WORDS[Rule.CAPACITY]}.")
    return replace(candidate, taken=candidate.taken + 1)


def _counted(quota: Quota, mentor: Candidate, mentee: Candidate, places: int) -> Quota:
    """The quota when a pair of the two takes so many places of it."""
    if mentor.business_unit_id != quota.business_unit_id or quota.mentee not in (None, mentee.participation_id):
        return quota
    if quota.places < places:
        raise ContradictsRule("A locked pair is over a quota.")
    return replace(quota, places=quota.places - places)


def _people(snapshot: Snapshot, pairs: Sequence[PairKey]) -> frozenset[PairKey]:
    person = {one.participation_id: one.person_id for one in (*snapshot.mentors, *snapshot.mentees)}
    known = [(person[mentor], person[mentee]) for mentor, mentee in pairs if mentor in person and mentee in person]
    return frozenset((min(one), max(one)) for one in known)


def compared(base: Sequence[Scored], draft: Sequence[Scored]) -> dict[str, Any]:
    """A document: what both results come to, how many pairs are in one of them only, and the first of those."""
    before, after = {one.key: one for one in base}, {one.key: one for one in draft}
    added, removed = sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys())
    return {
        "base": totals(base),
        "draft": totals(draft),
        "added": len(added),
        "removed": len(removed),
        "pairs_added": [_document(after[key]) for key in added[:MOST_PAIRS_SHOWN]],
        "pairs_removed": [_document(before[key]) for key in removed[:MOST_PAIRS_SHOWN]],
    }


def totals(pairs: Sequence[Scored]) -> dict[str, int]:
    """Coverage (distinct people), floor (the worst pair's score; 0 without pairs), fit (sum of scores) and number of pairs."""
    people = {one.mentor for one in pairs} | {one.mentee for one in pairs}
    scores = [one.score for one in pairs]
    return {"coverage": len(people), "floor": min(scores, default=0), "fit": sum(scores), "pairs": len(pairs)}


def _document(pair: Scored) -> dict[str, Any]:
    return {
        "mentor_participation_id": str(pair.mentor),
        "mentee_participation_id": str(pair.mentee),
        "score": pair.score,
    }
