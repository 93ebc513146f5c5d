"""What the demonstration has to tell, collected while it plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from updraft.demo.invariants import Finding

MeetingOutcome = Literal["held", "cancelled", "missed"]


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting as played: on which day of the cohort, with what outcome, of which pair (by its label)."""

    pair: str
    day: int
    outcome: MeetingOutcome


@dataclass(frozen=True, slots=True)
class PairLine:
    """A pair in the program manager's table. `label` is `P01`, `P02`, …; `fate` is one word."""

    label: str
    mentor_grade: str
    mentee_grade: str
    score: int
    why: str
    held: int
    fate: str


@dataclass(slots=True)
class Story:
    """Numbers and findings of one run, in the order in which a program manager asks for them."""

    source: str
    synthetic_applications: bool
    seed: int
    units: list[str] = field(default_factory=list)
    people_imported: int = 0
    import_rows: int = 0
    import_errors: int = 0
    import_warnings: int = 0
    cross_unit_managers: int = 0
    applied: Mapping[str, int] = field(default_factory=dict)
    admitted: Mapping[str, int] = field(default_factory=dict)
    waitlisted: int = 0
    candidates_compared: int = 0
    candidates_refused: int = 0
    excluded_by_rule: Mapping[str, int] = field(default_factory=dict)
    proposals: int = 0
    declined: int = 0
    certificate: Mapping[str, Any] = field(default_factory=dict)
    pairs: list[PairLine] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)
    stalled: int = 0
    rescued: int = 0
    dissolved: int = 0
    completed: int = 0
    starts_on: date = date(2000, 1, 1)
    ends_on: date = date(2000, 1, 1)
    answered: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Answers and invitations by wave."""
    report: Mapping[str, Any] = field(default_factory=dict)
    report_html: str = ""
    consented: int = 0
    """People who let themselves be counted in audits."""
    pack_html: str = ""
    survey_finding: str = ""
    """What the survey says and how sure that is, in one sentence."""
    killed: str = ""
    killed_after: str = ""
    recovered_in: float = 0.0
    resent: int = 0
    writes: int = 0
    events: Mapping[str, int] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    unchecked: str = ""
    """Which invariants could not be checked, and why; empty when all were."""
    steps: list[tuple[str, float]] = field(default_factory=list)
    """What was done and how many seconds it took."""

    @property
    def kept(self) -> int:
        """Meetings that took place."""
        return sum(meeting.outcome == "held" for meeting in self.meetings)

    @property
    def sound(self) -> bool:
        """Whether every invariant that was checked holds."""
        return all(finding.holds for finding in self.findings)
