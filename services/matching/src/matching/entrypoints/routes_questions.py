"""Questions about a run that need solving again: is it what it says, why not those two, what would have helped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar
from uuid import UUID

from chassis.http import Read, ResponseBody, allow, problems
from chassis.ports import Conflict, Principal
from chassis.service import Service
from fastapi import APIRouter, Depends, Query, Request
from pydantic import ConfigDict, Field

from matching.application.replay_run import replay_run
from matching.bootstrap import settings_of, solver_of
from matching.domain.counterfactual import WhyNot, WhyNotReason
from matching.domain.relaxation import Relaxations
from matching.domain.sentences import Language, said
from matching.entrypoints.execution import answer_relaxations, answer_why_not, awake, certified
from matching.entrypoints.languages import Reader

router = APIRouter(prefix="/v1", tags=["runs"])

ANSWER_SECONDS = 15.0
"""How long a question may take; the gateway waits no longer."""

_Result = TypeVar("_Result")
_EXAMPLE_RUN_ID = "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69"


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(_service)]


class ReplayBody(ResponseBody):
    """Whether a run, solved again, gives the same certificate, byte for byte."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "run_id": _EXAMPLE_RUN_ID,
                    "replayable": True,
                    "identical": True,
                    "certificate_hash": "5f2b" * 16,
                    "replayed_hash": "5f2b" * 16,
                }
            ]
        }
    )

    run_id: UUID
    replayable: bool = Field(
        description="False when what the run was given is kept no more: somebody in it was erased."
    )
    identical: bool | None = Field(description="Null when it is not replayable.")
    certificate_hash: str
    replayed_hash: str | None


class WhyNotBody(ResponseBody):
    """Why a run did not propose two people to each other, and what that would have cost everybody."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reason": "costs_others",
                    "rules": [],
                    "score": 610,
                    "floor": 326,
                    "at_least": {"people_covered": 0, "score": -40},
                    "exactly": {"people_covered": 0, "score": -55},
                    "words": [],
                }
            ]
        }
    )

    reason: str = Field(
        description="proposed, excluded_by_rules, below_floor, costs_others, equal_by_ties or not_in_run."
    )
    rules: tuple[str, ...] = Field(description="The hard rules that forbid the pair.")
    score: int | None = Field(description="The pair's score; null when a rule forbids it.")
    floor: int | None = Field(description="The lowest score the run could keep everybody covered with.")
    at_least: Mapping[str, int] | None = Field(
        description="What the pair would cost at least by level, by the prices of the proof; the first level not 0 decides."
    )
    exactly: Mapping[str, int] | None = Field(
        description="What it does cost, by level, found by solving again with the pair forced; null unless asked for."
    )
    words: tuple[str, ...] = Field(description="The rules in words of the reader's language.")


class RelaxationsBody(ResponseBody):
    """What somebody without a pair could change of their own, at most two things, each verified by solving again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "outcome": "relaxable",
                    "relax": ["working_hours"],
                    "words": ["Wider or other working hours would open a place."],
                }
            ]
        }
    )

    outcome: str = Field(description="relaxable, no_capacity (nothing of their own would help), or not_available.")
    relax: tuple[str, ...] = Field(description="The rules to relax together.")
    words: tuple[str, ...]


@router.get("/runs/{run_id}/replay", response_model=ReplayBody, responses=problems(404, 409))
async def replay_run_route(
    run_id: UUID, read: Read, served: Served, principal: Annotated[Principal, allow("program_manager")]
) -> ReplayBody:
    """Solve what the run was given once more and compare both certificates byte for byte."""
    async with read() as views:
        run = await views.run(run_id, principal)
        content = await views.run_content(run_id, principal)

    async def certify(given: bytes) -> bytes:
        return await _answer(served, certified, settings_of(served), given)

    return ReplayBody.model_validate(await replay_run(run, content.given, certify))


@router.get("/runs/{run_id}/why-not", response_model=WhyNotBody, responses=problems(404, 409))
async def why_not_route(
    run_id: UUID,
    read: Read,
    served: Served,
    principal: Annotated[Principal, allow("program_manager")],
    language: Reader,
    mentor: Annotated[UUID, Query(description="The mentor's participation.")],
    mentee: Annotated[UUID, Query(description="The mentee's participation.")],
    exact: Annotated[bool, Query(description="Also solve again with the pair forced.")] = False,
) -> WhyNotBody:
    """Why the run did not propose these two: the rule, or what the pair would cost everybody."""
    async with read() as views:
        run = await views.run(run_id, principal)
        content = await views.run_content(run_id, principal)
        proposed = await views.proposes(run_id, mentor, mentee)
    if content.given is None or content.proof is None or run.certificate is None:
        raise Conflict("What the run was given is kept no more, or the run has no result.", remedy="Start a new run.")
    if proposed:
        return _why_not_body(WhyNot(WhyNotReason.PROPOSED), language)
    found: WhyNot = await _answer(
        served, answer_why_not, content.given, content.proof, run.certificate["input_hash"], (mentor, mentee), exact
    )
    return _why_not_body(found, language)


@router.get(
    "/runs/{run_id}/unmatched/{participation_id}/relaxations",
    response_model=RelaxationsBody,
    responses=problems(404, 409),
)
async def relaxations_route(
    run_id: UUID,
    participation_id: UUID,
    read: Read,
    served: Served,
    principal: Annotated[Principal, allow("program_manager")],
    language: Reader,
) -> RelaxationsBody:
    """What would have covered somebody without a pair: at most two rules to relax or waive."""
    async with read() as views:
        await views.unmatched_one(run_id, participation_id, principal)
        content = await views.run_content(run_id, principal)
    return await _relaxations(served, content.given, participation_id, language, own_only=False)


@router.get("/runs/{run_id}/own-relaxations", response_model=RelaxationsBody, responses=problems(404, 409))
async def own_relaxations_route(
    run_id: UUID,
    read: Read,
    served: Served,
    principal: Annotated[Principal, allow("participant")],
    language: Reader,
) -> RelaxationsBody:
    """What of your own you could change to be covered: languages, hours, topics; nothing of anybody else."""
    async with read() as views:
        participation_id, content = await views.own_unmatched_content(run_id, principal)
    return await _relaxations(served, content.given, participation_id, language, own_only=True)


async def _relaxations(
    served: Service, given: bytes | None, participation_id: UUID, language: Language, *, own_only: bool
) -> RelaxationsBody:
    if given is None:
        return RelaxationsBody(outcome="not_available", relax=(), words=())
    found: Relaxations = await _answer(served, answer_relaxations, given, participation_id, own_only)
    return RelaxationsBody(outcome=found.outcome, relax=found.relax, words=said(found.words, language))


def _why_not_body(found: WhyNot, language: Language) -> WhyNotBody:
    return WhyNotBody(
        reason=found.reason,
        rules=found.rules,
        score=found.score,
        floor=found.floor,
        at_least=found.at_least,
        exactly=found.exactly,
        words=found.words(language),
    )


async def _answer(served: Service, task: Callable[..., _Result], *arguments: Any) -> _Result:
    """What the task says. A process that has to be started first is not counted, and stays for the next question."""
    solver = solver_of(served)
    await solver.watched(None, awake)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await solver.watched(None, task, *arguments)
    except TimeoutError as error:
        raise Conflict(
            "Solving so large a run again takes longer than a request may last.",
            remedy="Ask without `exact`, or start a run.",
        ) from error
