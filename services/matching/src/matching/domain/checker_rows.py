"""The checker's own reading of a snapshot, one mentor against all mentees at a time: which pairs are allowed, their scores.

Shares no code with the rules, the score or the kernel. Arrays of a row have one element per mentee, in ascending order
of participation id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matching.domain.checker_world import World, answered
from matching.domain.facts import Candidate, WorkingTime

Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]
_MINUTES_OF_A_DAY = 480
_MOST_LEVEL = 6


class _Lists:
    """Short lists of codes, one a person, laid out end to end."""

    def __init__(self, people: Sequence[Candidate], items: Callable[[Candidate], Iterable[str]], codes: _Codes) -> None:
        lists = [[codes.of(item) for item in items(person)] for person in people]
        self.lengths: Longs = np.array([len(items) for items in lists], dtype=np.int64)
        self.ends: Longs = np.cumsum(self.lengths)
        self.codes: Longs = np.array([code for items in lists for code in items], dtype=np.int64)

    def sums(self, values: Longs) -> Longs:
        """Per person the sum of one value per element."""
        totals = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values, dtype=np.int64)])
        sums: Longs = totals[self.ends] - totals[self.ends - self.lengths]
        return sums

    def highest(self, values: Longs) -> Longs:
        """Per person the highest of one value per element, 0 for an empty list; no value is below 0."""
        best = np.zeros(len(self.lengths), dtype=np.int64)
        filled = self.lengths > 0
        if filled.any():
            best[filled] = np.maximum.reduceat(values, (self.ends - self.lengths)[filled])
        return best

    def common(self, mine: Iterable[int], size: int) -> Longs:
        """Per person how many of its codes are among `mine`; codes are below `size`."""
        member = np.zeros(max(1, size), dtype=np.int64)
        member[list(mine)] = 1
        return self.sums(member[self.codes]) if len(self.codes) else np.zeros(len(self.lengths), dtype=np.int64)


class _Codes:
    """Numbers for names, in the order of their first appearance."""

    def __init__(self) -> None:
        self.number: dict[object, int] = {}

    def of(self, name: object) -> int:
        return self.number.setdefault(name, len(self.number))

    def optional(self, name: object) -> int:
        """The number of a name, -1 for None."""
        return -1 if name is None else self.of(name)


class Rows:
    """The rows of a snapshot."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.mentors = [world.mentors[key] for key in sorted(world.mentors, key=_number)]
        self.mentees = people = [world.mentees[key] for key in sorted(world.mentees, key=_number)]
        self._codes = codes = _Codes()
        self._column = {person.participation_id: place for place, person in enumerate(people)}
        self._columns_of: dict[UUID, list[int]] = {}
        for place, person in enumerate(people):
            self._columns_of.setdefault(person.person_id, []).append(place)
        self._open = np.array([person.employed and person.places > person.taken for person in people], dtype=np.bool_)
        self._grade = np.array([person.grade_rank for person in people], dtype=np.int64)
        self._traits = {
            name: np.array([codes.optional(_trait(person, name)) for person in people], dtype=np.int64)
            for name in ("unit", "function", "region", "country", "tenure", "team", "manager")
            for _trait in (self._trait,)
        }
        self._life = _Lists(people, lambda person: person.background.life, codes)
        self._values = _Lists(people, lambda person: person.values, codes)
        self._channels = _Lists(people, lambda person: person.channels, codes)
        self._projects = _Lists(people, lambda person: person.projects, codes)
        self._topics = _Codes()
        self._asks = _Lists(people, lambda person: person.asks, self._topics)
        self._offers = _Lists(people, lambda person: person.offers, self._topics)
        self._ask_levels = np.array([level for person in people for level in person.asks.values()], dtype=np.int64)
        self._offer_levels = np.array([level for person in people for level in person.offers.values()], dtype=np.int64)
        self._tables: dict[tuple[str, int, bool], Longs] = {}
        self._by_name = {str(name): number for name, number in self._topics.number.items()}
        self._languages = self._levels(lambda person: person.languages)
        self._styles = self._levels(lambda person: person.style)
        self._hours = world.hours
        self._classes = self._hours.classes(people)
        self._minutes: dict[WorkingTime, Longs] = {}
        self._ranked_by: dict[UUID, list[tuple[int, int]]] = {}
        self._ranks_somebody = np.array([bool(person.ranked) for person in people], dtype=np.bool_)
        for place, person in enumerate(people):
            for other, rank in self._places(person.ranked).items():
                self._ranked_by.setdefault(other, []).append((place, rank))
        self._below = {dotted: self._reports(dotted=dotted) for dotted in (False, True)}
        self._partners: dict[UUID, list[UUID]] = {}
        repeated = world.snapshot.rules.repeat_pairs
        for one, other in () if repeated else world.snapshot.earlier_pairs:
            self._partners.setdefault(one, []).append(other)
        for one, other in world.snapshot.excluded:
            self._partners.setdefault(one, []).append(other)
            self._partners.setdefault(other, []).append(one)
        self._waived_of: dict[UUID, list[UUID]] = {}
        for one, other in world.waived:
            self._waived_of.setdefault(one, []).append(other)

    def row(self, place: int) -> tuple[Flags, Longs]:
        """Of the mentor at `place`: which mentees no rule forbids, and the score with each."""
        mentor = self.mentors[place]
        rules = self._world.snapshot.rules
        minutes = self._shared_minutes(mentor)
        taught, to_mentee = self._taught(mentor)
        learned, to_mentor = self._learned(mentor)
        language = self._language(mentor)
        allowed = self._open & (mentor.employed and mentor.places > mentor.taken)
        allowed &= self._grades(mentor)
        allowed &= language >= int(rules.minimum_language_level)
        allowed &= minutes >= rules.minimum_overlap_minutes
        allowed &= to_mentee | to_mentor if rules.pair_type.value == "reciprocal" else to_mentee
        allowed &= self._organisation(mentor)
        score = self._score(mentor, taught, learned, language, minutes)
        for other in self._waived_of.get(mentor.person_id, ()):
            for column in self._columns_of.get(other, ()):
                allowed[column] = not self._world.faults(mentor, self.mentees[column])
        return allowed, score

    def _shared_minutes(self, mentor: Candidate) -> Longs:
        working = mentor.working_time
        if working not in self._minutes:
            kinds = np.arange(len(self._hours))
            mine = np.full(len(kinds), self._hours.classes([mentor])[0])
            self._minutes[working] = self._hours.minutes(mine, kinds)
        minutes: Longs = self._minutes[working][self._classes]
        return minutes

    def _grades(self, mentor: Candidate) -> Flags:
        rules = self._world.snapshot.rules
        if rules.pair_type.value == "reciprocal" or rules.direction.value == "expertise":
            return np.ones(len(self.mentees), dtype=np.bool_)
        gap = self._grade - mentor.grade_rank
        if rules.pair_type.value == "traditional":
            gap = -gap
        right: Flags = gap >= max(1, rules.minimum_grade_gap)
        return right

    def _organisation(self, mentor: Candidate) -> Flags:
        world, one = self._world, mentor.person_id
        free = np.ones(len(self.mentees), dtype=np.bool_)
        line = world.line.get(one)
        near: set[UUID] = {one, *self._partners.get(one, ())}
        near |= set(world.above(one, dotted=True)) | set(world.above(one, dotted=False))
        near |= self._all_below(one, dotted=True) | self._all_below(one, dotted=False)
        near |= line.reviewer_ids if line is not None else frozenset()
        near |= self._reviewed_by.get(one, set())
        for other in near:
            for column in self._columns_of.get(other, ()):
                free[column] = False
        team = self._codes.optional(mentor.team)
        free &= ~((self._traits["team"] == team) & (team >= 0))
        manager = self._codes.optional(None if line is None else line.manager_id)
        free &= ~((self._traits["manager"] == manager) & (manager >= 0))
        if mentor.projects:
            free &= self._shared(self._projects, mentor.projects) == 0
        same_unit = self._traits["unit"] == self._codes.of(mentor.business_unit_id)
        policy = world.snapshot.rules.unit_policy.value
        if policy == "across":
            free &= ~same_unit
        elif policy == "within":
            free &= same_unit
        return free

    def _score(self, mentor: Candidate, taught: Longs, learned: Longs, language: Longs, minutes: Longs) -> Longs:
        weights = self._world.snapshot.rules.weights
        everywhere = np.ones(len(self.mentees), dtype=np.bool_)
        mean_taught = taught // np.maximum(1, self._asks.lengths)
        mean_learned = learned // max(1, len(mentor.asks))
        hours = np.minimum(minutes, _MINUTES_OF_A_DAY) * 1000 // _MINUTES_OF_A_DAY
        useful = np.where(language >= int(self._world.snapshot.rules.minimum_language_level), language, 0)
        parts: list[tuple[int, Longs, Flags]] = [
            (weights.topics, mean_taught, self._asks.lengths > 0),
            (weights.reciprocity, mean_learned, everywhere & bool(mentor.asks)),
            (weights.distance, self._distance(mentor), everywhere),
            (weights.language, useful * 1000 // _MOST_LEVEL, everywhere),
            (weights.hours, hours, everywhere),
            (weights.values, *self._similarity(self._values, mentor.values)),
            (weights.style, *self._style(mentor)),
            (weights.preferences, *self._preferences(mentor)),
            (weights.channel, *self._channel(mentor)),
        ]
        total = np.zeros(len(self.mentees), dtype=np.int64)
        whole = np.zeros(len(self.mentees), dtype=np.int64)
        for weight, part, applies in parts:
            if weight:
                total += np.where(applies, weight * part, 0)
                whole += np.where(applies, weight, 0)
        score: Longs = np.maximum(1, total // np.maximum(1, whole))
        return score

    def _taught(self, mentor: Candidate) -> tuple[Longs, Flags]:
        """Per mentee the sum of points of its wishes, and whether any is answered."""
        if not mentor.offers:
            return np.zeros(len(self.mentees), dtype=np.int64), np.zeros(len(self.mentees), dtype=np.bool_)
        tables = [self._table(topic, level, offered=True) for topic, level in mentor.offers.items()]
        points = np.maximum.reduce(tables)[self._asks.codes, self._ask_levels]
        return self._asks.sums(points), self._asks.highest(points) > 0

    def _learned(self, mentor: Candidate) -> tuple[Longs, Flags]:
        """Per mentee the sum of points it earns for the mentor's wishes, and whether it answers any."""
        total = np.zeros(len(self.mentees), dtype=np.int64)
        for wish, wanted in mentor.asks.items():
            points = self._table(wish, wanted, offered=False)[self._offers.codes, self._offer_levels]
            total += self._offers.highest(points)
        return total, total > 0

    def _table(self, topic: str, level: int, *, offered: bool) -> Longs:
        """Points by topic and level of what mentees ask for, for one offer; or of what they offer, for one wish."""
        key = (topic, level, offered)
        if key not in self._tables:
            table = np.zeros((max(1, len(self._by_name)), _MOST_LEVEL), dtype=np.int64)
            for other, row in self._by_name.items():
                for theirs in range(1, _MOST_LEVEL):
                    pair = (other, theirs, topic, level) if offered else (topic, level, other, theirs)
                    table[row, theirs] = answered(*pair)
            self._tables[key] = table
        return self._tables[key]

    def _language(self, mentor: Candidate) -> Longs:
        best = np.zeros(len(self.mentees), dtype=np.int64)
        for code, level in mentor.languages.items():
            if code in self._languages:
                np.maximum(best, np.minimum(self._languages[code], int(level)), out=best)
        return best

    def _distance(self, mentor: Candidate) -> Longs:
        unit = self._codes.of(mentor.business_unit_id)
        points = np.where(self._traits["unit"] == unit, 0, 1000)
        known = np.ones(len(self.mentees), dtype=np.int64)
        for name in ("function", "region", "country", "tenure"):
            mine = self._codes.optional(self._trait(mentor, name))
            if mine >= 0:
                theirs = self._traits[name]
                points += np.where((theirs >= 0) & (theirs != mine), 1000, 0)
                known += theirs >= 0
        alike, applies = self._similarity(self._life, mentor.background.life)
        points += np.where(applies, 1000 - alike, 0)
        return points // (known + applies)

    def _similarity(self, lists: _Lists, mine: frozenset[str]) -> tuple[Longs, Flags]:
        shared = self._shared(lists, mine)
        union = np.maximum(1, lists.lengths + len(mine) - shared)
        return 1000 * shared // union, (lists.lengths > 0) & bool(mine)

    def _channel(self, mentor: Candidate) -> tuple[Longs, Flags]:
        shared = self._shared(self._channels, mentor.channels)
        shorter = np.maximum(1, np.minimum(self._channels.lengths, len(mentor.channels)))
        return 1000 * shared // shorter, (self._channels.lengths > 0) & bool(mentor.channels)

    def _style(self, mentor: Candidate) -> tuple[Longs, Flags]:
        total = np.zeros(len(self.mentees), dtype=np.int64)
        axes = np.zeros(len(self.mentees), dtype=np.int64)
        for axis, mine in mentor.style.items():
            if axis in self._styles:
                theirs = self._styles[axis]
                declared = theirs > 0
                total += np.where(declared, 1000 - 250 * np.abs(theirs - mine), 0)
                axes += declared
        return total // np.maximum(1, axes), axes > 0

    def _preferences(self, mentor: Candidate) -> tuple[Longs, Flags]:
        limit = self._world.snapshot.rules.preference_limit
        points = np.zeros(len(self.mentees), dtype=np.int64)
        for other, rank in self._places(mentor.ranked).items():
            if other in self._column:
                points[self._column[other]] += 1000 * (limit - rank) // limit
        for column, rank in self._ranked_by.get(mentor.participation_id, ()):
            points[column] += 1000 * (limit - rank) // limit
        sides = self._ranks_somebody.astype(np.int64) + bool(mentor.ranked)
        return points // np.maximum(1, sides), sides > 0

    def _places(self, ranked: Sequence[UUID]) -> dict[UUID, int]:
        """From 0 the first place of everybody ranked within the limit."""
        places: dict[UUID, int] = {}
        for place, other in enumerate(ranked[: self._world.snapshot.rules.preference_limit]):
            places.setdefault(other, place)
        return places

    def _shared(self, lists: _Lists, mine: Iterable[str]) -> Longs:
        return lists.common([self._codes.of(item) for item in mine], len(self._codes.number) + len(list(mine)))

    def _levels(self, of: Callable[[Candidate], Mapping[str, int]]) -> dict[str, Longs]:
        names = {name for person in self.mentees for name in of(person)}
        return {
            name: np.array([int(of(person).get(name, 0)) for person in self.mentees], dtype=np.int64) for name in names
        }

    def _trait(self, person: Candidate, name: str) -> object:
        if name == "unit":
            return person.business_unit_id
        if name == "team":
            return person.team
        if name == "manager":
            line = self._world.line.get(person.person_id)
            return None if line is None else line.manager_id
        return getattr(person.background, name)

    def _reports(self, *, dotted: bool) -> dict[UUID, set[UUID]]:
        below: dict[UUID, set[UUID]] = {}
        self._reviewed_by: dict[UUID, set[UUID]] = {}
        for line in self._world.snapshot.lines:
            superiors = set(line.dotted_line_ids) if dotted else set()
            if line.manager_id is not None:
                superiors.add(line.manager_id)
            for superior in superiors:
                below.setdefault(superior, set()).add(line.person_id)
            for reviewer in line.reviewer_ids:
                self._reviewed_by.setdefault(reviewer, set()).add(line.person_id)
        return below

    def _all_below(self, person: UUID, *, dotted: bool) -> set[UUID]:
        seen: set[UUID] = set()
        level = {person}
        while level:
            lower = {below for one in level for below in self._below[dotted].get(one, ())}
            level = lower - seen
            seen |= lower
        return seen


def _number(key: UUID) -> int:
    return key.int
