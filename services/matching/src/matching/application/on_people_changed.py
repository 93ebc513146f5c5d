"""Enrollment has published people: matching keeps where they stand in the organisation."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.enrollment import EmploymentState, PersonState
from contracts.envelope import Envelope

from matching.application.guard_ports import PersonChange
from matching.application.ports import KnownPerson, MatchingUnitOfWork


async def on_people_changed(events: Sequence[Envelope[PersonState]], uow: MatchingUnitOfWork) -> None:
    """Keep the newest version of each; a completed run that saw somebody otherwise cannot be released any more.

    The guard is told of every event, of those that something newer has overtaken too: they count in their change sets.

    Of whoever is erased nothing is kept but a grade and the line above. What runs were given with them in it goes too, so that those runs
    cannot be replayed any more, and what they searched, whom they ranked and what they let be audited. Their pairs are judged as those
    of people who have left.
    """
    newest: dict[object, Envelope[PersonState]] = {}
    for event in events:
        held = newest.get(event.subject)
        if held is None or held.sequence < event.sequence:
            newest[event.subject] = event
    changed = await uow.known_people.put_all([_known_person(event) for event in newest.values()])
    if changed:
        await uow.runs.outdate(changed)
        await uow.requests.uncheck(changed)
    erased = {event.data.person_id for event in events if event.data.state is EmploymentState.ERASED}
    if erased:
        await uow.runs.restart(erased)
        await uow.run_records.erase(erased)
        await uow.searches.erase(erased)
        await uow.preferences.erase(erased)
        await uow.known_audit_groups.erase(erased)
    await uow.guard.note_people([_change(event) for event in events])


def _change(event: Envelope[PersonState]) -> PersonChange:
    person = event.data
    return PersonChange(
        person_id=person.person_id,
        business_unit_id=person.business_unit_id,
        change_set_id=person.change_set_id,
        change_set_size=person.change_set_size,
        change_set_index=person.change_set_index,
        happened_at=event.time,
    )


def _known_person(event: Envelope[PersonState]) -> KnownPerson:
    person = event.data
    return KnownPerson(
        person_id=person.person_id,
        business_unit_id=person.business_unit_id,
        employed=person.state is EmploymentState.EMPLOYED,
        grade_rank=person.grade_rank,
        manager_id=person.manager_id,
        dotted_line_ids=tuple(sorted(person.dotted_line_manager_ids)),
        team=person.team_code,
        function=person.function,
        region=person.region,
        country=person.country,
        project_codes=tuple(sorted(person.project_codes)),
        reviewer_ids=tuple(sorted(person.reviewer_ids)),
        tenure_band=person.tenure_band,
        sequence=event.sequence,
    )
