"""Pairs: what a program and the two people see of them, training done, the right to end."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from engagement.application.dissolve_pair import DissolvePair, dissolve_pair
from engagement.application.record_training import RecordTraining, record_training
from engagement.application.views import (
    Channel,
    Ending,
    Formality,
    Health,
    MemberView,
    PairState,
    PairView,
    TrainingModule,
)

router = APIRouter(prefix="/v1", tags=["pairs"])

_EXAMPLE_ID = "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69"


class MemberBody(ResponseBody):
    """One of the two people, and what the pair's activation still waits for from them."""

    person_id: UUID
    participation_id: UUID
    has_signed: bool = Field(description="The agreement's current version.")
    completed_modules: tuple[TrainingModule, ...]
    outstanding_modules: tuple[TrainingModule, ...] = Field(description="Required before the pair becomes active.")


class RegularityBody(ResponseBody):
    """How many meetings the cadence called for since activation, and how many of those took place."""

    due: int
    kept: int
    ratio: float | None = Field(description="Kept by due; null while nothing has been due.", examples=[0.94])


class PairBody(ResponseBody):
    """A pair seen from outside: its metadata, nothing of what the two agreed on in words."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "pair_id": _EXAMPLE_ID,
                    "business_unit_id": "01990c3e-0000-7000-8000-000000000001",
                    "named_unit_ids": ["01990c3e-0000-7000-8000-000000000001"],
                    "program_id": "01990c3e-0000-7000-8000-000000000002",
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "state": "active",
                    "health": "on_track",
                    "formality": "standard",
                    "mentor": {
                        "person_id": "01990c3e-0000-7000-8000-000000000004",
                        "participation_id": "01990c3e-0000-7000-8000-000000000005",
                        "has_signed": True,
                        "completed_modules": ["mentor_onboarding"],
                        "outstanding_modules": [],
                    },
                    "mentee": {
                        "person_id": "01990c3e-0000-7000-8000-000000000006",
                        "participation_id": "01990c3e-0000-7000-8000-000000000007",
                        "has_signed": True,
                        "completed_modules": ["mentee_onboarding"],
                        "outstanding_modules": [],
                    },
                    "agreement_version": 2,
                    "agreement_in_force": 2,
                    "cadence_days": 21,
                    "duration_months": 12,
                    "channel": "video",
                    "formed_at": "2027-01-04T09:00:00Z",
                    "activated_at": "2027-01-08T09:00:00Z",
                    "ends_on": "2028-01-08",
                    "ended_at": None,
                    "last_held_at": "2027-01-26T09:00:00Z",
                    "due_at": "2027-02-16T09:00:00Z",
                    "meetings_held": 1,
                    "expected_meetings": 17,
                    "regularity": {"due": 1, "kept": 1, "ratio": 1.0},
                    "stalled_at": None,
                    "stalls": 0,
                    "trial_ends_at": None,
                    "trial_reminded_at": None,
                    "trial_confirmed": None,
                    "ending": None,
                }
            ]
        }
    )

    pair_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    program_id: UUID
    cohort_id: UUID
    state: PairState = Field(
        description="`quarantined`: paused for a check; both and the program see no more than that."
    )
    health: Health
    formality: Formality
    mentor: MemberBody
    mentee: MemberBody
    agreement_version: int
    agreement_in_force: int | None = Field(description="The last version both have signed.")
    cadence_days: int | None = Field(description="Null in a light program, which has no cadence.")
    duration_months: int
    channel: Channel | None = Field(description="The agreed medium.")
    formed_at: datetime
    activated_at: datetime | None
    ends_on: date
    ended_at: datetime | None
    last_held_at: datetime | None
    due_at: datetime | None = Field(description="When the next meeting is due.")
    meetings_held: int
    expected_meetings: int | None = Field(description="How many meetings fit into the duration at the agreed cadence.")
    regularity: RegularityBody | None
    stalled_at: datetime | None
    stalls: int
    trial_ends_at: datetime | None = Field(description="Null without a trial. A pause moves it.")
    trial_reminded_at: datetime | None = Field(
        description="When both were reminded that the trial is about to end: confirm, or leave."
    )
    trial_confirmed: bool | None = Field(
        description="On trial, whether the caller has confirmed; null for everybody but the two. The other's word is not shown."
    )
    ending: Ending | None = Field(
        description="What the pair ended through where that is nobody's doing; of any other end nothing is recorded."
    )


class TrainingBody(RequestBody):
    """A module of one's own training path that is done."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"module": "mentor_onboarding"}]})

    module: TrainingModule = Field(examples=["mentor_onboarding"])


class DissolutionBody(RequestBody):
    """Nothing is asked: no reason, no name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


def pair_body(view: PairView) -> PairBody:
    """A pair for the wire."""
    pair = view.pair
    regularity = view.regularity
    return PairBody(
        pair_id=pair.pair_id,
        business_unit_id=pair.business_unit_id,
        named_unit_ids=pair.named_unit_ids,
        program_id=pair.program_id,
        cohort_id=pair.cohort_id,
        state=pair.state,
        health=view.health,
        formality=pair.formality,
        mentor=_member_body(view.mentor),
        mentee=_member_body(view.mentee),
        agreement_version=pair.agreement_version,
        agreement_in_force=pair.agreement_in_force,
        cadence_days=pair.cadence_days,
        duration_months=pair.duration_months,
        channel=pair.channel,
        formed_at=pair.formed_at,
        activated_at=pair.activated_at,
        ends_on=pair.ends_at.date(),
        ended_at=pair.ended_at,
        last_held_at=pair.last_held_at,
        due_at=view.due_at,
        meetings_held=pair.meetings_held,
        expected_meetings=view.expected_meetings,
        regularity=None
        if regularity is None
        else RegularityBody(due=regularity.due, kept=regularity.kept, ratio=regularity.ratio),
        stalled_at=pair.stalled_at,
        stalls=pair.stalls,
        trial_ends_at=pair.trial_ends_at,
        trial_reminded_at=pair.trial_reminded_at,
        trial_confirmed=view.confirmed,
        ending=pair.ending,
    )


def _member_body(member: MemberView) -> MemberBody:
    return MemberBody(
        person_id=member.person_id,
        participation_id=member.participation_id,
        has_signed=member.has_signed,
        completed_modules=member.completed_modules,
        outstanding_modules=member.outstanding_modules,
    )


@router.get("/pairs", response_model=Page[PairBody])
async def list_pairs(
    read: Read,
    principal: Annotated[Principal, allow("participant", "program_manager", "facilitator")],
    cursor: Cursor,
    limit: Limit,
    cohort_id: Annotated[UUID | None, Query(description="Only pairs of this cohort.")] = None,
    state: Annotated[PairState | None, Query(description="Only pairs in this state.")] = None,
) -> Page[PairBody]:
    """Pairs in the order of their ids: a participant's own, a facilitator's programs', all of the unit's for a manager."""
    async with read() as views:
        found = await views.pairs(principal, cohort_id=cohort_id, state=state, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda view: view.pair.pair_id, present=pair_body)


@router.get("/pairs/{pair_id}", response_model=PairBody, responses=problems(404))
async def get_pair(
    pair_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("participant", "program_manager", "facilitator")],
) -> PairBody:
    """One pair, with its health and how regularly it has met."""
    async with read() as views:
        return pair_body(await views.pair(pair_id, principal))


@router.post("/pairs/{pair_id}/trainings", status_code=201, response_model=PairBody, responses=problems(404, 409))
async def record_training_route(
    pair_id: UUID,
    body: TrainingBody,
    write: Write,
    principal: Annotated[Principal, allow("participant")],
) -> Response:
    """Record a module of one's own path as done; the last one that is required makes a signed pair active."""
    command = RecordTraining(pair_id=pair_id, module=body.module)
    return await write(lambda uow: record_training(command, uow), present=pair_body)


@router.post("/pairs/{pair_id}/dissolution", status_code=201, response_model=PairBody, responses=problems(404, 409))
async def dissolve_pair_route(
    pair_id: UUID,
    body: DissolutionBody,
    write: Write,
    principal: Annotated[Principal, allow("participant", "program_manager")],
) -> Response:
    """End the pair, at once and without fault: the right of either side. Neither a reason nor who asked is recorded."""
    return await write(lambda uow: dissolve_pair(DissolvePair(pair_id=pair_id), uow), present=pair_body)
