"""Participations: applying, nominating, screening, admitting, withdrawing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Annotated, Literal
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import NotVisible, Principal
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from enrollment.application.apply_to_cohort import ApplyToCohort, apply_to_cohort
from enrollment.application.decide_admission import DecideAdmission, decide_admission
from enrollment.application.nominate_person import NominatePerson, nominate_person
from enrollment.application.screen_candidate import ScreenCandidate, screen_candidate
from enrollment.application.views import ParticipationView
from enrollment.application.withdraw import Withdraw, withdraw
from enrollment.domain.declarations import MOST_VALUES, Channel, Declarations
from enrollment.domain.languages import LanguageLevel, LanguageSkill, WorkingHours
from enrollment.domain.life_experience import MOST_EXPERIENCES, LifeExperience, Purpose
from enrollment.domain.participations import (
    FIRST_CLASS,
    LAST_CLASS,
    LONGEST_NOTES,
    Application,
    Decision,
    Participation,
    ParticipationState,
    Role,
)
from enrollment.domain.topics import TopicLevel

router = APIRouter(prefix="/v1", tags=["participations"])
SEES = ("program_manager", "facilitator", "participant")

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_DAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


class TopicLevelBody(RequestBody):
    """A topic of the tree, and how well it is known or shall be: 1 has heard of it, 5 teaches it."""

    topic: str = Field(max_length=131, examples=["technology.ai"])
    level: int = Field(ge=1, le=5, examples=[4])


class LanguageSkillBody(RequestBody):
    """A language and how well it is spoken, by the Common European Framework."""

    language: str = Field(pattern="^[a-z]{2,3}$", examples=["en"])
    level: LanguageLevel = Field(examples=["C1"])


class WorkingHoursBody(RequestBody):
    """From when to when, in local time; an end before the start lies on the next day."""

    start: str = Field(pattern=_CLOCK, examples=["09:00"])
    end: str = Field(pattern=_CLOCK, examples=["17:30"])


class WorkingStyleBody(RequestBody):
    """Where a person places themself on each axis, 1 to 5; GET /v1/declarations says what the ends mean."""

    pace: int | None = Field(default=None, ge=1, le=5)
    structure: int | None = Field(default=None, ge=1, le=5)
    directness: int | None = Field(default=None, ge=1, le=5)
    formality: int | None = Field(default=None, ge=1, le=5)


class LifeExperienceBody(RequestBody):
    """Life experience to be compared, for this purpose alone. Nobody is shown it; the consent may be taken back at any time."""

    experiences: tuple[Annotated[str, Field(max_length=32)], ...] = Field(
        min_length=1, max_length=MOST_EXPERIENCES, examples=[["worked_abroad"]]
    )
    purpose: Purpose = Field(description="What it may be used for.", examples=["matching"])
    consent: bool = Field(description="Without consent nothing is taken.", examples=[True])


class ApplicationBody(RequestBody):
    """What a person offers, asks for and needs. Nothing here is about age."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "role": "mentor",
                    "offers": [{"topic": "technology.ai", "level": 4}],
                    "asks": [],
                    "languages": [{"language": "en", "level": "C1"}],
                    "time_zone": "Europe/London",
                    "working_hours": {"start": "09:00", "end": "17:30"},
                    "values": ["creativity", "independence"],
                    "working_style": {"pace": 4, "directness": 5},
                    "preferred_channels": ["video"],
                    "life_experience": {"experiences": ["worked_abroad"], "purpose": "matching", "consent": True},
                }
            ]
        }
    )

    role: Role
    offers: tuple[TopicLevelBody, ...] = Field(default=(), max_length=50)
    asks: tuple[TopicLevelBody, ...] = Field(default=(), max_length=50)
    languages: tuple[LanguageSkillBody, ...] = Field(min_length=1, max_length=12)
    time_zone: str = Field(max_length=64, examples=["Europe/London"])
    working_hours: WorkingHoursBody
    working_days: tuple[Day, ...] = Field(default=_DAYS[:5], min_length=1, max_length=7)
    capacity: int = Field(default=1, ge=1, le=3, description="How many pairs at once.")
    cadence_floor_days: int | None = Field(
        default=None, ge=14, le=42, description="The shortest cadence the person accepts."
    )
    values: tuple[Annotated[str, Field(max_length=32)], ...] = Field(
        default=(), max_length=MOST_VALUES, description="What matters to them at work; codes of GET /v1/declarations."
    )
    working_style: WorkingStyleBody | None = None
    preferred_channels: tuple[Channel, ...] = Field(
        default=(), max_length=len(Channel), description="Media they like to meet in."
    )
    confidence: int | None = Field(
        default=None, ge=1, le=5, description="How much they trust themself to find a partner on their own."
    )
    life_experience: LifeExperienceBody | None = Field(default=None, description="Opt-in.")


class NominationBody(RequestBody):
    """Somebody of one's own unit, suggested for a role."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"person_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69", "role": "mentee"}]}
    )

    person_id: UUID
    role: Role


class ScreeningBody(RequestBody):
    """The result of a screening. Notes are seen by the host unit's program managers only."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"passed": True, "notes": "Has the time, knows the topic."}]}
    )

    passed: bool
    notes: str | None = Field(default=None, max_length=LONGEST_NOTES)


class AdmissionBody(RequestBody):
    """The decision about a candidate."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"decision": "admit"}]})

    decision: Decision
    priority: int | None = Field(
        default=None,
        ge=FIRST_CLASS,
        le=LAST_CLASS,
        description="The class in which matching covers the person, 1 first. Left out: 1 for whom an earlier cohort of the"
        " program left without a pair, else 2.",
    )


class TopicLevelView(ResponseBody):
    """A topic with a level."""

    topic: str
    level: int


class LanguageSkillView(ResponseBody):
    """A language with a level."""

    language: str
    level: str


class ApplicationView(ResponseBody):
    """What the person declared."""

    offers: tuple[TopicLevelView, ...]
    asks: tuple[TopicLevelView, ...]
    languages: tuple[LanguageSkillView, ...]
    time_zone: str
    working_hours: WorkingHoursBody
    working_days: tuple[Day, ...]
    capacity: int
    cadence_floor_days: int | None
    values: tuple[str, ...]
    working_style: WorkingStyleBody | None
    preferred_channels: tuple[Channel, ...]


class ParticipationBody(ResponseBody):
    """A person in a cohort, in one role.

    `waitlist_position` counts from 1 and is null unless waiting; in lists also for cohorts that another unit hosts.
    """

    participation_id: UUID
    cohort_id: UUID
    program_id: UUID
    person_id: UUID
    business_unit_id: UUID
    home_unit_id: UUID
    role: Role
    state: str = Field(examples=["applied"])
    application: ApplicationView | None
    screening_passed: bool | None
    screening_notes: str | None
    waitlist_position: int | None
    priority: int = Field(description="The class in which matching covers the person, 1 first.", examples=[2])
    pair_ids: tuple[UUID, ...]
    version: int


def participation_body(shown: ParticipationView) -> ParticipationBody:
    """The participation as shown."""
    participation = shown.participation
    application = participation.application
    return ParticipationBody(
        participation_id=participation.participation_id,
        cohort_id=participation.cohort_id,
        program_id=participation.program_id,
        person_id=participation.person_id,
        business_unit_id=participation.business_unit_id,
        home_unit_id=participation.home_unit_id,
        role=participation.role,
        state=participation.state.value,
        application=None if application is None else _application_view(application),
        screening_passed=participation.screening_passed,
        screening_notes=shown.screening_notes,
        waitlist_position=shown.waitlist_position,
        priority=participation.priority,
        pair_ids=participation.pair_ids,
        version=participation.version,
    )


def changed_body(participation: Participation) -> ParticipationBody:
    """The participation as shown to who has just changed it."""
    return participation_body(ParticipationView(participation, None))


def _application_view(application: Application) -> ApplicationView:
    return ApplicationView(
        offers=tuple(TopicLevelView(topic=item.topic, level=item.level) for item in application.offers),
        asks=tuple(TopicLevelView(topic=item.topic, level=item.level) for item in application.asks),
        languages=tuple(
            LanguageSkillView(language=skill.language, level=skill.level.value) for skill in application.languages
        ),
        time_zone=application.time_zone,
        working_hours=WorkingHoursBody(
            start=application.hours.start.isoformat("minutes"), end=application.hours.end.isoformat("minutes")
        ),
        working_days=tuple(_DAYS[day - 1] for day in application.hours.days),
        capacity=application.capacity,
        cadence_floor_days=application.cadence_floor_days,
        values=application.declarations.values,
        working_style=WorkingStyleBody(**dict(application.declarations.style))
        if application.declarations.style
        else None,
        preferred_channels=application.declarations.channels,
    )


def _application(body: ApplicationBody) -> Application:
    return Application(
        role=body.role,
        offers=tuple(TopicLevel(item.topic, item.level) for item in body.offers),
        asks=tuple(TopicLevel(item.topic, item.level) for item in body.asks),
        languages=tuple(LanguageSkill(skill.language, skill.level) for skill in body.languages),
        time_zone=body.time_zone,
        hours=WorkingHours(
            time.fromisoformat(body.working_hours.start),
            time.fromisoformat(body.working_hours.end),
            tuple(sorted({_DAYS.index(day) + 1 for day in body.working_days})),
        ),
        capacity=body.capacity,
        cadence_floor_days=body.cadence_floor_days,
        declarations=Declarations.of(
            body.values,
            body.working_style.model_dump(exclude_none=True) if body.working_style is not None else None,
            body.preferred_channels,
            body.confidence,
        ),
    )


def _experience(body: LifeExperienceBody | None) -> LifeExperience | None:
    return None if body is None else LifeExperience.consented(body.experiences, body.purpose, consent=body.consent)


@router.post(
    "/cohorts/{cohort_id}/applications",
    status_code=201,
    response_model=ParticipationBody,
    responses=problems(404, 409, 422),
)
async def apply_route(
    cohort_id: UUID,
    body: ApplicationBody,
    read: Read,
    write: Write,
    principal: Annotated[Principal, allow("participant")],
) -> Response:
    """Apply for oneself, without anybody's nomination, or to complete one."""
    if principal.person_id is None:
        raise NotVisible("no such person")
    application, experience = _application(body), _experience(body.life_experience)
    async with read() as views:
        cohort = await views.cohort(cohort_id, principal)
        home_unit_id = await views.employed_unit(principal.person_id)
    command = ApplyToCohort(cohort_id, principal.person_id, home_unit_id, application, experience)
    return await write(
        lambda uow: apply_to_cohort(command, uow), present=changed_body, acting_for=cohort.business_unit_id
    )


@router.post(
    "/cohorts/{cohort_id}/nominations",
    status_code=201,
    response_model=ParticipationBody,
    responses=problems(404, 409, 422),
)
async def nominate_route(
    cohort_id: UUID,
    body: NominationBody,
    read: Read,
    write: Write,
    principal: Annotated[Principal, allow("program_manager")],
) -> Response:
    """Nominate somebody of one's own unit, who must still apply."""
    async with read() as views:
        cohort = await views.cohort(cohort_id, principal)
        home_unit_id = await views.employed_unit(body.person_id)
    command = NominatePerson(cohort_id, body.person_id, home_unit_id, body.role)
    return await write(
        lambda uow: nominate_person(command, uow), present=changed_body, acting_for=cohort.business_unit_id
    )


@router.get("/participations", response_model=Page[ParticipationBody])
async def list_participations(
    read: Read, cursor: Cursor, limit: Limit, principal: Annotated[Principal, allow(*SEES)],
    state: Annotated[ParticipationState | None, Query(description="Only in this state.")] = None,
) -> Page[ParticipationBody]:  # fmt: skip
    """Participations: a participant's own; a facilitator's programs'; all of the unit's cohorts and people for program managers."""
    async with read() as views:
        found = await views.participations(principal, None, state.value if state else None, cursor, limit + 1)
    return _participations(found, limit, principal)


@router.get("/cohorts/{cohort_id}/participations", response_model=Page[ParticipationBody], responses=problems(404))
async def list_cohort_participations(
    cohort_id: UUID, read: Read, cursor: Cursor, limit: Limit, principal: Annotated[Principal, allow(*SEES)],
    state: Annotated[ParticipationState | None, Query(description="Only in this state.")] = None,
) -> Page[ParticipationBody]:  # fmt: skip
    """Participations of one cohort, as far as the caller sees them."""
    async with read() as views:
        await views.cohort(cohort_id, principal)
        found = await views.participations(principal, cohort_id, state.value if state else None, cursor, limit + 1)
    return _participations(found, limit, principal)


def _participations(found: Sequence[ParticipationView], limit: int, principal: Principal) -> Page[ParticipationBody]:
    own = principal.business_unit_id
    shown = [
        view if view.participation.business_unit_id == own else ParticipationView(view.participation, None)
        for view in found
    ]
    return page(shown, limit=limit, key=lambda view: view.participation.participation_id, present=participation_body)


@router.get("/participations/{participation_id}", response_model=ParticipationBody, responses=problems(404))
async def get_participation(
    participation_id: UUID, read: Read, principal: Annotated[Principal, allow(*SEES)]
) -> ParticipationBody:
    """A participation, with the place in the waitlist if there is one."""
    async with read() as views:
        shown = await views.participation(participation_id, principal)
    host = shown.participation.business_unit_id
    if host != principal.business_unit_id:
        async with read(acting_for=host) as views:
            shown = ParticipationView(shown.participation, await views.waitlist_position(participation_id))
    return participation_body(shown)


@router.post(
    "/participations/{participation_id}/screening", response_model=ParticipationBody, responses=problems(404, 409, 422)
)
async def screen_route(
    participation_id: UUID, body: ScreeningBody, write: Write, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Record the result of a screening."""
    command = ScreenCandidate(participation_id, body.passed, body.notes)
    return await write(lambda uow: screen_candidate(command, uow), present=changed_body)


@router.post(
    "/participations/{participation_id}/admission", response_model=ParticipationBody, responses=problems(404, 409, 422)
)
async def admission_route(
    participation_id: UUID,
    body: AdmissionBody,
    read: Read,
    write: Write,
    principal: Annotated[Principal, allow("program_manager")],
) -> Response:
    """Admit, waitlist or decline a candidate. Places go to whoever has waited longest."""
    async with read() as views:
        shown = await views.participation(participation_id, principal)
    command = DecideAdmission(participation_id, shown.participation.cohort_id, body.decision, body.priority)
    return await write(lambda uow: decide_admission(command, uow), present=changed_body)


@router.post(
    "/participations/{participation_id}/withdrawal", response_model=ParticipationBody, responses=problems(404, 409)
)
async def withdrawal_route(
    participation_id: UUID,
    read: Read,
    write: Write,
    principal: Annotated[Principal, allow("participant", "program_manager")],
) -> Response:
    """Take part no more, without having to say why. Open pairs end."""
    async with read() as views:
        shown = await views.participation(participation_id, principal)
    participation = shown.participation
    is_self = participation.person_id == principal.person_id
    acting_for = participation.business_unit_id if is_self else None
    return await write(
        lambda uow: withdraw(Withdraw(participation_id), uow), present=changed_body, acting_for=acting_for
    )
