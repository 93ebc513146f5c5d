"""The hard rules. A pair that breaks one is a missing edge, never a low score.

This is the readable reference. `matching.domain.kernel` decides the same for all pairs at once and is held to it pair by pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from matching.domain.facts import Candidate, Direction, PairType, Snapshot, UnitPolicy, WorkingTime
from matching.domain.reporting_lines import ReportingLines
from matching.domain.scoring import Overlap, PairScore, score_pair
from matching.domain.working_hours import overlap_minutes

RULES_VERSION = 2


class Rule(StrEnum):
    """A hard rule of version 2, named by what it forbids or asks for.

    `capacity` forbids pairs of somebody without a free place; how many places are used at most is the optimisation's
    bound. `excluded` is a registered conflict of interest; `reviewer` means that one reviews the other's performance.
    """

    SAME_PERSON = "same_person"
    NOT_EMPLOYED = "not_employed"
    CAPACITY = "capacity"
    ALREADY_PAIRED = "already_paired"
    DIRECTION = "direction"
    GRADE_GAP = "grade_gap"
    REPORTING_CHAIN = "reporting_chain"
    DOTTED_LINE = "dotted_line"
    SAME_TEAM = "same_team"
    SAME_PROJECT = "same_project"
    REVIEWER = "reviewer"
    EXCLUDED = "excluded"
    UNIT_POLICY = "unit_policy"
    SHARED_LANGUAGE = "shared_language"
    SUBSTANCE = "substance"
    WORKING_HOURS = "working_hours"


WAIVABLE = frozenset(
    {
        Rule.GRADE_GAP,
        Rule.REPORTING_CHAIN,
        Rule.DOTTED_LINE,
        Rule.SAME_TEAM,
        Rule.SAME_PROJECT,
        Rule.REVIEWER,
        Rule.WORKING_HOURS,
        Rule.UNIT_POLICY,
        Rule.ALREADY_PAIRED,
    }
)
"""The rules that a named approver may waive for one mentor and one mentee. A registered conflict of interest, a missing
language or reason, and what makes a pair impossible are never waived.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rules a pair breaks, in the order of `Rule` (none: it is allowed), and how well it fits."""

    broken: tuple[Rule, ...]
    overlap: Overlap
    score: PairScore

    @property
    def allowed(self) -> bool:
        """Whether the pair may be proposed."""
        return not self.broken


class HardRules:
    """The hard rules of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._rules = snapshot.rules
        self._lines = ReportingLines(snapshot.lines)
        classes: dict[WorkingTime, int] = {}
        self._class_of: dict[UUID, int] = {
            candidate.participation_id: classes.setdefault(candidate.working_time, len(classes))
            for candidate in (*snapshot.mentors, *snapshot.mentees)
        }
        self._minutes: dict[tuple[int, int], int] = {}

    def judge(self, mentor: Candidate, mentee: Candidate) -> Verdict:
        """Every rule the pair breaks, and its score, which counts only if it breaks none."""
        overlap = Overlap(
            languages=self._shared_languages(mentor, mentee),
            minutes=self._shared_minutes(mentor, mentee),
        )
        score = score_pair(mentor, mentee, overlap, self._rules)
        broken = [
            rule
            for rule in self._broken(mentor, mentee, overlap, has_reason=score.has_reason)
            if rule not in WAIVABLE or (mentor.person_id, mentee.person_id, rule.value) not in self._snapshot.waived
        ]
        return Verdict(tuple(broken), overlap, score)

    def _broken(self, mentor: Candidate, mentee: Candidate, overlap: Overlap, *, has_reason: bool) -> list[Rule]:
        """Before waivers, in the order of `Rule`."""
        rules = self._rules
        people = mentor.person_id, mentee.person_id
        broken: list[Rule] = []
        if mentor.person_id == mentee.person_id:
            broken.append(Rule.SAME_PERSON)
        if not (mentor.employed and mentee.employed):
            broken.append(Rule.NOT_EMPLOYED)
        if not (mentor.free_places and mentee.free_places):
            broken.append(Rule.CAPACITY)
        if people in self._snapshot.earlier_pairs and not rules.repeat_pairs:
            broken.append(Rule.ALREADY_PAIRED)
        broken.extend(self._grades(mentor, mentee))
        broken.extend(self._organisation(mentor, mentee))
        if (min(people), max(people)) in self._snapshot.excluded:
            broken.append(Rule.EXCLUDED)
        if rules.unit_policy is not UnitPolicy.ANY:
            same_unit = mentor.business_unit_id == mentee.business_unit_id
            if same_unit is (rules.unit_policy is UnitPolicy.ACROSS):
                broken.append(Rule.UNIT_POLICY)
        if not overlap.languages:
            broken.append(Rule.SHARED_LANGUAGE)
        if not has_reason:
            broken.append(Rule.SUBSTANCE)
        if overlap.minutes < rules.minimum_overlap_minutes:
            broken.append(Rule.WORKING_HOURS)
        return broken

    def _shared_minutes(self, mentor: Candidate, mentee: Candidate) -> int:
        """Computed once per two classes of working time: there are far fewer of them than of people."""
        key = self._class_of[mentor.participation_id], self._class_of[mentee.participation_id]
        minutes = self._minutes.get(key)
        if minutes is None:
            minutes = overlap_minutes(mentor.working_time, mentee.working_time, self._snapshot.starts_on)
            self._minutes[key] = minutes
        return minutes

    def _shared_languages(self, mentor: Candidate, mentee: Candidate) -> dict[str, int]:
        """Languages both command at the program's minimum level or better, with the lower of the two levels."""
        least = self._rules.minimum_language_level
        shared: dict[str, int] = {}
        for language, level in mentor.languages.items():
            both = min(level, mentee.languages.get(language, 0))
            if both >= least:
                shared[language] = int(both)
        return shared

    def _grades(self, mentor: Candidate, mentee: Candidate) -> tuple[Rule, ...]:
        rules = self._rules
        if rules.pair_type is PairType.RECIPROCAL or rules.direction is Direction.EXPERTISE:
            return ()
        gap = mentee.grade_rank - mentor.grade_rank
        if rules.pair_type is PairType.TRADITIONAL:
            gap = -gap
        if gap <= 0:
            return (Rule.DIRECTION,)
        return (Rule.GRADE_GAP,) if gap < rules.minimum_grade_gap else ()

    def _organisation(self, mentor: Candidate, mentee: Candidate) -> tuple[Rule, ...]:
        one, other = mentor.person_id, mentee.person_id
        broken: list[Rule] = []
        if self._lines.in_one_chain(one, other):
            broken.append(Rule.REPORTING_CHAIN)
        elif self._lines.in_one_chain_by_any_line(one, other):
            broken.append(Rule.DOTTED_LINE)
        same_team = mentor.team is not None and mentor.team == mentee.team
        if same_team or self._lines.share_manager(one, other):
            broken.append(Rule.SAME_TEAM)
        if mentor.projects & mentee.projects:
            broken.append(Rule.SAME_PROJECT)
        if self._lines.reviews(one, other):
            broken.append(Rule.REVIEWER)
        return tuple(broken)
