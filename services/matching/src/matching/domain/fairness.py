"""How a released run treats the groups that people declared for audits: coverage, fit, and whom they get to meet.

Only what a run has done is looked at, after it was done: neither the rules nor the scores know any group.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np

from matching.domain.facts import Candidate, Role, Snapshot
from matching.domain.fairness_cells import Cut, ProposedTo
from matching.domain.fairness_statistics import (
    Comparison,
    Estimate,
    compare_means,
    compare_shares,
    holm,
    mean,
    share,
)

ALPHA = 0.05
"""The chance of any false finding in one pack, over all its tests together."""
SHARE_STEP, POINTS_STEP, RANKS_STEP = 0.01, 5.0, 0.1
"""To which figures are rounded, intervals outwards: exact sums would let whoever knows the pairs work out who is in a group."""


@dataclass(frozen=True, slots=True)
class Treated:
    """What became of somebody whom the run could have given a pair.

    `score` is the mean of their pairs, `gap` the mean distance in ranks to whom they meet, `senior` whether somebody they meet is of
    the upper third of the other side's ranks, `high` whether one of their scores is in the run's upper quarter; None without a pair.
    """

    participation_id: UUID
    role: Role
    covered: bool
    score: float | None = None
    gap: float | None = None
    senior: bool | None = None
    high: bool | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is compared between groups: a share of people or a mean.

    `flagged_from` is the smallest adverse difference that counts as a finding; None: only described. `of_covered` looks only at people
    with a pair.
    """

    name: str
    value: Callable[[Treated], float | None]
    is_share: bool
    step: float
    flagged_from: float | None
    of_covered: bool = True


MEASURES = (
    Measure("coverage", lambda one: float(one.covered), True, SHARE_STEP, 0.05, of_covered=False),
    Measure("fit", lambda one: one.score, False, POINTS_STEP, 25.0),
    Measure("senior_partner", lambda one: _number(one.senior), True, SHARE_STEP, 0.10),
    Measure("high_score", lambda one: _number(one.high), True, SHARE_STEP, None),
    Measure("grade_gap", lambda one: one.gap, False, RANKS_STEP, None),
)
"""Coverage, fit and seniority of whom one meets are tested; lower is worse. The others are described."""


@dataclass(frozen=True, slots=True)
class Tested:
    """One group of one side compared with everybody else who declared, in one measure."""

    role: Role
    dimension: str
    group: str
    measure: Measure
    comparison: Comparison
    mirrored: bool
    """Whether the others are one group as well, whose difference is this one's with the other sign."""

    @property
    def test(self) -> tuple[str, ...]:
        """Names the test; the same for both of two mirrored groups."""
        return (self.role.value, self.dimension, self.measure.name, "" if self.mirrored else self.group)


@dataclass(slots=True)
class Audit:
    """What a pack says of groups, as plain documents."""

    sides: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    tests: int = 0


def treated_by(snapshot: Snapshot, proposals: Collection[ProposedTo]) -> list[Treated]:
    """Everybody with a free place in the snapshot or a proposal, and what became of them; by side and participation."""
    candidates = {one.participation_id: one for one in (*snapshot.mentors, *snapshot.mentees)}
    met: dict[UUID, list[tuple[Candidate, int]]] = {}
    for each in proposals:
        mentor, mentee = candidates.get(each.mentor), candidates.get(each.mentee)
        if mentor is None or mentee is None:
            continue
        met.setdefault(each.mentor, []).append((mentee, each.score))
        met.setdefault(each.mentee, []).append((mentor, each.score))
    scores = [each.score for each in proposals]
    high = float(np.quantile(scores, 0.75, method="higher")) if scores else 0.0
    upper = {Role.MENTOR: _upper_third(snapshot.mentees), Role.MENTEE: _upper_third(snapshot.mentors)}
    found = []
    for one in sorted(candidates.values(), key=lambda one: (one.role.value, one.participation_id)):
        mine = met.get(one.participation_id)
        if mine is None:
            if one.free_places and one.employed:
                found.append(Treated(one.participation_id, one.role, covered=False))
            continue
        found.append(
            Treated(
                one.participation_id,
                one.role,
                covered=True,
                score=sum(score for _, score in mine) / len(mine),
                gap=sum(abs(other.grade_rank - one.grade_rank) for other, _ in mine) / len(mine),
                senior=any(other.grade_rank >= upper[one.role] for other, _ in mine),
                high=any(score >= high for _, score in mine),
            )
        )
    return found


def audited(people: Sequence[Treated], cuts: Mapping[Role, Sequence[Cut]], threshold: int) -> Audit:
    """Every measure of every group that may be shown, and the findings.

    A finding is a group that is worse off than everybody else who declared, after Holm's correction over all tests of the pack, by at
    least the measure's practical threshold. Of two groups that make up a dimension the same difference is tested once.
    """
    made = Audit()
    pending: list[tuple[Tested, dict[str, Any]]] = []
    for role in (Role.MENTOR, Role.MENTEE):
        side = {one.participation_id: one for one in people if one.role is role}
        document: dict[str, Any] = {
            "role": role.value,
            "people": len(side),
            "covered": sum(one.covered for one in side.values()),
            "dimensions": [],
        }
        for cut in cuts[role]:
            shown, tests = _dimension(role, cut, side, threshold)
            document["dimensions"].append(shown)
            pending += tests
        made.sides.append(document)
    _correct(made, pending)
    return made


def _dimension(
    role: Role, cut: Cut, side: Mapping[UUID, Treated], threshold: int
) -> tuple[dict[str, Any], list[tuple[Tested, dict[str, Any]]]]:
    groups: list[dict[str, Any]] = []
    tests: list[tuple[Tested, dict[str, Any]]] = []
    mirrored = len(cut.shown) == 2 and not cut.rest
    for group, members in cut.shown.items():
        inside = [side[key] for key in sorted(members)]
        outside = [side[key] for key in sorted(cut.declared - members)]
        measures: dict[str, Any] = {}
        for measure in MEASURES:
            document, comparison = _measured(measure, inside, outside, threshold)
            measures[measure.name] = document
            if comparison is not None and measure.flagged_from is not None:
                tests.append((Tested(role, cut.dimension, group, measure, comparison, mirrored), document))
        groups.append({"group": group, "people": len(inside), "others": len(outside), "measures": measures})
    shown = {
        "dimension": cut.dimension,
        "withheld": None if cut.withheld is None else cut.withheld.value,
        "declared": len(cut.declared) if cut.withheld is None else None,
        "rest": len(cut.rest) if cut.withheld is None else None,
        "groups": groups,
    }
    return shown, tests


def _measured(
    measure: Measure, inside: Sequence[Treated], outside: Sequence[Treated], threshold: int
) -> tuple[dict[str, Any], Comparison | None]:
    values, others = _values(measure, inside), _values(measure, outside)
    if min(len(values), len(others)) < threshold:
        return {"withheld": "too_few"}, None
    if measure.is_share:
        hits, misses = int(values.sum()), int(others.sum())
        total, of = hits + misses, len(values) + len(others)
        # With one or two people on one side of an outcome, a share would say who of them is in the group.
        if 0 < total < threshold or 0 < of - total < threshold:
            return {"withheld": "too_few"}, None
        estimate = share(hits, len(values))
        comparison = compare_shares(hits, len(values), misses, len(others))
    else:
        estimate, comparison = mean(values), compare_means(values, others)
    document = {
        "n": len(values),
        **_rounded(estimate, measure.step),
        "difference": _rounded(comparison.difference, measure.step),
        "p_adjusted": None,
        "finding": False,
    }
    return document, comparison


def _correct(made: Audit, pending: Sequence[tuple[Tested, dict[str, Any]]]) -> None:
    """Correct the p-values over all distinct tests, and note what is a finding."""
    p_values: dict[tuple[str, ...], float] = {}
    for tested, _ in pending:
        p_values.setdefault(tested.test, tested.comparison.p_value)
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    made.tests = len(adjusted)
    for tested, document in pending:
        p_value, least = adjusted[tested.test], tested.measure.flagged_from
        document["p_adjusted"] = round(p_value, 4)
        if least is not None and p_value <= ALPHA and tested.comparison.difference.value <= -least:
            document["finding"] = True
            made.findings.append(
                {
                    "role": tested.role.value,
                    "dimension": tested.dimension,
                    "group": tested.group,
                    "measure": tested.measure.name,
                    "difference": document["difference"],
                    "p_adjusted": document["p_adjusted"],
                    "practical_threshold": least,
                }
            )


def _values(measure: Measure, people: Sequence[Treated]) -> np.ndarray[Any, np.dtype[np.float64]]:
    looked_at = [measure.value(one) for one in people if one.covered or not measure.of_covered]
    return np.array([value for value in looked_at if value is not None], dtype=np.float64)


def _rounded(estimate: Estimate, step: float) -> dict[str, float]:
    digits = 2 if step < 0.1 else 1
    return {
        "value": round(round(estimate.value / step) * step, digits),
        "low": round(np.floor(estimate.low / step + 1e-9) * step, digits),
        "high": round(np.ceil(estimate.high / step - 1e-9) * step, digits),
    }


def _upper_third(side: Sequence[Candidate]) -> float:
    ranks = [one.grade_rank for one in side]
    return float(np.quantile(ranks, 2 / 3, method="higher")) if ranks else 0.0


def _number(flag: bool | None) -> float | None:
    return None if flag is None else float(flag)
