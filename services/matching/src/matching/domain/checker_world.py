"""The checker's own reading of a snapshot: every rule and every score derived anew, two people at a time.

Shares no code with the rules, the score or the kernel; reads only the plain facts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from matching.domain.checker_hours import Hours
from matching.domain.facts import Candidate, Snapshot, WorkingTime

_NEVER_WAIVED = frozenset(
    ("same_person", "not_employed", "capacity", "direction", "shared_language", "substance", "excluded")
)


class World:
    """A snapshot, indexed for questions about two people."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.mentors: dict[UUID, Candidate] = {item.participation_id: item for item in snapshot.mentors}
        self.mentees: dict[UUID, Candidate] = {item.participation_id: item for item in snapshot.mentees}
        self.line = {line.person_id: line for line in snapshot.lines}
        self._nodes: dict[int, int] = {}
        for line in snapshot.lines:
            for known in (line.person_id, line.manager_id, *line.dotted_line_ids):
                if known is not None:
                    self._nodes.setdefault(known.int, len(self._nodes))
        self._managers = [-1] * len(self._nodes)
        self._dotted: dict[int, list[int]] = {}
        for line in snapshot.lines:
            node = self._nodes[line.person_id.int]
            if line.manager_id is not None:
                self._managers[node] = self._nodes[line.manager_id.int]
            if line.dotted_line_ids:
                self._dotted[node] = [self._nodes[above.int] for above in line.dotted_line_ids]
        self.waived: dict[tuple[UUID, UUID], set[str]] = {}
        for mentor, mentee, rule in snapshot.waived:
            if rule not in _NEVER_WAIVED:
                self.waived.setdefault((mentor, mentee), set()).add(rule)
        self._above: dict[tuple[UUID, bool], frozenset[UUID]] = {}
        self.hours = Hours(snapshot)
        self._minutes: dict[tuple[WorkingTime, WorkingTime], int] = {}
        self._points: dict[tuple[str, int, str, int], int] = {}

    def expect(self, pairs: Sequence[tuple[Candidate, Candidate]]) -> None:
        """Find the minutes that these pairs share at once; asked one by one they are found one by one."""
        mentors, mentees = [mentor for mentor, _ in pairs], [mentee for _, mentee in pairs]
        minutes = self.hours.minutes(self.hours.classes(mentors), self.hours.classes(mentees)).tolist()
        for mentor, mentee, shared in zip(mentors, mentees, minutes, strict=True):
            self._minutes[(mentor.working_time, mentee.working_time)] = shared

    def faults(self, mentor: Candidate, mentee: Candidate) -> set[str]:
        """The names of the rules that forbid the pair; empty if none does."""
        found = self._of_people(mentor, mentee) | self._of_lines(mentor, mentee)
        rules = self.snapshot.rules
        least = int(rules.minimum_language_level)
        if not any(least <= min(level, mentee.languages.get(code, 0)) for code, level in mentor.languages.items()):
            found.add("shared_language")
        if self.common_minutes(mentor.working_time, mentee.working_time) < rules.minimum_overlap_minutes:
            found.add("working_hours")
        reasons = self._wishes(mentee.asks, mentor.offers)
        if rules.pair_type.value == "reciprocal":
            reasons = reasons + self._wishes(mentor.asks, mentee.offers)
        if not any(reasons):
            found.add("substance")
        return found - self.waived.get((mentor.person_id, mentee.person_id), set())

    def _of_people(self, mentor: Candidate, mentee: Candidate) -> set[str]:
        rules, one, other = self.snapshot.rules, mentor.person_id, mentee.person_id
        found = set()
        if one == other:
            found.add("same_person")
        if not (mentor.employed and mentee.employed):
            found.add("not_employed")
        if mentor.places <= mentor.taken or mentee.places <= mentee.taken:
            found.add("capacity")
        if not rules.repeat_pairs and (one, other) in self.snapshot.earlier_pairs:
            found.add("already_paired")
        if (min(one, other), max(one, other)) in self.snapshot.excluded:
            found.add("excluded")
        if rules.pair_type.value != "reciprocal" and rules.direction.value == "grade":
            low, high = (mentor, mentee) if rules.pair_type.value == "reverse" else (mentee, mentor)
            if high.grade_rank <= low.grade_rank:
                found.add("direction")
            elif high.grade_rank < low.grade_rank + rules.minimum_grade_gap:
                found.add("grade_gap")
        units = {mentor.business_unit_id, mentee.business_unit_id}
        if (rules.unit_policy.value == "across" and len(units) == 1) or (
            rules.unit_policy.value == "within" and len(units) == 2
        ):
            found.add("unit_policy")
        return found

    def _of_lines(self, mentor: Candidate, mentee: Candidate) -> set[str]:
        one, other = mentor.person_id, mentee.person_id
        found = set()
        nodes = self._nodes.get(one.int, -1), self._nodes.get(other.int, -1)
        upward = [self._upward(node) for node in nodes]
        if nodes[1] in upward[0][0] or nodes[0] in upward[1][0]:
            found.add("reporting_chain")
        elif nodes[1] in upward[0][1] or nodes[0] in upward[1][1]:
            found.add("dotted_line")
        mine, theirs = self.line.get(one), self.line.get(other)
        if mentor.team is not None and mentor.team == mentee.team:
            found.add("same_team")
        managers = [None if line is None else line.manager_id for line in (mine, theirs)]
        if managers[0] is not None and managers[0] == managers[1]:
            found.add("same_team")
        if (mine is not None and other in mine.reviewer_ids) or (theirs is not None and one in theirs.reviewer_ids):
            found.add("reviewer")
        if not mentor.projects.isdisjoint(mentee.projects):
            found.add("same_project")
        return found

    def score(self, mentor: Candidate, mentee: Candidate) -> int:
        """The score by the published formula: the mean of the parts that apply, by weight, rounded down; at least 1."""
        weights = self.snapshot.rules.weights
        common = [min(level, mentee.languages.get(code, 0)) for code, level in mentor.languages.items()]
        minutes = self.common_minutes(mentor.working_time, mentee.working_time)
        # Levels below the program's minimum earn nothing, as they open no language to the two.
        least = int(self.snapshot.rules.minimum_language_level)
        best = max((level for level in common if level >= least), default=0)
        parts: list[tuple[int, int | None]] = [
            (weights.topics, _mean(self._wishes(mentee.asks, mentor.offers))),
            (weights.reciprocity, _mean(self._wishes(mentor.asks, mentee.offers))),
            (weights.distance, _distance(mentor, mentee)),
            (weights.language, best * 1000 // 6),
            (weights.hours, min(minutes, 480) * 1000 // 480),
            (weights.values, _alike(mentor.values, mentee.values)),
            (weights.style, _mean(_styles(mentor.style, mentee.style))),
            (weights.preferences, self._preferences(mentor, mentee)),
            (weights.channel, _shared_channels(mentor.channels, mentee.channels)),
        ]
        applying = [(weight, part) for weight, part in parts if part is not None]
        whole = sum(weight for weight, _ in applying)
        return max(1, sum(weight * part for weight, part in applying) // whole) if whole else 1

    def _preferences(self, mentor: Candidate, mentee: Candidate) -> int | None:
        limit = self.snapshot.rules.preference_limit
        points = []
        for one, other in ((mentor, mentee), (mentee, mentor)):
            if one.ranked:
                place = one.ranked.index(other.participation_id) if other.participation_id in one.ranked else limit
                points.append(1000 * (limit - place) // limit if place < limit else 0)
        return _mean(points)

    def _upward(self, node: int) -> tuple[set[int], set[int]]:
        """The numbers of everybody above one: over managers only, and over dotted lines too (the same set where there are
        none).
        """
        chain: set[int] = set()
        crossed = bool(self._dotted.get(node))
        higher = self._managers[node] if node >= 0 else -1
        while higher >= 0 and higher not in chain:
            chain.add(higher)
            crossed = crossed or higher in self._dotted
            higher = self._managers[higher]
        if not crossed:
            return chain, chain
        reached, level = set(chain), {node, *chain}
        while level:
            level = {
                above for one in level for above in (self._managers[one], *self._dotted.get(one, ())) if above >= 0
            }
            level -= reached
            reached |= level
        return chain, reached

    def above(self, person: UUID, *, dotted: bool) -> Collection[UUID]:
        """Everybody above a person at any depth, over managers only or over dotted lines too."""
        key = (person, dotted)
        if key not in self._above:
            seen: set[UUID] = set()
            level = {person}
            while level:
                higher: set[UUID] = set()
                for one in level:
                    line = self.line.get(one)
                    if line is not None and line.manager_id is not None:
                        higher.add(line.manager_id)
                    if line is not None and dotted:
                        higher |= line.dotted_line_ids
                level = higher - seen
                seen |= higher
            self._above[key] = frozenset(seen)
        return self._above[key]

    def common_minutes(self, one: WorkingTime, other: WorkingTime) -> int:
        """Minutes both work on the first day on which both do."""
        key = (one, other)
        if key not in self._minutes:
            mine, theirs = self.hours.shifts(one), self.hours.shifts(other)
            first = next((day for day in range(7) if day in mine and day in theirs), None)
            best = 0.0
            if first is not None:
                for near in (first - 1, first, first + 1):
                    for here, there in ((mine.get(first), theirs.get(near)), (mine.get(near), theirs.get(first))):
                        if here is not None and there is not None:
                            best = max(best, min(here[1], there[1]) - max(here[0], there[0]))
            self._minutes[key] = int(best // 60)
        return self._minutes[key]

    def _wishes(self, asks: Mapping[str, int], offers: Mapping[str, int]) -> list[int]:
        """Points of 1000 for each wish, 0 where nothing offered answers it."""
        points = []
        for wish, wanted in asks.items():
            best = 0
            for topic, level in offers.items():
                key = (wish, wanted, topic, level)
                earned = self._points.get(key)
                if earned is None:
                    earned = self._points[key] = answered(wish, wanted, topic, level)
                best = max(best, earned)
            points.append(best)
        return points


def answered(wish: str, wanted: int, topic: str, level: int) -> int:
    """Points of 1000 that one offer earns for one wish: half for a broader or narrower topic, none for another."""
    mine, theirs = wish.split("."), topic.split(".")
    depth = min(len(mine), len(theirs))
    if mine[:depth] != theirs[:depth]:
        return 0
    share = 1000 if len(mine) == len(theirs) else 500
    return share * min(level, wanted) // max(1, wanted)


def _mean(points: Collection[int]) -> int | None:
    return sum(points) // len(points) if points else None


def _styles(one: Mapping[str, int], other: Mapping[str, int]) -> list[int]:
    return [1000 - 250 * abs(one[axis] - other[axis]) for axis in one.keys() & other.keys()]


def _alike(one: frozenset[str], other: frozenset[str]) -> int | None:
    return 1000 * len(one & other) // len(one | other) if one and other else None


def _shared_channels(one: frozenset[str], other: frozenset[str]) -> int | None:
    return 1000 * len(one & other) // min(len(one), len(other)) if one and other else None


def _distance(mentor: Candidate, mentee: Candidate) -> int:
    one, other = mentor.background, mentee.background
    points = [1000 if mentor.business_unit_id != mentee.business_unit_id else 0]
    for mine, theirs in (
        (one.function, other.function),
        (one.region, other.region),
        (one.country, other.country),
        (one.tenure, other.tenure),
    ):
        if mine is not None and theirs is not None:
            points.append(1000 if mine != theirs else 0)
    alike = _alike(one.life, other.life)
    if alike is not None:
        points.append(1000 - alike)
    return sum(points) // len(points)
