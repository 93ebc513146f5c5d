"""Events of other services about a small made-up company and its cohort."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

from contracts.audit_groups import code_of
from contracts.engagement import PairDissolved, PairHealth, PairState
from contracts.enrollment import (
    AttributesConsented,
    CohortEnrollmentClosed,
    CohortState,
    ConsentedAttribute,
    ConsentWithdrawn,
    EmploymentState,
    LanguageSkill,
    ParticipantAdmitted,
    ParticipantWithdrawn,
    ParticipationState,
    PersonErased,
    PersonJoined,
    ProgramChartered,
    Purpose,
    ScoreWeights,
    TopicLevel,
    WorkingHours,
)
from contracts.envelope import Envelope
from contracts.examples import example
from contracts.fields import LanguageLevel, Role, Weekday
from contracts.identifiers import opaque_code, uuid7

NOW = datetime(2025, 2, 3, 9, tzinfo=UTC)
STARTS_ON = date(2025, 3, 3)


@dataclass
class Somebody:
    """A participant of the cohort: the person, the participation, their unit."""

    person: UUID
    participation: UUID
    unit: UUID
    role: Role


@dataclass
class World:
    """One cohort of a unit, with a guest unit named on it, and everything said about it so far."""

    unit: UUID = field(default_factory=uuid7)
    guest_unit: UUID = field(default_factory=uuid7)
    program: UUID = field(default_factory=uuid7)
    cohort: UUID = field(default_factory=uuid7)
    facilitator: UUID = field(default_factory=uuid7)
    events: list[Envelope[Any]] = field(default_factory=list)
    mentors: list[Somebody] = field(default_factory=list)
    mentees: list[Somebody] = field(default_factory=list)

    def say(self, event: Any, sequence: int) -> Envelope[Any]:
        """Wrap an event and remember it."""
        wrapped = Envelope.of(event, sequence=sequence, time=NOW)
        self.events.append(wrapped)
        return wrapped

    def program_chartered(self, sequence: int = 1, **changes: Any) -> Envelope[Any]:
        """The program's settings."""
        settings: dict[str, Any] = {
            "business_unit_id": self.unit,
            "program_id": self.program,
            "facilitator_ids": (self.facilitator,),
            "score_weights": ScoreWeights(topics=4, reciprocity=1, distance=1, language=1, hours=1),
        }
        return self.say(example(ProgramChartered, **(settings | changes)), sequence)

    def cohort_is(self, state: CohortState = CohortState.MATCHING, sequence: int = 1) -> Envelope[Any]:
        """The cohort, owned by the unit, with the guest unit named on it."""
        event = CohortEnrollmentClosed(
            business_unit_id=self.unit, named_unit_ids=(self.unit, self.guest_unit), cohort_id=self.cohort,
            program_id=self.program, state=state, settings_version=1, enrollment_opens_on=date(2025, 1, 1),
            enrollment_closes_on=date(2025, 2, 1), starts_on=STARTS_ON, ends_on=date(2026, 3, 3),
        )  # fmt: skip
        return self.say(event, sequence)

    def person(
        self, person: UUID, *, rank: int, unit: UUID | None = None, sequence: int = 1, **changes: Any
    ) -> Envelope[Any]:
        """Where a person stands."""
        values: dict[str, Any] = {
            "business_unit_id": unit or self.unit, "person_id": person, "state": EmploymentState.EMPLOYED,
            "grade": f"G{rank}", "grade_rank": rank, "team_code": opaque_code(str(person)), "country": "FR",
            "function": "it", "region": "emea", "change_set_id": uuid7(), "change_set_size": 1, "change_set_index": 0,
        }  # fmt: skip
        return self.say(PersonJoined(**{**values, **changes}), sequence)

    def participation(
        self,
        who: Somebody,
        sequence: int = 1,
        model: type[Any] = ParticipantAdmitted,
        state: ParticipationState = ParticipationState.ADMITTED,
        **changes: Any,
    ) -> Envelope[Any]:
        """An admitted mentor who offers AI, or a mentee who asks for it."""
        mentor = who.role is Role.MENTOR
        values: dict[str, Any] = {
            "business_unit_id": self.unit, "named_unit_ids": (self.unit, self.guest_unit),
            "participation_id": who.participation, "cohort_id": self.cohort, "program_id": self.program,
            "person_id": who.person, "home_unit_id": who.unit, "role": who.role, "state": state,
            "offers": (TopicLevel(topic="technology.ai", level=5),) if mentor else (),
            "asks": () if mentor else (TopicLevel(topic="technology.ai", level=3),),
            "languages": (LanguageSkill(language="en", level=LanguageLevel.C1),), "time_zone": "Europe/Paris",
            "working_hours": WorkingHours(start_minute=540, end_minute=1020),
            "working_days": (Weekday.MONDAY, Weekday.TUESDAY), "capacity": 1,
        }  # fmt: skip
        return self.say(model(**{**values, **changes}), sequence)

    def consents(self, who: Somebody, key: bytes, sequence: int = 1, **groups: str) -> Envelope[Any]:
        """Somebody declares groups for audits, as codes made with `key`; without groups the consent is withdrawn."""
        event = (AttributesConsented if groups else ConsentWithdrawn)(
            business_unit_id=self.unit, consent_id=uuid5(who.participation, "audit"), purpose=Purpose.AUDIT,
            participation_id=who.participation, cohort_id=self.cohort, person_id=who.person,
            attributes=tuple(
                ConsentedAttribute(dimension=dimension, code=code_of(key, who.participation, dimension, group))
                for dimension, group in groups.items()
            ),
        )  # fmt: skip
        return self.say(event, sequence)

    def mentor(self, rank: int = 2, unit: UUID | None = None, **changes: Any) -> Somebody:
        """Admit one more mentor."""
        return self._admit(Role.MENTOR, self.mentors, rank, unit, changes)

    def mentee(self, rank: int = 8, unit: UUID | None = None, **changes: Any) -> Somebody:
        """Admit one more mentee."""
        return self._admit(Role.MENTEE, self.mentees, rank, unit, changes)

    def _admit(
        self, role: Role, side: list[Somebody], rank: int, unit: UUID | None, changes: dict[str, Any]
    ) -> Somebody:
        who = Somebody(uuid7(), uuid7(), unit or self.unit, role)
        lines = {
            key: changes.pop(key) for key in ("manager_id", "dotted_line_manager_ids", "team_code") if key in changes
        }
        side.append(who)
        self.person(who.person, rank=rank, unit=who.unit, **lines)
        self.participation(who, **changes)
        return who

    def erased(self, who: Somebody, sequence: int = 2) -> list[Envelope[Any]]:
        """Enrollment has erased somebody: they withdraw, and nothing is known of them but a grade."""
        gone = PersonErased(
            business_unit_id=who.unit, person_id=who.person, state=EmploymentState.ERASED, grade="G1", grade_rank=1,
            change_set_id=uuid7(), change_set_size=1, change_set_index=0,
        )  # fmt: skip
        withdrawn = ParticipantWithdrawn(
            business_unit_id=self.unit, named_unit_ids=(self.unit, self.guest_unit), participation_id=who.participation,
            cohort_id=self.cohort, program_id=self.program, person_id=who.person, home_unit_id=who.unit, role=who.role,
            state=ParticipationState.WITHDRAWN,
        )  # fmt: skip
        return [self.say(withdrawn, sequence), self.say(gone, sequence)]

    def dissolved(self, pair: dict[str, Any], sequence: int = 5) -> Envelope[Any]:
        """Engagement says that a formed pair has ended; `pair` is matching's body of it."""
        event = PairDissolved(
            business_unit_id=self.unit, named_unit_ids=(self.unit,), pair_id=UUID(pair["pair_id"]),
            cohort_id=self.cohort, program_id=self.program, mentor_id=UUID(pair["mentor_id"]),
            mentee_id=UUID(pair["mentee_id"]), mentor_participation_id=UUID(pair["mentor_participation_id"]),
            mentee_participation_id=UUID(pair["mentee_participation_id"]), state=PairState.DISSOLVED,
            health=PairHealth.ENDED, agreement_version=1, formed_at=NOW, ends_on=date(2026, 3, 3),
        )  # fmt: skip
        return self.say(event, sequence)


def world(mentors: int = 1, mentees: int = 1) -> World:
    """A cohort being matched in which everybody may meet everybody."""
    made = World()
    made.program_chartered()
    made.cohort_is()
    for _ in range(mentors):
        made.mentor()
    for _ in range(mentees):
        made.mentee()
    return made
