"""Match runs: asked for, looked at with certificate and explanations, released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from matching.application.approve_run import ApproveRun, approve_run
from matching.application.cancel_run import CancelRun, cancel_run
from matching.application.release_run import ReleaseRun, release_run
from matching.application.start_run import LEAST_DEADLINE, MOST_DEADLINE, StartRun, start_run
from matching.application.views import Role, RunState, RunView, UnmatchedView, run_view
from matching.domain.sentences import Language, said
from matching.entrypoints.languages import Reader
from matching.entrypoints.routes_pairs import EXAMPLE_PAIR, PairBody, pair_body

router = APIRouter(prefix="/v1", tags=["runs"])

FIRST_PROPOSALS = 100
_EXAMPLE_ID = "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69"
_EXAMPLE_RUN: dict[str, Any] = {
    "run_id": _EXAMPLE_ID,
    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
    "program_id": "01990c3e-0000-7000-8000-000000000002",
    "business_unit_id": "01990c3e-0000-7000-8000-000000000001",
    "state": "completed",
    "outcome": "optimal",
    "outdated": False,
    "settings_version": 1,
    "requested_at": "2027-01-04T09:00:00Z",
    "completed_at": "2027-01-04T09:00:02Z",
    "released_at": None,
    "proposal_count": 1,
    "certificate": {
        "format": 1,
        "status": "optimal",
        "violations": 0,
        "objective": [{"level": "people_covered", "value": 2}],
    },
    "certificate_hash": "5f2b" * 16,
    "timings": {"read": 20, "encode": 4, "survey": 2, "solve": 3, "explain": 1, "check": 8, "store": 9},
    "progress": None,
    "keep_run_id": None,
    "deadline_seconds": None,
    "approved": False,
    "replayable": True,
    "unmatched_count": 1,
    "blocking_pairs": [],
    "unmatched": [
        {
            "participation_id": "01990c3e-0000-7000-8000-000000000009",
            "role": "mentee",
            "reason": "rules_exclude_all",
            "considered": 3,
            "allowed": 0,
            "broken": {"same_team": 1, "shared_language": 3},
            "words": ["Everybody on the other side is excluded by at least one rule (3 considered)."],
        }
    ],
    "version": 1,
}


class UnmatchedBody(ResponseBody):
    """An admitted person the run found no pair for, and why."""

    participation_id: UUID
    role: Role
    reason: str = Field(examples=["rules_exclude_all"])
    considered: int = Field(description="People on the other side.")
    allowed: int = Field(description="Those of them that no rule excludes.")
    broken: Mapping[str, int] = Field(description="How many of them each rule excludes.")
    words: tuple[str, ...]


class ProgressBody(ResponseBody):
    """How far a run under way is."""

    stage: str = Field(examples=["solving"])
    share: int = Field(description="How much of the stage is done, of 1000.")


class StartRunBody(RequestBody):
    """How to match; everything may be left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep": None, "deadline_seconds": 600}]})

    keep: UUID | None = Field(
        default=None,
        description="A completed run of the cohort whose proposals are kept where that covers as many people.",
    )
    deadline_seconds: int | None = Field(
        default=None,
        ge=LEAST_DEADLINE,
        le=MOST_DEADLINE,
        description="When to stop solving with what is proven until then; such a run is `bounded` and needs an approval.",
    )


_ANY_HOW = StartRunBody()


class OwnUnmatchedBody(ResponseBody):
    """That you got no pair in the last round of a cohort."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "run_id": _EXAMPLE_ID,
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "participation_id": "01990c3e-0000-7000-8000-000000000009",
                    "role": "mentee",
                    "words": ["There was no place for you in this round."],
                }
            ]
        }
    )

    run_id: UUID
    cohort_id: UUID
    participation_id: UUID
    role: Role
    words: tuple[str, ...]


class OwnUnmatchedListBody(ResponseBody):
    """Where you got no pair; at most one entry a cohort."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": []}]})

    items: tuple[OwnUnmatchedBody, ...]


class RunBody(ResponseBody):
    """A match run. Certificate, timings and unmatched are there once it has completed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_RUN]})

    run_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    state: RunState
    outcome: str | None = Field(
        description="optimal, bounded, nothing_to_match or failed; null before it has completed."
    )
    outdated: bool = Field(description="People in the run have changed since; it cannot be released any more.")
    settings_version: int = Field(description="The program's settings the run used.")
    requested_at: datetime
    completed_at: datetime | None
    released_at: datetime | None
    proposal_count: int | None
    certificate: Mapping[str, Any] | None = Field(
        description="The same for the same input, byte for byte as canonical JSON (sorted keys, no spaces)."
    )
    certificate_hash: str | None = Field(description="SHA-256 of the certificate as canonical JSON.")
    timings: Mapping[str, int] = Field(description="Milliseconds a step; no part of the certificate.")
    progress: ProgressBody | None = Field(description="While it is running or being released.")
    keep_run_id: UUID | None = Field(description="The run whose proposals this one keeps where it can.")
    deadline_seconds: int | None
    approved: bool = Field(description="A bounded run may be released: somebody has approved it.")
    replayable: bool = Field(description="What the run was given is kept, so that it can be solved again.")
    unmatched: tuple[UnmatchedBody, ...] = Field(description="The first of them; all of them at `/unmatched`.")
    unmatched_count: int | None
    blocking_pairs: tuple[tuple[UUID, UUID], ...] = Field(
        description="The first participations (mentor, mentee) who ranked each other above whom they got."
    )
    version: int


class RunWithProposalsBody(RunBody):
    """A match run with the first page of its proposals, each with its explanation."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_EXAMPLE_RUN, "proposals": {"items": [EXAMPLE_PAIR], "next": None}}]}
    )

    proposals: Page[PairBody]


def _unmatched_body(view: UnmatchedView, language: Language) -> UnmatchedBody:
    return UnmatchedBody.model_validate(replace(view, words=said(view.words, language)))


def run_values(view: RunView, language: Language) -> dict[str, Any]:
    """The fields of a run's body."""
    return {
        "run_id": view.run_id,
        "cohort_id": view.cohort_id,
        "program_id": view.program_id,
        "business_unit_id": view.business_unit_id,
        "state": view.state,
        "outcome": view.outcome,
        "outdated": view.outdated,
        "settings_version": view.settings_version,
        "requested_at": view.requested_at,
        "completed_at": view.completed_at,
        "released_at": view.released_at,
        "proposal_count": view.proposals,
        "certificate": view.certificate,
        "certificate_hash": view.certificate_hash,
        "timings": view.timings,
        "progress": None if view.stage is None else ProgressBody(stage=view.stage, share=view.share or 0),
        "keep_run_id": view.keep_run_id,
        "deadline_seconds": view.deadline_seconds,
        "approved": view.approved,
        "replayable": view.replayable,
        "unmatched": tuple(_unmatched_body(item, language) for item in view.unmatched),
        "unmatched_count": view.unmatched_count,
        "blocking_pairs": tuple((UUID(mentor), UUID(mentee)) for mentor, mentee in view.blocking),
        "version": view.version,
    }


def run_body(view: RunView, language: Language = "en") -> RunBody:
    """A run without its proposals."""
    return RunBody(**run_values(view, language))


@router.post("/cohorts/{cohort_id}/runs", status_code=202, response_model=RunBody, responses=problems(404, 409))
async def start_run_route(
    cohort_id: UUID,
    write: Write,
    _principal: Annotated[Principal, allow("program_manager")],
    body: StartRunBody = _ANY_HOW,
) -> Response:
    """Ask for a match run of a cohort; a worker executes it. Poll the run at its Location."""
    return await write(
        lambda uow: start_run(StartRun(cohort_id, body.keep, body.deadline_seconds), uow),
        present=lambda run: run_body(run_view(run)),
        location=lambda run: f"/v1/runs/{run.run_id}",
    )


@router.get("/cohorts/{cohort_id}/runs", response_model=Page[RunBody], responses=problems(404))
async def list_runs_route(
    cohort_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager", "facilitator")],
    language: Reader,
    cursor: Cursor,
    limit: Limit,
) -> Page[RunBody]:
    """The runs of a cohort, the oldest first."""
    async with read() as views:
        found = await views.runs_of_cohort(cohort_id, principal, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda run: run.run_id, present=lambda run: run_body(run, language))


@router.get("/runs/{run_id}", response_model=RunWithProposalsBody, responses=problems(404))
async def get_run_route(
    run_id: UUID, read: Read, principal: Annotated[Principal, allow("program_manager", "facilitator")], language: Reader
) -> RunWithProposalsBody:
    """A run with certificate, timings, the unmatched and the first proposals; more of them at `/proposals`."""
    async with read() as views:
        run = await views.run(run_id, principal)
        found = await views.pairs_of_run(run_id, principal, after=None, limit=FIRST_PROPOSALS + 1)
    proposals = page(
        found, limit=FIRST_PROPOSALS, key=lambda pair: pair.pair_id, present=lambda pair: pair_body(pair, language)
    )
    return RunWithProposalsBody(**run_values(run, language), proposals=proposals)


@router.get("/runs/{run_id}/proposals", response_model=Page[PairBody], responses=problems(404))
async def list_run_proposals_route(
    run_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager", "facilitator")],
    language: Reader,
    cursor: Cursor,
    limit: Limit,
) -> Page[PairBody]:
    """What a run proposes, released or not, with the explanation of each pair."""
    async with read() as views:
        found = await views.pairs_of_run(run_id, principal, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda pair: pair.pair_id, present=lambda pair: pair_body(pair, language))


@router.get("/runs/{run_id}/unmatched", response_model=Page[UnmatchedBody], responses=problems(404))
async def list_run_unmatched_route(
    run_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager", "facilitator")],
    language: Reader,
    cursor: Cursor,
    limit: Limit,
) -> Page[UnmatchedBody]:
    """For whom a run found no pair, and why."""
    async with read() as views:
        found = await views.unmatched_of_run(run_id, principal, after=cursor, limit=limit + 1)
    return page(
        found, limit=limit, key=lambda item: item.participation_id, present=lambda item: _unmatched_body(item, language)
    )


@router.get("/unmatched", response_model=OwnUnmatchedListBody)
async def list_own_unmatched_route(
    read: Read, principal: Annotated[Principal, allow("participant")], language: Reader
) -> OwnUnmatchedListBody:
    """Where you got no pair in the last round; what you could change is at the run's `/own-relaxations`."""
    async with read() as views:
        found = await views.own_unmatched(principal)
    return OwnUnmatchedListBody(
        items=tuple(OwnUnmatchedBody.model_validate(replace(own, words=said(own.words, language))) for own in found)
    )


@router.post("/runs/{run_id}/cancel", response_model=RunBody, responses=problems(404, 409))
async def cancel_run_route(
    run_id: UUID, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Give up a queued or running run; solving stops within a second or two."""
    return await write(lambda uow: cancel_run(CancelRun(run_id), uow), present=lambda run: run_body(run_view(run)))


@router.post("/runs/{run_id}/approval", response_model=RunBody, responses=problems(404, 409))
async def approve_run_route(
    run_id: UUID, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Approve that a bounded run is released, by somebody else than you."""
    return await write(lambda uow: approve_run(ApproveRun(run_id), uow), present=lambda run: run_body(run_view(run)))


@router.post("/runs/{run_id}/release", response_model=RunBody, responses=problems(404, 409))
async def release_run_route(
    run_id: UUID, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Release a completed run: both people of each proposal are asked from now on.

    More than 500 proposals are released by a worker, all at once; the run is `releasing` until then.
    """
    return await write(lambda uow: release_run(ReleaseRun(run_id), uow), present=lambda run: run_body(run_view(run)))
