"""Questions about a run that need solving again: is it what it says, why not those two, what would have helped, what others find."""

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
from matching.domain.comparison import MOST_PAIRS, Comparison
from matching.domain.counterfactual import WhyNot, WhyNotReason
from matching.domain.relaxation import Relaxations
from matching.domain.sentences import Language, said
from matching.domain.would_change import Holds, WouldChange
from matching.entrypoints.execution import (
    answer_comparison,
    answer_relaxations,
    answer_why_not,
    answer_would_change,
    awake,
    certified,
)
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
                    "words": ["With this pair the sum of all scores would fall by 55."],
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
    words: tuple[str, ...] = Field(
        description="In the reader's language: the rules, or what speaks against the pair and, of its costs, the one that counts most."
    )


class WouldChangeBody(ResponseBody):
    """What a proposal rests on, what the cohort would lose without it, and at which score it would give way."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "holds": "score",
                    "score": 610,
                    "gives_way_at": 571,
                    "points": 39,
                    "without": {"people_covered": 0, "floor": 0, "score": -38},
                    "mentor_meets": [],
                    "mentee_meets": ["01990c3e-0000-7000-8000-000000000009"],
                    "words": ["Another choice was nearly as good: a little less in common would have changed it."],
                }
            ]
        }
    )

    holds: str = Field(
        description="score (it would give way at a lower score), needed (at none: without it the cohort loses on a level above "
        "scores), locked, not_proposed, or not_proven (the run ended at its deadline)."
    )
    score: int | None = Field(description="The pair's score.")
    gives_way_at: int | None = Field(description="The highest score at which another result would be better.")
    points: int | None = Field(description="How many points of score lie between.")
    without: Mapping[str, int] = Field(
        description="The change of each level of the objective with the two kept apart; the first one not 0 decides."
    )
    mentor_meets: tuple[UUID, ...] = Field(description="Participations the mentor is proposed then.")
    mentee_meets: tuple[UUID, ...] = Field(description="Participations the mentee is proposed then.")
    words: tuple[str, ...]


class OwnWouldChangeBody(ResponseBody):
    """How firmly your proposal stands, in words; nothing of anybody else."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "available": True,
                    "words": ["Only a clearly lower score of this pair would have led to another choice."],
                }
            ]
        }
    )

    available: bool = Field(
        description="False where what the run was given is kept no more, or nothing is proven of it."
    )
    words: tuple[str, ...]


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


class MeasuresBody(ResponseBody):
    """What a way of matching made of the cohort; people who had a pair before are not counted, nor are locked pairs."""

    pairs: int
    mentors_covered: int
    mentees_covered: int
    mentors_unmatched: int
    mentees_unmatched: int
    score: int = Field(description="The sum of the scores of all pairs.")
    worst: int = Field(description="The lowest score of a pair; 0 without pairs.")
    across_units: int = Field(description="Pairs of people of two business units.")
    blocking_by_preference: int = Field(description="Pairs who both ranked each other above what they got.")
    blocking_by_score: int = Field(description="Pairs whose score is above the worst that each of the two got.")


_MEASURES: dict[str, Any] = {
    "pairs": 40, "mentors_covered": 40, "mentees_covered": 40, "mentors_unmatched": 0, "mentees_unmatched": 2, "score": 26400,
    "worst": 326, "across_units": 12, "blocking_by_preference": 1, "blocking_by_score": 9,
}  # fmt: skip


class ComparisonBody(ResponseBody):
    """A run beside two well-known ways of matching, on the same allowed pairs, scores, places and quotas."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "run_id": _EXAMPLE_RUN_ID,
                    "allowed_pairs": 1210,
                    "run": _MEASURES,
                    "greedy": _MEASURES | {"pairs": 37, "score": 24900, "worst": 101, "blocking_by_score": 0},
                    "stable": _MEASURES | {"pairs": 37, "score": 24870, "worst": 101, "blocking_by_preference": 0},
                }
            ]
        }
    )

    run_id: UUID
    allowed_pairs: int
    run: MeasuresBody
    greedy: MeasuresBody = Field(description="The best pair that is left, again and again.")
    stable: MeasuresBody | None = Field(
        description="Deferred acceptance by ranked preferences, then scores: equal to `greedy` where nobody ranked anybody."
        " Null where quotas apply."
    )


@router.get("/runs/{run_id}/comparison", response_model=ComparisonBody, responses=problems(404, 409))
async def comparison_route(
    run_id: UUID, read: Read, served: Served, principal: Annotated[Principal, allow("program_manager")]
) -> ComparisonBody:
    """Coverage and fit of the run beside a greedy and a stable matching of the same people."""
    async with read() as views:
        run = await views.run(run_id, principal)
        content = await views.run_content(run_id, principal)
        proposed = await views.proposed_pairs(run_id)
    if content.given is None or run.certificate is None:
        raise Conflict("What the run was given is kept no more, or the run has no result.", remedy="Start a new run.")
    found: Comparison | None = await _answer(
        served, answer_comparison, content.given, run.certificate["input_hash"], proposed
    )
    if found is None:
        raise Conflict(
            f"The cohort has more than {MOST_PAIRS} allowed pairs, more than are compared.",
            remedy="Compare a run of a smaller cohort.",
        )
    return ComparisonBody(
        run_id=run_id,
        allowed_pairs=found.allowed_pairs,
        run=MeasuresBody.model_validate(found.run),
        greedy=MeasuresBody.model_validate(found.greedy),
        stable=None if found.stable is None else MeasuresBody.model_validate(found.stable),
    )


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


@router.get("/runs/{run_id}/what-would-change", response_model=WouldChangeBody, responses=problems(404, 409))
async def what_would_change_route(
    run_id: UUID,
    read: Read,
    served: Served,
    principal: Annotated[Principal, allow("program_manager")],
    language: Reader,
    mentor: Annotated[UUID, Query(description="The mentor's participation.")],
    mentee: Annotated[UUID, Query(description="The mentee's participation.")],
) -> WouldChangeBody:
    """What would change that the run proposes these two, found by solving again with them apart and together."""
    async with read() as views:
        run = await views.run(run_id, principal)
        content = await views.run_content(run_id, principal)
        proposed = await views.proposes(run_id, mentor, mentee)
    if content.given is None or content.proof is None or run.certificate is None:
        raise Conflict("What the run was given is kept no more, or the run has no result.", remedy="Start a new run.")
    found = WouldChange(Holds.NOT_PROPOSED)
    if proposed and run.outcome == "bounded":
        found = WouldChange(Holds.NOT_PROVEN)
    elif proposed:
        seed = run.certificate["input_hash"]
        found = await _answer(served, answer_would_change, content.given, content.proof, seed, (mentor, mentee))
    return WouldChangeBody(
        holds=found.holds,
        score=found.score,
        gives_way_at=found.gives_way_at,
        points=found.points,
        without=found.without,
        mentor_meets=found.mentor_meets,
        mentee_meets=found.mentee_meets,
        words=said(found.words, language),
    )


@router.get("/proposals/{pair_id}/what-would-change", response_model=OwnWouldChangeBody, responses=problems(404, 409))
async def own_what_would_change_route(
    pair_id: UUID,
    read: Read,
    served: Served,
    principal: Annotated[Principal, allow("participant")],
    language: Reader,
) -> OwnWouldChangeBody:
    """How firmly a proposal made to you stands: whether others depend on it, or another choice was nearly as good."""
    async with read() as views:
        made_by = await views.own_proposed_in(pair_id, principal)
    if made_by.given is None or made_by.proof is None or made_by.seed is None:
        return OwnWouldChangeBody(available=False, words=())
    found: WouldChange = await _answer(
        served, answer_would_change, made_by.given, made_by.proof, made_by.seed, made_by.pair
    )
    return OwnWouldChangeBody(available=bool(found.words), words=said(found.words, language))


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
            remedy="Ask without `exact`, or start a what-if of the run.",
        ) from error
