"""What can be looked at, as plain values for the routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from matching.domain.explanation import UnmatchedReason, unmatched_words
from matching.domain.facts import Role
from matching.domain.match_run import MatchRun, RunState
from matching.domain.pair import MatchedTopic, Pair, PairState
from matching.domain.preferences import CONFIDENTIAL_PARTS

__all__ = [
    "Answer",
    "MatchedTopic",
    "OwnProposalView",
    "OwnUnmatchedView",
    "PackView",
    "PairState",
    "PairView",
    "Role",
    "RunContent",
    "RunState",
    "RunView",
    "UnmatchedView",
    "own_proposal_view",
    "pair_view",
    "run_view",
    "unmatched_view",
]


class Answer(StrEnum):
    """What a person has answered to a proposal."""

    NONE = "none"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class RunView:
    """A run for its program manager; what follows from a result is None or empty before there is one."""

    run_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    state: RunState
    outcome: str | None
    outdated: bool
    settings_version: int
    requested_at: datetime
    completed_at: datetime | None
    released_at: datetime | None
    certificate: Mapping[str, Any] | None
    certificate_hash: str | None
    timings: Mapping[str, int]
    proposals: int | None
    unmatched: Sequence[UnmatchedView]
    version: int
    keep_run_id: UUID | None = None
    deadline_seconds: int | None = None
    approved: bool = False
    replayable: bool = False
    stage: str | None = None
    share: int | None = None
    unmatched_count: int | None = None
    blocking: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class UnmatchedView:
    """An admitted person the run found no pair for, and why, as coded words for the program manager."""

    participation_id: UUID
    role: Role
    reason: str
    considered: int
    allowed: int
    broken: Mapping[str, int]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnUnmatchedView:
    """That the principal got no pair in the youngest released run of a cohort; nothing of anybody else."""

    run_id: UUID
    cohort_id: UUID
    participation_id: UUID
    role: Role
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunContent:
    """What a run was given and what proves its result, as they are kept; None when they were erased."""

    run_id: UUID
    given: bytes | None
    proof: bytes | None


@dataclass(frozen=True, slots=True)
class ProposedIn:
    """The run that proposes a pair, as (mentor participation, mentee participation): what it was given, its proof, and the
    seed of its rule for ties. None where they were erased or are not this unit's; no seed of a run that is not optimal.
    """

    pair: tuple[UUID, UUID]
    given: bytes | None
    proof: bytes | None
    seed: str | None


@dataclass(frozen=True, slots=True)
class PackView:
    """The fairness and governance pack of a run as it was computed: JSON text and its SHA-256."""

    text: str
    digest: str


@dataclass(frozen=True, slots=True)
class PairView:
    """A proposal or pair for its program manager, with what made the score: all parts but `CONFIDENTIAL_PARTS`."""

    pair_id: UUID
    run_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    state: PairState
    ended: bool
    mentor_id: UUID
    mentee_id: UUID
    mentor_participation_id: UUID
    mentee_participation_id: UUID
    score: int
    score_parts: Mapping[str, int]
    topics: tuple[MatchedTopic, ...]
    shared_languages: tuple[str, ...]
    overlap_minutes: int
    grade_gap: int
    words: tuple[str, ...]
    released_at: datetime | None
    expires_at: datetime | None
    formed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class OwnProposalView:
    """A proposal for one of the two people: the partner's id and why, nothing of the partner's facts or answer."""

    pair_id: UUID
    cohort_id: UUID
    program_id: UUID
    role: Role
    partner_id: UUID
    state: PairState
    own_answer: Answer
    topics: tuple[str, ...]
    words: tuple[str, ...]
    released_at: datetime
    expires_at: datetime
    formed_at: datetime | None
    version: int


def unmatched_view(document: Mapping[Any, Any]) -> UnmatchedView:
    """Somebody without a pair, out of a row or of what a run's result says."""
    counts = {"considered": document["considered"], "allowed": document["allowed"], "broken": document["broken"]}
    return UnmatchedView(
        participation_id=UUID(str(document["participation_id"])),
        role=Role(document["role"]),
        reason=document["reason"],
        words=unmatched_words(UnmatchedReason(document["reason"]), **counts),
        **counts,
    )


def run_view(run: MatchRun, *, replayable: bool = False, stage: str | None = None, share: int | None = None) -> RunView:
    """The run as its program manager sees it; `stage` and `share` (of 1000) say how far it is."""
    result = run.result
    running = run.state in (RunState.RUNNING, RunState.RELEASING)
    return RunView(
        run_id=run.run_id,
        cohort_id=run.cohort_id,
        program_id=run.program_id,
        business_unit_id=run.business_unit_id,
        state=run.state,
        outcome=None if result is None else result.outcome.value,
        outdated=run.outdated,
        settings_version=run.settings_version,
        requested_at=run.requested_at,
        completed_at=run.completed_at,
        released_at=run.released_at,
        certificate=None if result is None else result.certificate,
        certificate_hash=None if result is None else result.certificate_hash,
        timings={} if result is None else result.timings,
        proposals=None if result is None else result.proposals,
        unmatched=() if result is None else tuple(unmatched_view(item) for item in result.unmatched),
        version=run.version,
        keep_run_id=run.keep_run_id,
        deadline_seconds=run.deadline_seconds,
        approved=run.approved_by is not None,
        replayable=replayable,
        stage=stage if running else None,
        share=share if running else None,
        unmatched_count=None if result is None else result.unmatched_mentors + result.unmatched_mentees,
        blocking=() if result is None else result.blocking,
    )


def pair_view(pair: Pair, *, ended: bool) -> PairView:
    """The pair as its program manager sees it; `ended` is engagement's word."""
    return PairView(
        pair_id=pair.pair_id,
        run_id=pair.run_id,
        cohort_id=pair.cohort_id,
        program_id=pair.program_id,
        business_unit_id=pair.business_unit_id,
        state=pair.state,
        ended=ended,
        mentor_id=pair.mentor.person_id,
        mentee_id=pair.mentee.person_id,
        mentor_participation_id=pair.mentor.participation_id,
        mentee_participation_id=pair.mentee.participation_id,
        score=pair.fit.score,
        score_parts={name: part for name, part in pair.fit.parts.items() if name not in CONFIDENTIAL_PARTS},
        topics=pair.fit.topics,
        shared_languages=pair.fit.shared_languages,
        overlap_minutes=pair.fit.overlap_minutes,
        grade_gap=pair.fit.grade_gap,
        words=pair.fit.words,
        released_at=pair.released_at,
        expires_at=pair.expires_at,
        formed_at=pair.formed_at,
        version=pair.version,
    )


def own_proposal_view(pair: Pair, person_id: UUID | None) -> OwnProposalView:
    """The proposal as one of the two people sees it.

    :raises NotVisible: it is not released or not this person's.
    """
    side = pair.side_of(person_id)
    other = Role.MENTEE if side is Role.MENTOR else Role.MENTOR
    if pair.released_at is None or pair.expires_at is None:
        raise ValueError("a released proposal has its times")
    return OwnProposalView(
        pair_id=pair.pair_id,
        cohort_id=pair.cohort_id,
        program_id=pair.program_id,
        role=side,
        partner_id=pair.member(other).person_id,
        state=pair.state,
        own_answer=Answer.NONE if pair.member(side).accepted_at is None else Answer.ACCEPTED,
        topics=tuple(sorted({topic.topic for topic in pair.fit.topics})),
        words=pair.fit.words,
        released_at=pair.released_at,
        expires_at=pair.expires_at,
        formed_at=pair.formed_at,
        version=pair.version,
    )
