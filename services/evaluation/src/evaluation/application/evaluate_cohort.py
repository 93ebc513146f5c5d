"""A cohort's closing wave is closed: its report becomes final, and its headline is published."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from chassis.ports import Missing
from contracts.enrollment import EvaluationDesign
from contracts.evaluation import CohortEvaluated, Measure, MeasuredChange
from contracts.fields import Role as PublishedRole

from evaluation.application.ports import EvaluationUnitOfWork
from evaluation.domain.estimates import Conclusion
from evaluation.domain.facts import Stage
from evaluation.domain.figures import Figure
from evaluation.domain.instruments import Family
from evaluation.domain.report import CohortReport, build_report, hash_of, to_json
from evaluation.domain.survey import FamilyChange, Group

_MEASURES = {
    Family.LEARNING: Measure.SKILL,
    Family.DECISIONS: Measure.PERSPECTIVE,
    Family.CONFIDENCE: Measure.CONFIDENCE,
    Family.INTENT_TO_STAY: Measure.INTENT_TO_STAY,
    Family.CONNECTEDNESS: Measure.CONNECTEDNESS,
}
_ROLES = {Group.EVERYBODY: None, Group.MENTORS: PublishedRole.MENTOR, Group.MENTEES: PublishedRole.MENTEE}


async def evaluate_cohort(cohort_id: UUID, named_unit_ids: Sequence[UUID], uow: EvaluationUnitOfWork) -> None:
    """Write the final report and publish its headline; nothing when that was done before.

    Raises:
        Missing: nothing has been heard of the cohort.
    """
    if await uow.evaluations.exists(cohort_id):
        return
    facts = await uow.cohort_facts.of(cohort_id)
    if facts is None:
        raise Missing("CohortOpened", cohort_id)
    report = build_report(facts, as_of=uow.now, final=True)
    text = to_json(report)
    uow.evaluations.add(facts, named_unit_ids, uow.now, text)
    uow.publish(headline(report, named_unit_ids, hash_of(text)), sequence=1)


def headline(report: CohortReport, named_unit_ids: Sequence[UUID], report_hash: str) -> CohortEvaluated:
    """The event: the design as it was carried out, counts, and the changes that may be shown.

    The wish to improve the relationship is no measure of the published language and stays in the report.
    """
    stages = {row.stage: row for row in report.funnel}
    kept = report.cadence.kept
    return CohortEvaluated(
        business_unit_id=report.business_unit_id,
        named_unit_ids=tuple(named_unit_ids),
        cohort_id=report.cohort_id,
        program_id=report.program_id,
        evaluated_at=report.as_of,
        design=EvaluationDesign.BEFORE_AFTER,
        suppression_threshold=report.suppression_threshold,
        applied=_count(stages[Stage.APPLIED].everybody),
        admitted=_count(stages[Stage.ADMITTED].everybody),
        pairs_formed=_count(report.match_quality.pairs),
        pairs_completed=_count(report.pairs.completed),
        pairs_dissolved=_count(report.pairs.dissolved),
        pairs_rescued=_count(report.pairs.rescued),
        meetings_held=_count(report.meetings.held),
        meetings_missed=_count(report.meetings.missed),
        cadence_kept=None if kept.value is None else round(kept.value * 1000),
        changes=tuple(_change(change) for change in report.survey.changes if change.family in _MEASURES),
        report_hash=report_hash,
    )


def _count(figure: Figure) -> int | None:
    return None if figure.value is None else int(figure.value)


def _change(found: FamilyChange) -> MeasuredChange:
    measure, role = _MEASURES[found.family], _ROLES[found.group]
    if found.conclusion is Conclusion.SUPPRESSED:
        return MeasuredChange(measure=measure, role=role)
    interval = found.difference.interval
    return MeasuredChange(
        measure=measure,
        role=role,
        baseline_answers=found.n_before,
        closing_answers=found.n_after,
        change=found.difference.value,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
    )
