"""A program manager asks what a run would have come to under other decisions; a worker will find out."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict, InvalidInput, NotVisible
from contracts.identifiers import uuid7

from matching.application.ports import KnownCohort, MatchingUnitOfWork
from matching.application.quota_size import require_size_for_quotas
from matching.domain.facts import Role
from matching.domain.match_run import RunState
from matching.domain.quota import check_quotas
from matching.domain.what_if import Changes, WhatIf


@dataclass(frozen=True, slots=True)
class StartWhatIf:
    """Solve the cohort of a run again with these changes, and compare."""

    run_id: UUID
    changes: Changes


async def start_what_if(command: StartWhatIf, uow: MatchingUnitOfWork) -> WhatIf:
    """Queue a what-if of a run that has proposals. It is never released.

    :raises NotVisible: no such run of the principal's unit.
    :raises InvalidInput: nothing is changed, or a participation that is not of the cohort, on the side where it is named.
    :raises Conflict: the run has no proposals yet; or, at the commit, another what-if of the cohort is under way.
    """
    run = await uow.runs.get(command.run_id)
    cohort = None if run is None else await uow.known_cohorts.get(run.cohort_id)
    if run is None or cohort is None or run.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such run")
    if run.state not in (RunState.COMPLETED, RunState.RELEASED):
        raise Conflict(f"The run is {run.state.value}; only a completed run can be compared with.")
    await _check(command.changes, cohort, uow)
    what_if = WhatIf(
        what_if_id=uuid7(),
        run_id=run.run_id,
        cohort_id=run.cohort_id,
        program_id=run.program_id,
        business_unit_id=run.business_unit_id,
        changes=command.changes,
        requested_at=uow.now,
    )
    uow.what_ifs.add(what_if)
    return what_if


async def _check(changes: Changes, cohort: KnownCohort, uow: MatchingUnitOfWork) -> None:
    if changes == Changes():
        raise InvalidInput("Nothing is changed.", field="", remedy="Change something.")
    participations = await uow.known_participations.of_cohort(cohort.cohort_id)
    roles = {one.participation_id: one.role for one in participations}
    for name, pairs in (("lock", changes.lock), ("forbid", changes.forbid)):
        for place, (mentor, mentee) in enumerate(pairs):
            if roles.get(mentor) is not Role.MENTOR or roles.get(mentee) is not Role.MENTEE:
                raise InvalidInput(
                    "The pair is no mentor and mentee of the cohort.",
                    field=f"{name}/{place}",
                    remedy="Send participations of the cohort.",
                )
    if set(changes.lock) & set(changes.forbid):
        raise InvalidInput("A pair is locked and forbidden.", field="forbid", remedy="Decide for one of them.")
    if not (changes.capacities or {}).keys() <= roles.keys():
        raise InvalidInput(
            "A participation is not of the cohort.", field="capacities", remedy="Send participations of the cohort."
        )
    if changes.quotas is not None:
        require_size_for_quotas(changes.quotas, participations)
        check_quotas(changes.quotas, cohort.named_unit_ids, roles)
