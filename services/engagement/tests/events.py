"""Events of other services, as engagement hears them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts import enrollment as e
from contracts import matching as m
from contracts.envelope import Envelope
from contracts.examples import example
from contracts.fields import Role
from contracts.identifiers import uuid7

from .examples import START


@dataclass(frozen=True)
class World:
    """The ids of one program with one cohort and one pair."""

    unit: UUID = field(default_factory=uuid7)
    program: UUID = field(default_factory=uuid7)
    cohort: UUID = field(default_factory=uuid7)
    pair: UUID = field(default_factory=uuid7)
    mentor: UUID = field(default_factory=uuid7)
    mentee: UUID = field(default_factory=uuid7)
    mentor_participation: UUID = field(default_factory=uuid7)
    mentee_participation: UUID = field(default_factory=uuid7)
    facilitator: UUID = field(default_factory=uuid7)
    guest_unit: UUID | None = None

    @property
    def units(self) -> tuple[UUID, ...]:
        """The units named on everything that is shared."""
        return (self.unit,) if self.guest_unit is None else (self.unit, self.guest_unit)


def program(world: World, *, sequence: int = 2, **changes: Any) -> Envelope[e.ProgramChartered]:
    """The program is chartered, with the platform's defaults unless changed."""
    settings: dict[str, Any] = {
        "business_unit_id": world.unit,
        "program_id": world.program,
        "facilitator_ids": (world.facilitator,),
    }
    return Envelope.of(example(e.ProgramChartered, **(settings | changes)), sequence=sequence, time=START)


def cohort(world: World, *, sequence: int = 1) -> Envelope[e.CohortOpened]:
    """The cohort is open."""
    opened = e.CohortOpened(
        business_unit_id=world.unit,
        named_unit_ids=world.units,
        cohort_id=world.cohort,
        program_id=world.program,
        state=e.CohortState.ENROLLING,
        settings_version=1,
        enrollment_opens_on=date(2026, 12, 1),
        enrollment_closes_on=date(2026, 12, 24),
        starts_on=date(2027, 1, 4),
        ends_on=date(2028, 1, 4),
    )
    return Envelope.of(opened, sequence=sequence, time=START)


def participation(world: World, role: Role, *, sequence: int = 3) -> Envelope[e.ParticipantAdmitted]:
    """One of the two was admitted."""
    facts = _participation(world, role) | {"state": e.ParticipationState.ADMITTED}
    return Envelope.of(e.ParticipantAdmitted(**facts), sequence=sequence, time=START)


def withdrawal(world: World, role: Role, *, sequence: int = 4) -> Envelope[e.ParticipantWithdrawn]:
    """One of the two has withdrawn."""
    facts = _participation(world, role) | {"state": e.ParticipationState.WITHDRAWN}
    return Envelope.of(e.ParticipantWithdrawn(**facts), sequence=sequence, time=START)


def _participation(world: World, role: Role) -> dict[str, Any]:
    mentor = role is Role.MENTOR
    return {
        "business_unit_id": world.unit,
        "named_unit_ids": world.units,
        "participation_id": world.mentor_participation if mentor else world.mentee_participation,
        "cohort_id": world.cohort,
        "program_id": world.program,
        "person_id": world.mentor if mentor else world.mentee,
        "home_unit_id": world.unit,
        "role": role,
    }


def pair_formed(world: World, *, sequence: int = 2, **changes: Any) -> Envelope[m.PairFormed]:
    """Both have accepted."""
    facts: dict[str, Any] = {
        "business_unit_id": world.unit,
        "named_unit_ids": world.units,
        "pair_id": world.pair,
        "run_id": uuid7(),
        "cohort_id": world.cohort,
        "program_id": world.program,
        "mentor_id": world.mentor,
        "mentee_id": world.mentee,
        "mentor_participation_id": world.mentor_participation,
        "mentee_participation_id": world.mentee_participation,
        "state": m.ProposalState.FORMED,
        "score": 800,
        "topics": (
            m.MatchedTopic(topic="technology.ai", teacher=Role.MENTOR, offered_level=4, asked_level=2),
            m.MatchedTopic(topic="trends.culture", teacher=Role.MENTEE, offered_level=4, asked_level=2),
        ),
        "shared_languages": ("de", "en"),
        "overlap_minutes": 240,
        "grade_gap": 4,
        "proposed_at": START - timedelta(days=3),
        "expires_at": START + timedelta(days=11),
        "formed_at": START,
    }
    return Envelope.of(m.PairFormed(**(facts | changes)), sequence=sequence, time=START)


def pair_quarantined(world: World, at: datetime, *, sequence: int = 3) -> Envelope[m.PairQuarantined]:
    """A conflict has come up at that time."""
    facts = _examined(world, m.ProposalState.QUARANTINED) | {
        "quarantined_at": at,
    }
    return Envelope.of(m.PairQuarantined(**facts), sequence=sequence, time=at)


def pair_reinstated(world: World, at: datetime, *, sequence: int = 4) -> Envelope[m.PairReinstated]:
    """The conflict was waived at that time."""
    facts = _examined(world, m.ProposalState.FORMED) | {"resolution": m.Resolution.WAIVED}
    return Envelope.of(m.PairReinstated(**facts), sequence=sequence, time=at)


def pair_handed_over(world: World, at: datetime, *, sequence: int = 4) -> Envelope[m.PairHandedOver]:
    """Other pairs have resolved the conflict at that time."""
    facts = _examined(world, m.ProposalState.ENDED) | {"resolution": m.Resolution.ENDED}
    return Envelope.of(m.PairHandedOver(**facts), sequence=sequence, time=at)


def _examined(world: World, state: m.ProposalState) -> dict[str, Any]:
    return dict(pair_formed(world).data) | {"state": state}
