"""A program manager decides about many candidates of a cohort, all in one transaction; places go in the order of the waitlist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Rejection

from enrollment.application.access import own_cohort
from enrollment.application.audit_consent import forget_groups
from enrollment.application.decide_admission import DecideAdmission, audit_decision, queue_of, take_in
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.application.row_report import MOST_ROWS, RowFindings, RowReport, publish_all
from enrollment.domain.cohorts import Cohort
from enrollment.domain.participations import Decision, Participation, ParticipationState, Role, WaitlistQueue


@dataclass(frozen=True, slots=True)
class DecideAdmissions:
    """Decisions about candidates of one cohort. With `check_only` nothing is applied, only reported."""

    cohort_id: UUID
    rows: Sequence[DecideAdmission]
    check_only: bool = False


@dataclass(frozen=True, slots=True)
class AdmitEverybody:
    """Admit whoever has passed the screening, as far as there are places; `priority` as for one candidate."""

    cohort_id: UUID
    priority: int | None = None
    check_only: bool = False


async def decide_admissions(command: DecideAdmissions, uow: EnrollmentUnitOfWork) -> RowReport:
    """Carry out every decision that the rules allow, by the same rules as a single one, and audit each.

    Nobody is refused for the order of the rows: who is declined leaves the queue first, then those who wait get their places in the
    order of the waitlist, then the others in the order of the rows. NotVisible unless the caller's unit hosts the cohort, Conflict when
    nobody is admitted to it any more. The cohort is locked before its queues are read.
    """
    cohort = await own_cohort(command.cohort_id, uow)
    cohort.require_admitting()
    findings = RowFindings("admissions")
    known = await uow.participations.by_ids(cohort.cohort_id, {row.participation_id for row in command.rows})
    about = findings.about(command.rows, known)
    decided = await _decide(command.rows, about, findings, cohort, uow)
    if not command.check_only:
        await _keep(decided, uow)
    return RowReport(cohort.cohort_id, len(command.rows), len(decided), command.check_only, findings.in_order())


async def admit_everybody(command: AdmitEverybody, uow: EnrollmentUnitOfWork) -> RowReport:
    """Admit whoever waits, in their order, then whoever has passed the screening, `MOST_ROWS` at most and as far as places go.

    `remaining` says how many candidates are left who have passed. Errors as `decide_admissions`.
    """
    cohort = await own_cohort(command.cohort_id, uow)
    cohort.require_admitting()
    ready = await uow.participations.count_ready(cohort.cohort_id)
    candidates: list[Participation] = []
    for role in Role:
        queue = await queue_of(cohort, role, uow)
        free = MOST_ROWS if queue.places is None else max(0, queue.places - queue.taken)
        room = min(free, MOST_ROWS - len(candidates))
        candidates += await uow.participations.ready(cohort.cohort_id, role, room)
    findings = RowFindings("admissions")
    rows = [
        DecideAdmission(each.participation_id, cohort.cohort_id, Decision.ADMIT, command.priority)
        for each in candidates
    ]
    decided = await _decide(rows, dict(enumerate(candidates, start=1)), findings, cohort, uow)
    if not command.check_only:
        await _keep(decided, uow)
    return RowReport(
        cohort.cohort_id,
        len(rows),
        len(decided),
        command.check_only,
        findings.in_order(),
        remaining=ready - len(decided),
    )


@dataclass(frozen=True, slots=True)
class _Decided:
    """A candidate after the decision, the state before it, and whether life experience has lost its purpose."""

    participation: Participation
    before: str
    forgets: bool


async def _decide(
    rows: Sequence[DecideAdmission],
    about: Mapping[int, Participation],
    findings: RowFindings,
    cohort: Cohort,
    uow: EnrollmentUnitOfWork,
) -> list[_Decided]:
    def turn(number: int) -> tuple[bool, bool, int]:
        place = about[number].queue_number
        declined = rows[number - 1].decision is Decision.DECLINE
        return not declined, place is None, number if place is None else place

    queues: dict[Role, WaitlistQueue] = {}
    for role in {participation.role for participation in about.values()}:
        queues[role] = await queue_of(cohort, role, uow)
    unranked = {about[number].person_id for number in about if rows[number - 1].priority is None}
    earlier = await uow.participations.waited_in_vain(cohort.program_id, unranked, cohort.cohort_id)
    decided: list[_Decided] = []
    for number in sorted(about, key=turn):
        row, participation = rows[number - 1], about[number]
        before, had_codes = participation.state.value, bool(participation.background_codes)
        place, queue = participation.queue_number, queues[participation.role]
        try:
            if row.decision is Decision.DECLINE:
                participation.decline()
                queue = queue.without(place)
            else:
                queue = take_in(participation, row.decision, row.priority, participation.person_id in earlier, queue)
        except Rejection as problem:
            findings.refuse(number, problem)
            continue
        queues[participation.role] = queue
        decided.append(_Decided(participation, before, had_codes and row.decision is Decision.DECLINE))
    return decided


async def _keep(decided: Sequence[_Decided], uow: EnrollmentUnitOfWork) -> None:
    if not decided:
        return
    participations = [each.participation for each in decided]
    for participation in participations:
        if participation.state is ParticipationState.DECLINED:
            forget_groups(participation, uow)
    await uow.participations.save_all(participations)
    await uow.participations.forget_experiences([each.participation for each in decided if each.forgets])
    await publish_all(participations, uow)
    for each in decided:
        audit_decision(each.participation, each.before, uow)
