"""A cohort's report: the figures of operation and survey, what they add up to in words, and what they cannot say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from evaluation.domain.estimates import LARGEST_TOLERABLE_DETECTABLE_EFFECT, Conclusion
from evaluation.domain.facts import CohortFact, MatchingFact, Stage
from evaluation.domain.figures import STRENGTH, Design, Figure
from evaluation.domain.operation import (
    Cadence,
    FunnelStage,
    MatchQuality,
    Meetings,
    PairLife,
    cadence,
    funnel,
    match_quality,
    meetings,
    pair_life,
)
from evaluation.domain.survey import FamilyChange, Group, Survey, survey

REPORT_VERSION = 1
SettingValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the program's effect was to be measured, how it was, and how much that carries."""

    planned: str | None
    realised: Design
    comparison_group: bool
    strength: str


@dataclass(frozen=True, slots=True)
class CohortReport:
    """One cohort's evaluation. `final` once the closing wave is closed; before that figures still move.

    `settings` are the program's choices that this cohort ran under, so that their effect can be compared.
    """

    report_version: int
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    unit_code: str | None
    state: str
    starts_on: date | None
    ends_on: date | None
    as_of: datetime
    final: bool
    suppression_threshold: int
    evidence: Evidence
    headlines: tuple[str, ...]
    settings_version: int | None
    settings: Mapping[str, SettingValue] | None
    funnel: tuple[FunnelStage, ...]
    matching: MatchingFact | None
    match_quality: MatchQuality
    cadence: Cadence
    meetings: Meetings
    pairs: PairLife
    survey: Survey
    limits: tuple[str, ...]


def _whole(figure: Figure) -> int:
    return int(figure.value or 0)


def percent(value: float) -> str:
    """A share as a reader takes it in: `87 %`."""
    return f"{value * 100:.0f} %"


def signed(value: float) -> str:
    """A difference with its sign: `+0.40`, `−0.49`."""
    return f"{value:+.2f}".replace("-", "−")


def _interval_percent(figure: Figure) -> str:
    if figure.interval is None:
        return figure.note or ""
    level = f"{figure.interval.level * 100:.0f} % interval"
    return f"{level} {figure.interval.low * 100:.0f} to {figure.interval.high * 100:.0f} %"


def _funnel_headline(stages: Mapping[Stage, FunnelStage], quality: MatchQuality) -> str:
    if stages[Stage.APPLIED].everybody.suppressed or quality.pairs.suppressed:
        return "So few people take part that most figures are not shown."
    counts = {stage: _whole(row.everybody) for stage, row in stages.items()}
    return (
        f"{counts[Stage.APPLIED]} people applied, {counts[Stage.ADMITTED]} were admitted and {counts[Stage.MATCHED]} "
        f"were matched, in {_whole(quality.pairs)} pairs; {counts[Stage.COMPLETED]} people have completed."
    )


def _cadence_headline(found: Cadence) -> str | None:
    if found.kept.suppressed or found.kept.value is None:
        return None
    share, interval = percent(found.kept.value), _interval_percent(found.kept)
    return f"{share} of the agreed meetings were held ({interval}, {found.kept.n} pairs)."


def _pairs_headline(found: PairLife) -> str | None:
    if found.stalled.suppressed:
        return None
    stalled, rescued = _whole(found.stalled), _whole(found.rescued)
    if not stalled:
        return f"None of the {found.stalled.n} pairs fell silent."
    return f"{stalled} of {found.stalled.n} pairs fell silent for too long; {rescued} of them met again."


def _changes_sentence(changes: Sequence[FamilyChange]) -> str:
    """One sentence about changes in one direction, each with its interval; the numbers of answers are the first one's."""
    parts = []
    for change in changes:
        interval = change.difference.interval
        between = f", {signed(interval.low)} to {signed(interval.high)}" if interval else ""
        parts.append(f"{change.about} ({signed(change.difference.value or 0)}{between})")
    first = changes[0]
    verb = first.conclusion.value.capitalize()
    n = f"{first.n_before} answers before, {first.n_after} after"
    return f"{verb} between the surveys, in points of 5 with 95 % interval: {'; '.join(parts)}. {n}."


def _survey_headlines(found: Survey) -> list[str]:
    everybody = [change for change in found.changes if change.group is Group.EVERYBODY]
    moved = [change for change in everybody if change.conclusion in (Conclusion.ROSE, Conclusion.FELL)]
    if not found.waves:
        return ["No survey wave has closed yet."]
    if not everybody:
        return ["Only one survey wave has closed, so nothing is compared yet."]
    if all(change.conclusion is Conclusion.SUPPRESSED for change in everybody):
        return ["Too few people answered the surveys for anything to be shown."]
    underpowered = [c for c in everybody if c.conclusion is Conclusion.UNDERPOWERED and c.detectable_effect is not None]
    if not moved and underpowered:
        largest = max(change.detectable_effect or 0 for change in underpowered)
        return [
            f"The survey is too small to conclude: only a change of {largest:.1f} standard deviations or more could "
            "have been seen reliably. Intervals are shown, conclusions are not drawn."
        ]
    directions = [
        [change for change in moved if change.conclusion is way] for way in (Conclusion.ROSE, Conclusion.FELL)
    ]
    sentences = [_changes_sentence(group) for group in directions if group]
    return [*(sentences or ["No change between the two surveys is shown."]), STRENGTH[Design.BEFORE_AFTER]]


def _limits(facts: CohortFact, found: Survey) -> tuple[str, ...]:
    threshold, effect = facts.suppression_threshold, LARGEST_TOLERABLE_DETECTABLE_EFFECT
    limits = [
        "There is no comparison group. Nothing here shows that the program caused what is described.",
        "Answers are anonymous and cannot be linked between waves; the two waves are compared as independent groups, "
        "which makes intervals wider, not narrower, than a linked comparison would.",
        "Who answers is not a random choice: people who left early or lost interest may be missing from the closing "
        "wave.",
        "With several questions looked at together, conclusions use Holm's adjustment; with groups that could not even "
        f"show an effect of {effect:.1f} standard deviations no conclusion is drawn.",
        f"Results about fewer than {threshold} people, and results from which such a group could be subtracted, are "
        "not shown.",
    ]
    if not found.changes:
        limits.append("A change can be shown only once both the baseline and the closing wave are closed.")
    if facts.planned_design not in (None, "before_after"):
        limits.append(
            f"The charter planned the design '{facts.planned_design}'; its comparison group has no data here, so the "
            "evidence is weaker."
        )
    return tuple(limits)


def build_report(facts: CohortFact, *, as_of: datetime, final: bool) -> CohortReport:
    """Work out every figure. Pure, and about ten milliseconds for a cohort of hundreds."""
    stages = funnel(facts.participations, facts.suppression_threshold)
    quality = match_quality(facts.pairs, facts.suppression_threshold)
    kept = cadence(facts.pairs, as_of, facts.suppression_threshold)
    life = pair_life(facts.pairs, facts.suppression_threshold)
    answers = survey(facts.waves)
    realised = Design.BEFORE_AFTER if answers.changes else (Design.AFTER_ONLY if final else Design.DESCRIPTION)
    headlines = [
        _funnel_headline({row.stage: row for row in stages}, quality),
        _cadence_headline(kept),
        _pairs_headline(life),
        *_survey_headlines(answers),
    ]
    return CohortReport(
        report_version=REPORT_VERSION,
        cohort_id=facts.cohort_id,
        program_id=facts.program_id,
        business_unit_id=facts.business_unit_id,
        unit_code=facts.unit_code,
        state=facts.state,
        starts_on=facts.starts_on,
        ends_on=facts.ends_on,
        as_of=as_of,
        final=final,
        suppression_threshold=facts.suppression_threshold,
        evidence=Evidence(facts.planned_design, realised, comparison_group=False, strength=STRENGTH[realised]),
        headlines=tuple(line for line in headlines if line),
        settings_version=facts.settings_version,
        settings=facts.settings,
        funnel=stages,
        matching=facts.matching,
        match_quality=quality,
        cadence=kept,
        meetings=meetings(facts.pairs, facts.suppression_threshold),
        pairs=life,
        survey=answers,
        limits=_limits(facts, answers),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a report holds no {type(value).__name__}")


def to_json(report: CohortReport) -> str:
    """The report as JSON text, the same for the same report."""
    return json.dumps(
        asdict(report), default=_plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def hash_of(text: str) -> str:
    """SHA-256 of a report's JSON text, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
