"""Events of other services, as evaluation hears them: one cohort with some pairs, and their year."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts import engagement as g
from contracts import enrollment as e
from contracts import matching as m
from contracts.envelope import Envelope
from contracts.examples import example
from contracts.fields import Channel, Role
from contracts.identifiers import uuid7

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CADENCE = timedelta(days=21)


@dataclass(frozen=True)
class PairIds:
    """A pair and the people in it."""

    pair: UUID = field(default_factory=uuid7)
    mentor: UUID = field(default_factory=uuid7)
    mentee: UUID = field(default_factory=uuid7)
    mentor_participation: UUID = field(default_factory=uuid7)
    mentee_participation: UUID = field(default_factory=uuid7)


@dataclass(frozen=True)
class World:
    """The ids of one program with one cohort and its pairs."""

    unit: UUID = field(default_factory=uuid7)
    program: UUID = field(default_factory=uuid7)
    cohort: UUID = field(default_factory=uuid7)
    facilitator: UUID = field(default_factory=uuid7)
    pairs: tuple[PairIds, ...] = field(default_factory=lambda: tuple(PairIds() for _ in range(6)))
    guest_unit: UUID | None = None

    @property
    def units(self) -> tuple[UUID, ...]:
        """The units named on everything that is shared."""
        return (self.unit,) if self.guest_unit is None else (self.unit, self.guest_unit)

    @property
    def people(self) -> tuple[UUID, ...]:
        """Everybody in a pair, mentors first."""
        return tuple(pair.mentor for pair in self.pairs) + tuple(pair.mentee for pair in self.pairs)


def unit_registered(world: World, *, code: str = "HQ-DE") -> Envelope[e.BusinessUnitRegistered]:
    """The unit exists."""
    event = e.BusinessUnitRegistered(
        business_unit_id=world.unit,
        code=code,
        grade_ladder=(e.GradeRung(grade="G1", rank=1), e.GradeRung(grade="G9", rank=9)),
        default_time_zone="Europe/Berlin",
    )
    return Envelope.of(event, sequence=1, time=START)


def program(world: World, *, sequence: int = 1, **changes: Any) -> Envelope[e.ProgramChartered]:
    """The program is chartered, with the platform's defaults unless changed."""
    settings: dict[str, Any] = {
        "business_unit_id": world.unit,
        "program_id": world.program,
        "objectives": (e.Objective.PERSPECTIVE,),
        "metrics": (e.Metric.CADENCE_KEPT,),
        "facilitator_ids": (world.facilitator,),
    }
    return Envelope.of(example(e.ProgramChartered, **(settings | changes)), sequence=sequence, time=START)


_COHORT_STATES: dict[type[e.CohortFacts], e.CohortState] = {
    e.CohortOpened: e.CohortState.ENROLLING,
    e.CohortEnrollmentClosed: e.CohortState.MATCHING,
    e.CohortActivated: e.CohortState.ACTIVE,
    e.CohortEvaluationStarted: e.CohortState.EVALUATING,
    e.CohortClosed: e.CohortState.CLOSED,
}


def cohort(world: World, event: type[e.CohortFacts], *, settings_version: int = 1) -> Envelope[Any]:
    """The cohort in the state of the event; the sequence is the place in its life."""
    facts = event(
        business_unit_id=world.unit,
        named_unit_ids=world.units,
        cohort_id=world.cohort,
        program_id=world.program,
        state=_COHORT_STATES[event],
        settings_version=settings_version,
        enrollment_opens_on=date(2026, 1, 12),
        enrollment_closes_on=date(2026, 2, 9),
        starts_on=START.date(),
        ends_on=date(2027, 3, 2),
    )
    return Envelope.of(facts, sequence=list(_COHORT_STATES).index(event) + 1, time=START)


_WAY: tuple[tuple[type[e.ParticipationFacts], e.ParticipationState], ...] = (
    (e.ParticipantApplied, e.ParticipationState.APPLIED),
    (e.ParticipantScreened, e.ParticipationState.SCREENED),
    (e.ParticipantAdmitted, e.ParticipationState.ADMITTED),
    (e.ParticipantMatched, e.ParticipationState.MATCHED),
    (e.ParticipantCompleted, e.ParticipationState.COMPLETED),
)


def participations(world: World, *, stages: int = 4) -> list[Envelope[Any]]:
    """Everybody's way through the cohort, up to being matched unless told otherwise."""
    found = []
    for pair in world.pairs:
        for role, person, participation in (
            (Role.MENTOR, pair.mentor, pair.mentor_participation),
            (Role.MENTEE, pair.mentee, pair.mentee_participation),
        ):
            for sequence, (event, state) in enumerate(_WAY[:stages], start=1):
                facts = event(
                    business_unit_id=world.unit,
                    named_unit_ids=world.units,
                    participation_id=participation,
                    cohort_id=world.cohort,
                    program_id=world.program,
                    person_id=person,
                    home_unit_id=world.unit,
                    role=role,
                    state=state,
                )
                found.append(Envelope.of(facts, sequence=sequence, time=START))
    return found


def run_released(world: World) -> Envelope[m.MatchRunReleased]:
    """A match run was released."""
    event = m.MatchRunReleased(
        business_unit_id=world.unit,
        named_unit_ids=world.units,
        run_id=uuid7(),
        cohort_id=world.cohort,
        program_id=world.program,
        state=m.RunState.RELEASED,
        outcome=m.RunOutcome.OPTIMAL,
        settings_version=1,
        mentors=6,
        mentees=6,
        possible_pairs=36,
        allowed_pairs=25,
        excluded=(
            m.RuleCount(rule=m.HardRule.REPORTING_CHAIN, pairs=4),
            m.RuleCount(rule=m.HardRule.SAME_TEAM, pairs=8),
        ),
        proposals=6,
        unmatched_mentors=0,
        unmatched_mentees=0,
        input_hash="0" * 64,
        certificate_hash="1" * 64,
        solve_milliseconds=12,
        completed_at=START,
        released_at=START,
    )
    return Envelope.of(event, sequence=2, time=START)


def pair_formed(world: World, pair: PairIds, *, score: int = 700) -> Envelope[m.PairFormed]:
    """Both have accepted."""
    event = m.PairFormed(
        business_unit_id=world.unit,
        named_unit_ids=world.units,
        pair_id=pair.pair,
        run_id=uuid7(),
        cohort_id=world.cohort,
        program_id=world.program,
        mentor_id=pair.mentor,
        mentee_id=pair.mentee,
        mentor_participation_id=pair.mentor_participation,
        mentee_participation_id=pair.mentee_participation,
        state=m.ProposalState.FORMED,
        score=score,
        topics=(m.MatchedTopic(topic="technology.ai", teacher=Role.MENTOR, offered_level=4, asked_level=2),),
        shared_languages=("en",),
        overlap_minutes=240,
        grade_gap=4,
        proposed_at=START - timedelta(days=3),
        expires_at=START + timedelta(days=11),
        formed_at=START,
    )
    return Envelope.of(event, sequence=2, time=START)


def pair_checked(
    world: World, pair: PairIds, event: type[m.ProposedPairFacts], *, sequence: int, at: datetime
) -> Envelope[Any]:
    """A check of the pair begins or ends at that time."""
    states = {m.PairQuarantined: m.ProposalState.QUARANTINED, m.PairHandedOver: m.ProposalState.ENDED}
    facts = dict(pair_formed(world, pair).data) | {"state": states.get(event, m.ProposalState.FORMED)}
    return Envelope.of(event(**facts), sequence=sequence, time=at)


def pair_life(
    world: World, pair: PairIds, event: type[g.PairFacts], *, sequence: int, stalls: int = 0, **changes: Any
) -> Envelope[Any]:
    """What engagement says of a pair."""
    health = {
        g.PairStalled: g.PairHealth.STALLED,
        g.PairCompleted: g.PairHealth.ENDED,
        g.PairDissolved: g.PairHealth.ENDED,
    }
    states = {
        g.PairCompleted: g.PairState.COMPLETED,
        g.PairDissolved: g.PairState.DISSOLVED,
        g.AgreementSigned: g.PairState.FORMED,
    }
    facts: dict[str, Any] = {
        "business_unit_id": world.unit,
        "named_unit_ids": world.units,
        "pair_id": pair.pair,
        "cohort_id": world.cohort,
        "program_id": world.program,
        "mentor_id": pair.mentor,
        "mentee_id": pair.mentee,
        "mentor_participation_id": pair.mentor_participation,
        "mentee_participation_id": pair.mentee_participation,
        "state": states.get(event, g.PairState.ACTIVE),
        "health": health.get(event, g.PairHealth.NOT_STARTED if event is g.AgreementSigned else g.PairHealth.ON_TRACK),
        "agreement_version": 1,
        "cadence_days": 21,
        "stalls": stalls,
        "formed_at": START,
        "activated_at": None if event is g.AgreementSigned else START,
        "ends_on": date(2027, 3, 2),
        "ended_at": START + timedelta(days=365) if event in (g.PairCompleted, g.PairDissolved) else None,
    }  # fmt: skip
    return Envelope.of(event(**(facts | changes)), sequence=sequence, time=START + timedelta(days=sequence))


_MEETING_STATES: dict[type[g.MeetingFacts], g.MeetingState] = {
    g.MeetingScheduled: g.MeetingState.SCHEDULED,
    g.MeetingLogged: g.MeetingState.HELD,
    g.MeetingCancelled: g.MeetingState.CANCELLED,
    g.MeetingMissed: g.MeetingState.MISSED,
}


def meeting(
    world: World, pair: PairIds, event: type[g.MeetingFacts], *, meeting_id: UUID, at: datetime, sequence: int
) -> Envelope[Any]:
    """What became of a meeting that was set for `at`."""
    held = event is g.MeetingLogged
    facts = event(
        business_unit_id=world.unit,
        named_unit_ids=world.units,
        meeting_id=meeting_id,
        pair_id=pair.pair,
        cohort_id=world.cohort,
        program_id=world.program,
        state=_MEETING_STATES[event],
        scheduled_for=at,
        held_at=at if held else None,
        minutes=50 if held else None,
        channel=Channel.VIDEO if held else None,
        cancelled_by=Role.MENTEE if event is g.MeetingCancelled else None,
    )
    return Envelope.of(facts, sequence=sequence, time=at if sequence > 1 else at - timedelta(days=7))


def year_of(world: World) -> list[Envelope[Any]]:
    """Everything up to the end of the duration, each topic and aggregate in its order.

    Every sixth meeting is missed, every ninth cancelled; of two pairs that fall silent one meets again.
    """
    events: list[Envelope[Any]] = [
        unit_registered(world),
        program(world),
        cohort(world, e.CohortOpened),
        cohort(world, e.CohortEnrollmentClosed),
        *participations(world, stages=5),
        run_released(world),
    ]
    for place, pair in enumerate(world.pairs):
        events.append(pair_formed(world, pair, score=600 + 20 * place))
        life: list[tuple[type[g.PairFacts], int]] = [
            (g.AgreementSigned, 0),
            (g.AgreementSigned, 0),
            (g.PairActivated, 0),
        ]
        if place < 2:
            life.append((g.PairStalled, 1))
        if place == 0:
            life.append((g.PairActivated, 1))
        life.append((g.PairCompleted, 1 if place < 2 else 0))
        events += [
            pair_life(world, pair, event, sequence=number, stalls=stalls)
            for number, (event, stalls) in enumerate(life, start=1)
        ]
        for number in range(1, 18):
            outcome = {0: g.MeetingMissed, 3: g.MeetingCancelled}.get((number + place) % 6, g.MeetingLogged)
            meeting_id, at = uuid7(), START + CADENCE * number
            events.append(meeting(world, pair, g.MeetingScheduled, meeting_id=meeting_id, at=at, sequence=1))
            events.append(meeting(world, pair, outcome, meeting_id=meeting_id, at=at, sequence=2))
    return events
