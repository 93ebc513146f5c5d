"""The worker erases people who are to be erased, one a transaction, in every unit's cohorts.

Not while an import is under way: it compared its file with the people known before, and would bring the person back.
"""

from __future__ import annotations

from contracts.enrollment import EmploymentState, PersonErased
from contracts.identifiers import uuid7

from enrollment.application.audit_consent import forget_groups
from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork


async def carry_out_erasures(uow: EnrollmentUnitOfWork) -> bool:
    """Erase whoever has waited longest; whether more may be waiting."""
    erasure = await uow.erasures.oldest_open()
    if erasure is None or not await uow.imports.at_rest():
        return False
    person = await uow.erasures.erase_person(erasure.person_id, uow.now)
    participations = await uow.erasures.participations_of(erasure.person_id)
    await uow.participations.forget_experiences(participations)
    await uow.erasures.forget_notes(participations)
    for participation in participations:
        forgets_groups = forget_groups(participation, uow)
        forgets = participation.forget()
        if forgets:
            publish_participation(participation, uow)
        if forgets or forgets_groups:
            uow.participations.save(participation)
    event = PersonErased(
        business_unit_id=person.business_unit_id,
        person_id=person.person_id,
        state=EmploymentState.ERASED,
        grade=person.grade,
        grade_rank=person.grade_rank,
        manager_id=person.manager_id,
        dotted_line_manager_ids=person.dotted_line_manager_ids,
        change_set_id=uuid7(),
        change_set_size=1,
        change_set_index=0,
    )
    uow.publish(event, sequence=person.version)
    erasure.erased_at = uow.now
    uow.erasures.save(erasure)
    uow.audit(
        "erase-person",
        subject_id=erasure.person_id,
        business_unit_id=erasure.business_unit_id,
        after={"reason": erasure.reason.value, "participations": len(participations)},
    )
    return True
