"""Enrollment's facts in the published language."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from contracts import enrollment as published
from contracts.enrollment import ParticipationFacts
from contracts.event import Event
from contracts.identifiers import opaque_code

from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.business_units import BusinessUnit
from enrollment.domain.change_sets import Change, ChangeKind
from enrollment.domain.cohorts import Cohort
from enrollment.domain.participations import Participation, ParticipationState
from enrollment.domain.program_settings import plain_settings
from enrollment.domain.programs import Program

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_OF_CHANGE: dict[ChangeKind, type[published.PersonState]] = {
    ChangeKind.JOINED: published.PersonJoined,
    ChangeKind.MOVED: published.PersonMoved,
    ChangeKind.LEFT: published.PersonLeft,
}
_OF_STATE: dict[ParticipationState, type[ParticipationFacts]] = {
    ParticipationState.NOMINATED: published.ParticipantNominated,
    ParticipationState.APPLIED: published.ParticipantApplied,
    ParticipationState.SCREENED: published.ParticipantScreened,
    ParticipationState.ADMITTED: published.ParticipantAdmitted,
    ParticipationState.WAITLISTED: published.ParticipantWaitlisted,
    ParticipationState.DECLINED: published.ParticipantDeclined,
    ParticipationState.MATCHED: published.ParticipantMatched,
    ParticipationState.COMPLETED: published.ParticipantCompleted,
    ParticipationState.WITHDRAWN: published.ParticipantWithdrawn,
}
_NOT_PUBLISHED = frozenset({"planned_pairs"})


def publish_unit(unit: BusinessUnit, uow: EnrollmentUnitOfWork) -> None:
    """The unit is registered."""
    event = published.BusinessUnitRegistered.model_validate(
        {
            "business_unit_id": unit.business_unit_id,
            "code": unit.code,
            "grade_ladder": [{"grade": rung.grade, "rank": rung.rank} for rung in unit.ladder.rungs],
            "default_time_zone": unit.default_time_zone,
        }
    )
    uow.publish(event, sequence=unit.version)


def person_event(change: Change, change_set_id: UUID, change_set_size: int) -> published.PersonState:
    """The event of one published change of an import."""
    person, standing = change.person, change.person.standing
    team = opaque_code(str(person.business_unit_id), standing.team) if standing.team else None
    return _OF_CHANGE[change.kind](
        business_unit_id=person.business_unit_id,
        person_id=person.person_id,
        state=published.EmploymentState.EMPLOYED if person.employed else published.EmploymentState.LEFT,
        grade=standing.grade,
        grade_rank=standing.grade_rank,
        manager_id=standing.manager_id,
        dotted_line_manager_ids=standing.dotted_line_manager_ids,
        team_code=team,
        function=standing.function,
        region=standing.region,
        country=standing.country,
        project_codes=tuple(sorted(opaque_code(*project.split("|", 1)) for project in standing.projects)),
        reviewer_ids=standing.reviewer_ids,
        tenure_band=standing.tenure_band.value if standing.tenure_band else None,
        change_set_id=change_set_id,
        change_set_size=change_set_size,
        change_set_index=change.index or 0,
    )


def publish_program(model: type[published.ProgramSettings], program: Program, uow: EnrollmentUnitOfWork) -> None:
    """The program as it is now."""
    charter = program.charter
    settings = {name: value for name, value in plain_settings(program.settings).items() if name not in _NOT_PUBLISHED}
    state: dict[str, Any] = {
        **settings,
        "business_unit_id": program.business_unit_id,
        "program_id": program.program_id,
        "state": program.state.value,
        "settings_version": program.settings_version,
        "training_required": program.settings.training_required,
        "objectives": [objective.value for objective in charter.objectives] if charter else [],
        "metrics": [metric.value for metric in charter.metrics] if charter else [],
        "evaluation_design": charter.evaluation_design.value if charter else None,
        "accountable_owner_id": charter.accountable_owner_id if charter else None,
        "sponsor_id": program.sponsor_id,
        "facilitator_ids": program.facilitator_ids,
    }
    uow.publish(model.model_validate(state), sequence=program.version)


def publish_cohort(model: type[published.CohortFacts], cohort: Cohort, uow: EnrollmentUnitOfWork) -> None:
    """The cohort as it is now."""
    event = model(
        business_unit_id=cohort.business_unit_id,
        named_unit_ids=cohort.named_unit_ids,
        cohort_id=cohort.cohort_id,
        program_id=cohort.program_id,
        state=published.CohortState(cohort.state.value),
        settings_version=cohort.settings_version,
        enrollment_opens_on=cohort.enrollment_opens_on,
        enrollment_closes_on=cohort.enrollment_closes_on,
        starts_on=cohort.starts_on,
        ends_on=cohort.ends_on,
    )
    uow.publish(event, sequence=cohort.version)


def publish_participation(participation: Participation, uow: EnrollmentUnitOfWork) -> None:
    """The participation as it is now, by the event that its state is named after."""
    uow.publish(participation_event(participation), sequence=participation.version)


def participation_event(participation: Participation) -> Event:
    """The event that the participation's state is named after. Notes of the screening are never in it."""
    model = _OF_STATE[participation.state]
    application = participation.application
    state: dict[str, Any] = {
        "business_unit_id": participation.business_unit_id,
        "named_unit_ids": participation.named_unit_ids,
        "participation_id": participation.participation_id,
        "cohort_id": participation.cohort_id,
        "program_id": participation.program_id,
        "person_id": participation.person_id,
        "home_unit_id": participation.home_unit_id,
        "role": participation.role.value,
        "state": participation.state.value,
        "screening_passed": participation.screening_passed,
        "pair_ids": participation.pair_ids,
        "background_codes": participation.background_codes,
        "priority": participation.priority,
    }
    if application is not None:
        hours = application.hours
        state |= {
            "offers": [{"topic": item.topic, "level": item.level} for item in application.offers],
            "asks": [{"topic": item.topic, "level": item.level} for item in application.asks],
            "languages": [{"language": skill.language, "level": skill.level.value} for skill in application.languages],
            "time_zone": application.time_zone,
            "working_hours": {
                "start_minute": hours.start.hour * 60 + hours.start.minute,
                "end_minute": hours.end.hour * 60 + hours.end.minute,
            },
            "working_days": [_DAYS[day - 1] for day in hours.days],
            "capacity": application.capacity,
            "cadence_floor_days": application.cadence_floor_days,
            "values": application.declarations.values,
            "working_style": dict(application.declarations.style) or None,
            "preferred_channels": [channel.value for channel in application.declarations.channels],
        }
    return model.model_validate(state)
