"""A program manager records the results of many screenings, all in one transaction (R0-39)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Rejection

from enrollment.application.access import own_cohort
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.application.row_report import RowFindings, RowReport, publish_all
from enrollment.application.screen_candidate import ScreenCandidate
from enrollment.domain.participations import Participation


@dataclass(frozen=True, slots=True)
class ScreenCandidates:
    """Results of candidates of one cohort. With `check_only` nothing is applied, only reported."""

    cohort_id: UUID
    rows: Sequence[ScreenCandidate]
    check_only: bool = False


async def screen_candidates(command: ScreenCandidates, uow: EnrollmentUnitOfWork) -> RowReport:
    """Record every result that the rules allow, by the same rules as a single one. NotVisible unless the caller's unit hosts the cohort."""
    cohort = await own_cohort(command.cohort_id, uow)
    findings = RowFindings("screenings")
    known = await uow.participations.by_ids(cohort.cohort_id, {row.participation_id for row in command.rows})
    screened: list[Participation] = []
    for number, participation in findings.about(command.rows, known).items():
        row = command.rows[number - 1]
        try:
            participation.screen(row.passed, row.notes)
        except Rejection as problem:
            findings.refuse(number, problem)
        else:
            screened.append(participation)
    if screened and not command.check_only:
        await uow.participations.save_all(screened)
        await uow.participations.keep_all_notes([each for each in screened if each.screening_notes])
        await publish_all(screened, uow)
        uow.audit(
            "screen-candidates",
            subject_id=cohort.cohort_id,
            business_unit_id=cohort.business_unit_id,
            after={"applied": len(screened), "rows": len(command.rows)},
        )
    return RowReport(cohort.cohort_id, len(command.rows), len(screened), command.check_only, findings.in_order())
