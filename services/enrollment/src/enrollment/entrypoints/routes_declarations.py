"""What can be declared in an application, the person's own life experience, and what the answers say about who should match."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.http import Read, ResponseBody, Write, allow, problems
from chassis.ports import NotVisible, Principal
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from enrollment.application.revoke_consent import RevokeConsent, revoke_consent
from enrollment.application.views import ExperienceView
from enrollment.domain.declarations import STYLE_AXES, VALUES, Channel, Choice, recommends_hr_run
from enrollment.domain.life_experience import EXPERIENCES, Purpose
from enrollment.domain.program_settings import MatchingMode
from enrollment.entrypoints.acting import personal_participation
from enrollment.entrypoints.routes_participations import ParticipationBody, changed_body

router = APIRouter(prefix="/v1", tags=["declarations"])


class ChoiceBody(ResponseBody):
    """Something that can be declared."""

    code: str = Field(examples=["creativity"])
    title: str


class AxisBody(ResponseBody):
    """An axis of working style: what its places 1 and 5 mean."""

    code: str = Field(examples=["pace"])
    lowest: str
    highest: str


class DeclarationsBody(ResponseBody):
    """Everything that an application's optional parts are chosen from."""

    values: tuple[ChoiceBody, ...]
    working_style: tuple[AxisBody, ...]
    channels: tuple[Channel, ...]
    experiences: tuple[ChoiceBody, ...]
    purposes: tuple[Purpose, ...]


class ExperienceBody(ResponseBody):
    """What one has declared of one's life, and for what purpose one consented; empty without a consent."""

    experiences: tuple[str, ...]
    purpose: str | None
    consented_at: datetime | None


class RecommendationBody(ResponseBody):
    """Who should match, going by how confident people are to find a partner themselves. None of their answers is shown."""

    cohort_id: UUID
    matching_mode: MatchingMode
    answers: int = Field(description="How many said how confident they are.")
    recommended_mode: MatchingMode | None = Field(
        description="hr_run where a third or more trust themselves little, else the mode as it is; null with too few answers."
    )


def _choice(choice: Choice) -> ChoiceBody:
    return ChoiceBody(code=choice.code, title=choice.title)


@router.get("/declarations", response_model=DeclarationsBody)
async def list_declarations(principal: Annotated[Principal, allow()]) -> DeclarationsBody:
    """What values, working style, channels and life experience are chosen from."""
    return DeclarationsBody(
        values=tuple(map(_choice, VALUES)),
        working_style=tuple(AxisBody(code=axis.code, lowest=axis.lowest, highest=axis.highest) for axis in STYLE_AXES),
        channels=tuple(Channel),
        experiences=tuple(map(_choice, EXPERIENCES)),
        purposes=tuple(Purpose),
    )


@router.get(
    "/participations/{participation_id}/life-experience", response_model=ExperienceBody, responses=problems(404)
)
async def get_life_experience(
    participation_id: UUID, read: Read, principal: Annotated[Principal, allow("participant")]
) -> ExperienceBody:
    """One's own life experience, which nobody else is shown."""
    participation = await personal_participation(read, principal, participation_id)
    async with read(acting_for=participation.business_unit_id) as views:
        held: ExperienceView | None = await views.experience(participation_id)
    if held is None:
        return ExperienceBody(experiences=(), purpose=None, consented_at=None)
    return ExperienceBody(experiences=held.experiences, purpose=held.purpose, consented_at=held.consented_at)


@router.delete(
    "/participations/{participation_id}/life-experience", response_model=ParticipationBody, responses=problems(404)
)
async def revoke_consent_route(
    participation_id: UUID, read: Read, write: Write, principal: Annotated[Principal, allow("participant")]
) -> Response:
    """Take the consent back, without having to say why: what was declared is erased, and no match uses it any more."""
    participation = await personal_participation(read, principal, participation_id)
    command = RevokeConsent(participation_id)
    return await write(
        lambda uow: revoke_consent(command, uow), present=changed_body, acting_for=participation.business_unit_id
    )


@router.get("/cohorts/{cohort_id}/matching-recommendation", response_model=RecommendationBody, responses=problems(404))
async def get_matching_recommendation(
    cohort_id: UUID, read: Read, principal: Annotated[Principal, allow("program_manager")]
) -> RecommendationBody:
    """Whether HR should match, by the confidence people stated when they applied; for the unit that hosts the cohort."""
    async with read() as views:
        cohort = await views.cohort(cohort_id, principal)
        if cohort.business_unit_id != principal.business_unit_id:
            raise NotVisible("no such cohort")
        program = await views.program(cohort.program_id, principal)
        said = await views.confidence(cohort_id)
    settings = program.settings
    recommended: MatchingMode | None = None
    if said.answers >= settings.suppression_threshold:
        recommended = MatchingMode.HR_RUN if recommends_hr_run(said.answers, said.low) else settings.matching_mode
    return RecommendationBody(
        cohort_id=cohort_id, matching_mode=settings.matching_mode, answers=said.answers, recommended_mode=recommended
    )
