"""A second opinion on a result, from the raw snapshot. It shares no code with the rules, the score or the solver.

It reads only the plain facts, re-derives every rule and every score in its own way, and proves the optimum by weak
duality: at any prices whatever, no matching is worth more than the dual value, so a result that reaches it is the best
there is. Python integers have no limit, hence all levels are packed into one number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from uuid import UUID
from zoneinfo import ZoneInfo

from matching.domain.facts import Candidate, Snapshot, WorkingTime

_TIE_SCALE = 2**100


def findings(
    snapshot: Snapshot,
    *,
    pairs: Sequence[tuple[UUID, UUID, int]],
    claimed: tuple[int, int, int],
    people_weight: int,
    mentor_prices: Mapping[UUID, tuple[int, int]],
    mentee_prices: Mapping[UUID, tuple[int, int]],
    seed: str,
) -> tuple[str, ...]:
    """Everything that is wrong with a result; empty if it is valid and proven optimal.

    `pairs` are (mentor participation, mentee participation, score); `claimed` is (people covered, score, tie rank);
    prices are (coverage and score, ties) per participation.
    """
    found: list[str] = []
    world = _World(snapshot)
    taken: dict[UUID, int] = {}
    for mentor_id, mentee_id, score in pairs:
        mentor, mentee = world.mentors.get(mentor_id), world.mentees.get(mentee_id)
        if mentor is None or mentee is None:
            found.append(f"{mentor_id} with {mentee_id}: not a mentor and a mentee of the cohort")
            continue
        taken[mentor_id] = taken.get(mentor_id, 0) + 1
        taken[mentee_id] = taken.get(mentee_id, 0) + 1
        found.extend(f"{mentor_id} with {mentee_id}: {fault}" for fault in world.faults(mentor, mentee))
        if world.score(mentor, mentee) != score:
            found.append(f"{mentor_id} with {mentee_id}: score {score} instead of {world.score(mentor, mentee)}")
    if len({(mentor, mentee) for mentor, mentee, _ in pairs}) != len(pairs):
        found.append("a pair appears twice")
    everybody = {**world.mentors, **world.mentees}
    for participation_id, count in taken.items():
        candidate = everybody[participation_id]
        if candidate.taken + count > candidate.places:
            found.append(f"{participation_id}: {candidate.taken + count} places used of {candidate.places}")
    if found:
        return tuple(found)
    reached = (
        sum(1 for participation_id in taken if everybody[participation_id].taken == 0),
        sum(score for _, _, score in pairs),
        sum(_tie(seed, mentor, mentee) for mentor, mentee, _ in pairs),
    )
    if reached != claimed:
        return (f"the objective is {reached}, not {claimed}",)
    return _optimality(world, reached, people_weight, mentor_prices, mentee_prices, seed)


def _optimality(
    world: _World,
    reached: tuple[int, int, int],
    people_weight: int,
    mentor_prices: Mapping[UUID, tuple[int, int]],
    mentee_prices: Mapping[UUID, tuple[int, int]],
    seed: str,
) -> tuple[str, ...]:
    if set(mentor_prices) != set(world.mentors) or set(mentee_prices) != set(world.mentees):
        return ("the prices do not belong to the cohort",)
    person = people_weight * _TIE_SCALE
    prices = {
        key: fit * _TIE_SCALE + tie for side in (mentor_prices, mentee_prices) for key, (fit, tie) in side.items()
    }
    dual = 0
    places = [0, 0]
    for side, candidates in enumerate((world.mentors, world.mentees)):
        for key, candidate in candidates.items():
            free = candidate.places - candidate.taken
            if free <= 0:
                continue
            places[side] += free
            covers = 1 if candidate.taken == 0 else 0
            dual += covers * max(0, person + prices[key]) + (free - covers) * max(0, prices[key])
    highest = 0
    for mentor, mentee in product(world.mentors.values(), world.mentees.values()):
        if mentor.places <= mentor.taken or mentee.places <= mentee.taken or world.faults(mentor, mentee):
            continue
        score = world.score(mentor, mentee)
        highest = max(highest, score)
        worth = score * _TIE_SCALE + _tie(seed, mentor.participation_id, mentee.participation_id)
        dual += max(0, worth - prices[mentor.participation_id] - prices[mentee.participation_id])
    if people_weight <= min(places) * highest:
        return ("the weight of a person is too small to put coverage first",)
    primal = reached[0] * person + reached[1] * _TIE_SCALE + reached[2]
    return () if dual == primal else (f"not proven optimal: the prices allow {dual - primal} more",)


def _tie(seed: str, mentor: UUID, mentee: UUID) -> int:
    return int(hashlib.sha256(f"{seed}|{mentor}|{mentee}".encode()).hexdigest()[:6], 16)


class _World:
    """The snapshot, indexed for questions about two people."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.mentors: dict[UUID, Candidate] = {item.participation_id: item for item in snapshot.mentors}
        self.mentees: dict[UUID, Candidate] = {item.participation_id: item for item in snapshot.mentees}
        self._snapshot = snapshot
        self._line = {line.person_id: line for line in snapshot.lines}
        self._bosses: dict[UUID, set[UUID]] = {}
        self._shifts: dict[WorkingTime, dict[int, tuple[float, float]]] = {}
        self._minutes: dict[tuple[WorkingTime, WorkingTime], float] = {}

    def faults(self, mentor: Candidate, mentee: Candidate) -> list[str]:
        """What forbids the pair, in words; empty if nothing does."""
        rules = self._snapshot.rules
        faults = []
        one, other = mentor.person_id, mentee.person_id
        if one == other:
            faults.append("one person")
        if not mentor.employed or not mentee.employed:
            faults.append("left")
        if (one, other) in self._snapshot.earlier_pairs:
            faults.append("paired before")
        if rules.pair_type.value != "reciprocal" and rules.direction.value == "grade":
            low, high = (mentor, mentee) if rules.pair_type.value == "reverse" else (mentee, mentor)
            if not (high.grade_rank > low.grade_rank and high.grade_rank >= low.grade_rank + rules.minimum_grade_gap):
                faults.append("grades")
        if one in self._climb(other) or other in self._climb(one):
            faults.append("reporting chain")
        managers = [self._line[person].manager_id for person in (one, other) if person in self._line]
        if (mentor.team and mentor.team == mentee.team) or (
            len(managers) == 2 and managers[0] and managers[0] == managers[1]
        ):
            faults.append("team")
        if not any(
            min(mentor.languages.get(language, 0), mentee.languages.get(language, 0)) >= rules.minimum_language_level
            for language in set(mentor.languages) | set(mentee.languages)
        ):
            faults.append("language")
        if self._common_minutes(mentor.working_time, mentee.working_time) < rules.minimum_overlap_minutes:
            faults.append("working hours")
        answered = _wishes(mentee.asks, mentor.offers)
        if rules.pair_type.value == "reciprocal":
            answered = answered + _wishes(mentor.asks, mentee.offers)
        if not any(answered):
            faults.append("no topic")
        return faults

    def score(self, mentor: Candidate, mentee: Candidate) -> int:
        """The score by the published formula: the weighted mean of the parts that apply."""
        weights = self._snapshot.rules.weights
        common = [
            min(level, mentee.languages[language])
            for language, level in mentor.languages.items()
            if language in mentee.languages
        ]
        traits = [
            (getattr(mentor.background, trait), getattr(mentee.background, trait))
            for trait in ("function", "region", "country")
        ]
        traits = [both for both in traits if None not in both] + [(mentor.business_unit_id, mentee.business_unit_id)]
        minutes = int(self._common_minutes(mentor.working_time, mentee.working_time))
        parts = [
            (weights.distance, len([both for both in traits if both[0] != both[1]]) * 1000 // len(traits)),
            (weights.language, max(common, default=0) * 1000 // 6),
            (weights.hours, min(minutes, 480) * 1000 // 480),
        ]
        for weight, wishes in (
            (weights.topics, _wishes(mentee.asks, mentor.offers)),
            (weights.reciprocity, _wishes(mentor.asks, mentee.offers)),
        ):
            if wishes:
                parts.append((weight, sum(wishes) // len(wishes)))
        total = sum(weight for weight, _ in parts)
        return max(1, sum(weight * part for weight, part in parts) // total) if total else 1

    def _climb(self, person: UUID) -> set[UUID]:
        if person not in self._bosses:
            seen: set[UUID] = set()
            level = {person}
            while level:
                above: set[UUID] = set()
                for one in level:
                    line = self._line.get(one)
                    if line is not None:
                        above |= set(line.dotted_line_ids)
                        above |= {line.manager_id} if line.manager_id else set()
                level = above - seen
                seen |= above
            self._bosses[person] = seen
        return self._bosses[person]

    def _common_minutes(self, one: WorkingTime, other: WorkingTime) -> float:
        key = (one, other)
        if key not in self._minutes:
            self._minutes[key] = self._count_minutes(one, other)
        return self._minutes[key]

    def _count_minutes(self, one: WorkingTime, other: WorkingTime) -> float:
        days = [day for day in range(7) if self._works(one, day) and self._works(other, day)]
        if not days:
            return 0
        first = days[0]
        best = 0.0
        for shift in (-1, 0, 1):
            for day_of_one, day_of_other in ((first, first + shift), (first + shift, first)):
                mine, theirs = self._shift(one).get(day_of_one), self._shift(other).get(day_of_other)
                if mine and theirs:
                    best = max(best, min(mine[1], theirs[1]) - max(mine[0], theirs[0]))
        return best // 60

    def _works(self, working: WorkingTime, day: int) -> bool:
        return day in self._shift(working)

    def _shift(self, working: WorkingTime) -> dict[int, tuple[float, float]]:
        """Shifts as (begin, end) in seconds since 1970, by days after the cohort's start."""
        if working not in self._shifts:
            shifts: dict[int, tuple[float, float]] = {}
            for day in range(-1, 8):
                midnight = datetime.combine(self._snapshot.starts_on, datetime.min.time()) + timedelta(days=day)
                if midnight.isoweekday() not in working.days:
                    continue
                night = timedelta(days=1) if working.end_minute <= working.start_minute else timedelta()
                begin = midnight + timedelta(minutes=working.start_minute)
                end = midnight + night + timedelta(minutes=working.end_minute)
                try:
                    zone = ZoneInfo(working.time_zone)
                except (KeyError, ValueError):
                    continue
                shifts[day] = begin.replace(tzinfo=zone).timestamp(), end.replace(tzinfo=zone).timestamp()
            self._shifts[working] = shifts
        return self._shifts[working]


def _wishes(asks: Mapping[str, int], offers: Mapping[str, int]) -> list[int]:
    """Points of 1000 for each wish, 0 where nothing offered answers it."""
    points = []
    for wish, wanted in asks.items():
        best = 0
        for topic, level in offers.items():
            mine, theirs = wish.split("."), topic.split(".")
            depth = min(len(mine), len(theirs))
            if mine[:depth] == theirs[:depth]:
                share = 1000 if len(mine) == len(theirs) else 500
                best = max(best, share * min(level, wanted) // max(1, wanted))
        points.append(best)
    return points
