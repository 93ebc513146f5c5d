"""What matching publishes: match runs, and pairs up to the moment they are formed."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Event, Part, SharedEvent
from contracts.fields import (
    CadenceDays,
    Count,
    GradeGap,
    Instant,
    LanguageCode,
    Level,
    Milliseconds,
    Minutes,
    Objective64,
    OpenEnum,
    Permille,
    Role,
    Sha256,
    TopicCode,
    Total,
    Version,
)


class RunState(OpenEnum):
    """The life of a run, as far as others see it."""

    COMPLETED = "completed"
    RELEASED = "released"
    UNKNOWN = "unknown"


class RunOutcome(OpenEnum):
    """What the solver proved."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    NOTHING_TO_MATCH = "nothing_to_match"
    FAILED = "failed"
    UNKNOWN = "unknown"


class HardRule(OpenEnum):
    """Why a mentor and a mentee may not be a pair."""

    SAME_PERSON = "same_person"
    DIRECTION = "direction"
    GRADE_GAP = "grade_gap"
    REPORTING_CHAIN = "reporting_chain"
    DOTTED_LINE = "dotted_line"
    SAME_TEAM = "same_team"
    SAME_PROJECT = "same_project"
    REVIEWER = "reviewer"
    EXCLUDED = "excluded"
    UNIT_POLICY = "unit_policy"
    SHARED_LANGUAGE = "shared_language"
    WORKING_HOURS = "working_hours"
    CAPACITY = "capacity"
    SUBSTANCE = "substance"
    ALREADY_PAIRED = "already_paired"
    NOT_EMPLOYED = "not_employed"
    UNKNOWN = "unknown"


class RuleCount(Part):
    """How many possible pairs one rule excluded."""

    rule: HardRule
    pairs: Count
    """At most ten million: where there are more, `all_pairs` says how many."""
    all_pairs: Total | None = None
    """All of them, however many."""


class MatchRunFacts(SharedEvent):
    """One reproducible optimisation over a snapshot of admitted participations."""

    TOPIC: ClassVar[str] = "updraft.matching.runs"
    KEY: ClassVar[str] = "run_id"

    run_id: UUID
    cohort_id: UUID
    program_id: UUID
    state: RunState
    outcome: RunOutcome
    settings_version: Version
    """The program's settings the run used."""
    mentors: Count
    mentees: Count
    possible_pairs: Count
    """Mentor and mentee combinations looked at."""
    allowed_pairs: Count
    """Those that no hard rule excluded."""
    all_possible_pairs: Total | None = None
    """As `possible_pairs`, which stops at ten million."""
    all_allowed_pairs: Total | None = None
    """As `allowed_pairs`, which stops at ten million."""
    excluded: Annotated[tuple[RuleCount, ...], Field(max_length=32)] = ()
    """Conflicts avoided, by rule; a pair excluded by several rules counts under each."""
    proposals: Count
    unmatched_mentors: Count
    unmatched_mentees: Count
    objective_levels: Annotated[tuple[Objective64, ...], Field(max_length=8)] = ()
    """Values of the lexicographic objective, most important first."""
    input_hash: Sha256
    """Of the snapshot; equal input gives equal result."""
    certificate_hash: Sha256
    """Of the stored certificate."""
    solve_milliseconds: Milliseconds
    completed_at: Instant
    released_at: Instant | None = None


class MatchRunCompleted(MatchRunFacts):
    """The result is stored; its proposals are not published yet."""


class MatchRunReleased(MatchRunFacts):
    """The proposals of this run are published; an event each follows."""


class ProposalState(OpenEnum):
    """The life of a proposed pair."""

    PROPOSED = "proposed"
    FORMED = "formed"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    QUARANTINED = "quarantined"
    ENDED = "ended"
    UNKNOWN = "unknown"


class Resolution(OpenEnum):
    """What became of a conflict that paused a pair."""

    WAIVED = "waived"
    CLEARED = "cleared"
    ENDED = "ended"
    UNKNOWN = "unknown"


class MatchedTopic(Part):
    """A topic that one of the two can teach the other: the substance of the match."""

    topic: TopicCode
    teacher: Role
    offered_level: Level
    asked_level: Level


class ProposedPairFacts(SharedEvent):
    """A mentor and a mentee whom a run put together, or who found each other. The id stays the pair's for its whole life."""

    TOPIC: ClassVar[str] = "updraft.matching.pairs"
    KEY: ClassVar[str] = "pair_id"

    pair_id: UUID
    run_id: UUID
    """The run that proposed the two; the id of the request where one of them has asked the other."""
    cohort_id: UUID
    program_id: UUID
    mentor_id: UUID
    """The mentor's person."""
    mentee_id: UUID
    """The mentee's person."""
    mentor_participation_id: UUID
    mentee_participation_id: UUID
    state: ProposalState
    score: Permille
    """The match's score of at most 1,000."""
    topics: Annotated[tuple[MatchedTopic, ...], Field(min_length=1, max_length=50)]
    """At least one substantive reason."""
    shared_languages: Annotated[tuple[LanguageCode, ...], Field(min_length=1, max_length=20)]
    overlap_minutes: Minutes
    """Shared working time of a day."""
    grade_gap: GradeGap
    """The mentee's rank less the mentor's."""
    cadence_floor_days: CadenceDays | None = None
    """The longer of the two people's own floors, if they set any."""
    proposed_at: Instant
    expires_at: Instant
    """When it ends unless both have accepted."""
    formed_at: Instant | None = None
    quarantined_at: Instant | None = None
    """Since when a conflict has been under examination; none while there is none."""
    resolution: Resolution | None = None
    """How the last examination ended; none before."""


class PairProposed(ProposedPairFacts):
    """Both people are asked."""


class PairFormed(ProposedPairFacts):
    """Both people have accepted; from here on the pair is engagement's."""


class PairDeclined(ProposedPairFacts):
    """One of the two has declined. Neither who nor why is said."""


class PairExpired(ProposedPairFacts):
    """Not both have accepted in time."""


class PairWithdrawn(ProposedPairFacts):
    """A proposal is taken back before both had accepted: a conflict of interest has come up. It may be made again."""


class PairQuarantined(ProposedPairFacts):
    """A formed pair is paused: a conflict of interest has come up and is being examined."""


class PairReinstated(ProposedPairFacts):
    """A quarantined pair goes on: the conflict is gone (`cleared`) or an approver has waived it (`waived`)."""


class PairHandedOver(ProposedPairFacts):
    """A quarantined pair ends without anybody's fault; both people are free for others."""


EVENTS: tuple[type[Event], ...] = (
    MatchRunCompleted,
    MatchRunReleased,
    PairProposed,
    PairFormed,
    PairDeclined,
    PairExpired,
    PairWithdrawn,
    PairQuarantined,
    PairReinstated,
    PairHandedOver,
)
