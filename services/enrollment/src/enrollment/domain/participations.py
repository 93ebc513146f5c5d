"""Participations: a person in a cohort, in one role; the role belongs to the participation, not to the person (R0-02)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from chassis.ports import Conflict, InvalidInput

from enrollment.domain.declarations import Declarations
from enrollment.domain.languages import LanguageSkill, WorkingHours, check_time_zone, language_skills
from enrollment.domain.topics import TopicLevel, topic_levels

LARGEST_CAPACITY = 3
LONGEST_NOTES = 4_000
FIRST_CLASS, USUAL_CLASS, LAST_CLASS = 1, 2, 3
FLOOR_DAYS = (14, 42)


class Role(StrEnum):
    """A side of a pair. In a reverse program the mentor is the junior."""

    MENTOR = "mentor"
    MENTEE = "mentee"


class ParticipationState(StrEnum):
    """The way of a person through a cohort."""

    IDENTIFIED = "identified"
    NOMINATED = "nominated"
    INVITED = "invited"
    APPLIED = "applied"
    SCREENED = "screened"
    ADMITTED = "admitted"
    WAITLISTED = "waitlisted"
    MATCHED = "matched"
    ACTIVE = "active"
    COMPLETED = "completed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXCLUDED = "excluded"


class Decision(StrEnum):
    """What is decided about a candidate."""

    ADMIT = "admit"
    WAITLIST = "waitlist"
    DECLINE = "decline"


MAY_APPLY = frozenset(
    {
        ParticipationState.IDENTIFIED,
        ParticipationState.NOMINATED,
        ParticipationState.INVITED,
        ParticipationState.WITHDRAWN,
    }
)
HOLDS_A_PLACE = frozenset({ParticipationState.ADMITTED, ParticipationState.MATCHED, ParticipationState.ACTIVE})
MAY_BE_DECLINED = frozenset(
    {
        ParticipationState.NOMINATED,
        ParticipationState.APPLIED,
        ParticipationState.SCREENED,
        ParticipationState.WAITLISTED,
    }
)
MAY_WITHDRAW = MAY_BE_DECLINED | HOLDS_A_PLACE | {ParticipationState.IDENTIFIED, ParticipationState.INVITED}


@dataclass(frozen=True, slots=True)
class Application:
    """What a person declares. Skills come only from here, never from age, grade or function (R2-13).

    A mentor offers at least one topic, a mentee asks for at least one, each with a level. `cadence_floor_days` is the shortest cadence the
    person accepts. Raises InvalidInput naming the field that breaks a rule.
    """

    role: Role
    offers: tuple[TopicLevel, ...]
    asks: tuple[TopicLevel, ...]
    languages: tuple[LanguageSkill, ...]
    time_zone: str
    hours: WorkingHours
    capacity: int = 1
    cadence_floor_days: int | None = None
    declarations: Declarations = field(default_factory=Declarations)

    def __post_init__(self) -> None:
        topic_levels(self.offers, "offers")
        topic_levels(self.asks, "asks")
        language_skills(self.languages)
        check_time_zone(self.time_zone)
        if self.role is Role.MENTOR and not self.offers:
            raise InvalidInput(
                "a mentor offers at least one topic", field="offers", remedy="say what you know, and how well"
            )
        if self.role is Role.MENTEE and not self.asks:
            raise InvalidInput(
                "a mentee asks for at least one topic", field="asks", remedy="say what you want to learn, and how well"
            )
        if not self.languages:
            raise InvalidInput(
                "at least one language is needed", field="languages", remedy="name those you can talk in, A1 to C2"
            )
        if not 1 <= self.capacity <= LARGEST_CAPACITY:
            raise InvalidInput(
                "a capacity is 1 to 3", field="capacity", remedy="say how many pairs you can be in at once"
            )
        if self.cadence_floor_days is not None and not FLOOR_DAYS[0] <= self.cadence_floor_days <= FLOOR_DAYS[1]:
            raise InvalidInput(
                "a floor is 14 to 42 days", field="cadence_floor_days", remedy="leave it out for the program's cadence"
            )


@dataclass(slots=True)
class Participation:
    """A person in a cohort. Owned by the cohort's host unit; also visible to the person's own unit.

    `queue_number` is the place ever taken in the waitlist, counted up per cohort and role; None unless waitlisted.
    `pair_ids` are the pairs the person is in now, `past_pair_ids` those that ended or were left behind at a withdrawal, `pairs_completed`
    how many reached their agreed end. `background_codes` are opaque codes of life experience while the person's consent to compare it
    stands. `priority` is the class in which matching covers people, 1 first. `declares_groups`
    says that audit groups are held, by a consent to that purpose alone; `audit_version` counts what was published of them.
    """

    participation_id: UUID
    cohort_id: UUID
    program_id: UUID
    person_id: UUID
    business_unit_id: UUID
    home_unit_id: UUID
    role: Role
    state: ParticipationState
    application: Application | None = None
    screening_passed: bool | None = None
    screening_notes: str | None = None
    queue_number: int | None = None
    pair_ids: tuple[UUID, ...] = ()
    past_pair_ids: tuple[UUID, ...] = ()
    pairs_completed: int = 0
    nominated_by: UUID | None = None
    background_codes: tuple[str, ...] = ()
    priority: int = USUAL_CLASS
    version: int = 0
    audit_version: int = 0
    declares_groups: bool = False

    @property
    def named_unit_ids(self) -> tuple[UUID, ...]:
        """The units that see it: the host and the person's own."""
        return tuple(dict.fromkeys((self.business_unit_id, self.home_unit_id)))

    def _become(self, state: ParticipationState) -> None:
        self.state = state
        self.version += 1

    def nominate(self, by: UUID | None) -> None:
        """Somebody suggests the person, who must still apply. Raises Conflict when the person is in the cohort already."""
        if self.version:
            raise Conflict(
                f"the person is in this cohort already, as {self.role}, {self.state}", remedy="nothing needs to be done"
            )
        self.nominated_by = by
        self._become(ParticipationState.NOMINATED)

    def apply(self, application: Application, background_codes: tuple[str, ...] = ()) -> None:
        """The person applies, on their own or to complete a nomination; the application's role is the one that counts.

        Raises Conflict when they have applied already or were declined.
        """
        if self.version and self.state not in MAY_APPLY:
            raise Conflict(
                f"the person is in this cohort already, as {self.role}, {self.state}",
                remedy="withdraw first to apply anew",
            )
        self.application = application
        self.role = application.role
        self.background_codes = background_codes
        self.screening_passed, self.screening_notes, self.queue_number = None, None, None
        self._become(ParticipationState.APPLIED)

    def screen(self, passed: bool, notes: str | None) -> None:
        """Record the result of the screening. Raises Conflict unless the person has applied and not been screened."""
        if self.state is not ParticipationState.APPLIED:
            raise Conflict(
                f"only an application is screened; this one is {self.state}", remedy="wait for the application"
            )
        if notes is not None and len(notes) > LONGEST_NOTES:
            raise InvalidInput(f"notes have at most {LONGEST_NOTES} characters", field="notes", remedy="shorten them")
        self.screening_passed = passed
        self.screening_notes = notes
        self._become(ParticipationState.SCREENED)

    def admit(self, queue: WaitlistQueue) -> None:
        """Give the person a place, in turn.

        Raises Conflict when the screening was not passed, no place is free, or somebody has waited longer.
        """
        self._require_passed()
        if self.state not in {ParticipationState.SCREENED, ParticipationState.WAITLISTED}:
            raise Conflict(
                f"only a screened candidate is admitted; this one is {self.state}",
                remedy="screen the application first",
            )
        self._require_assessed()
        ahead = queue.ahead_of(self.queue_number)
        if ahead:
            raise Conflict(
                f"{ahead} waiting longer for a place as {self.role}",
                remedy="admit the first of the waitlist, or put this person on it",
            )
        if not queue.has_place:
            raise Conflict(f"no place as {self.role} is free", remedy="put the person on the waitlist")
        self.queue_number = None
        self._become(ParticipationState.ADMITTED)

    def waitlist(self, queue: WaitlistQueue) -> None:
        """Put the person at the end of the queue of their role. Raises Conflict unless screened with success."""
        self._require_passed()
        if self.state is not ParticipationState.SCREENED:
            raise Conflict(
                f"only a screened candidate waits; this one is {self.state}", remedy="screen the application first"
            )
        self._require_assessed()
        self.queue_number = queue.next_number
        self._become(ParticipationState.WAITLISTED)

    def rank(self, chosen: int | None, waited_before: bool) -> None:
        """Say in which class matching covers the person; to be followed by the decision, which publishes it (N10).

        Without a choice, who waited in vain in an earlier cohort of the program comes into the first class, everybody else into the second.
        Raises InvalidInput for another class than 1 to 3.
        """
        if chosen is not None and not FIRST_CLASS <= chosen <= LAST_CLASS:
            raise InvalidInput("a priority class is 1 to 3", field="priority", remedy="choose 1, 2 or 3")
        self.priority = chosen or (FIRST_CLASS if waited_before else USUAL_CLASS)

    def revoke_consent(self) -> bool:
        """The person's life experience is compared no more; whether it was. What they declared is published without it."""
        if not self.background_codes:
            return False
        self.background_codes = ()
        self.version += 1
        return True

    def keep_groups(self) -> None:
        """The person declares audit groups, or declares them anew. Raises Conflict when they take part no more."""
        if self.state not in MAY_WITHDRAW:
            raise Conflict(f"a participation that is {self.state} is not audited", remedy="nothing needs to be done")
        self.declares_groups = True
        self.audit_version += 1

    def drop_groups(self) -> bool:
        """The person's audit groups are held no more; whether they were."""
        if not self.declares_groups:
            return False
        self.declares_groups = False
        self.audit_version += 1
        return True

    def forget(self) -> bool:
        """The person is erased: they take part no more, and what they declared goes; whether anything has changed.

        What statistics need stays: the role, how far they came, their pairs.
        """
        if self.state in MAY_WITHDRAW:
            self.withdraw()
            self.application = None
            return True
        if self.application is None and not self.background_codes:
            return False
        self.application, self.background_codes = None, ()
        self.version += 1
        return True

    def decline(self) -> None:
        """Turn the candidate down; their life experience has lost its purpose.

        Raises Conflict when they hold a place or are out already.
        """
        if self.state not in MAY_BE_DECLINED:
            raise Conflict(
                f"a participation that is {self.state} is not declined", remedy="who holds a place can only withdraw"
            )
        self.queue_number = None
        self.background_codes = ()
        self._become(ParticipationState.DECLINED)

    def withdraw(self) -> None:
        """The person takes part no more, and need not say why; engagement ends their open pairs. Raises Conflict when out already.

        Their life experience has lost its purpose.
        """
        if self.state not in MAY_WITHDRAW:
            raise Conflict(f"a participation that is {self.state} is not withdrawn", remedy="nothing needs to be done")
        self.queue_number = None
        self.background_codes = ()
        self.past_pair_ids += self.pair_ids
        self.pair_ids = ()
        self._become(ParticipationState.WITHDRAWN)

    def knows_pair(self, pair_id: UUID) -> bool:
        """Whether the pair's forming has been heard of."""
        return pair_id in self.pair_ids or pair_id in self.past_pair_ids

    def join_pair(self, pair_id: UUID) -> bool:
        """A pair with the person was formed; whether that changes where they stand. Who has meanwhile withdrawn stays withdrawn."""
        if self.knows_pair(pair_id):
            return False
        if self.state not in HOLDS_A_PLACE | {ParticipationState.COMPLETED}:
            self.past_pair_ids += (pair_id,)
            return False
        self.pair_ids += (pair_id,)
        self._become(ParticipationState.MATCHED)
        return True

    def leave_pair(self, pair_id: UUID, *, completed: bool) -> bool:
        """A pair has ended; whether that changes where they stand.

        Matched while another pair is open; else completed when any was completed, admitted again when none was.
        """
        if pair_id not in self.pair_ids:
            return False
        self.pair_ids = tuple(other for other in self.pair_ids if other != pair_id)
        self.past_pair_ids += (pair_id,)
        self.pairs_completed += completed
        if self.pair_ids:
            self._become(ParticipationState.MATCHED)
        else:
            self._become(ParticipationState.COMPLETED if self.pairs_completed else ParticipationState.ADMITTED)
        return True

    def _require_passed(self) -> None:
        if self.screening_passed is False:
            raise Conflict("the screening was not passed", remedy="decline the candidate")

    def _require_assessed(self) -> None:
        """Nobody comes to matching without a whole profile (R2-15) and an assessment of their own (R0-39)."""
        if self.application is None:
            raise Conflict("the profile is not complete", remedy="let the person apply, then screen the application")
        if self.screening_passed is not True:
            raise Conflict("there is no assessment of this person", remedy="screen the application first")


@dataclass(frozen=True, slots=True)
class WaitlistQueue:
    """The waitlist of one cohort and role: first come, first served.

    `waiting` are the queue numbers of those who wait, `last_number` the highest ever given, `places` the limit (None: none) and `taken` how
    many hold a place.
    """

    waiting: tuple[int, ...]
    last_number: int
    places: int | None
    taken: int

    @property
    def has_place(self) -> bool:
        """Whether one more can be admitted."""
        return self.places is None or self.taken < self.places

    @property
    def next_number(self) -> int:
        """The number of whoever joins the queue now."""
        return self.last_number + 1

    def ahead_of(self, number: int | None) -> int:
        """How many wait longer than the holder of `number`; with None, how many wait at all."""
        return len(self.waiting) if number is None else sum(other < number for other in self.waiting)

    def without(self, number: int | None) -> WaitlistQueue:
        """The queue when the holder of `number` has left it; with None, as it is."""
        return self if number is None else replace(self, waiting=tuple(each for each in self.waiting if each != number))

    def admitting(self, number: int | None) -> WaitlistQueue:
        """The queue when somebody has got a place, who waited under `number` if they did."""
        return replace(self.without(number), taken=self.taken + 1)

    def joined(self) -> WaitlistQueue:
        """The queue when somebody has joined its end."""
        return replace(self, waiting=(*self.waiting, self.next_number), last_number=self.next_number)
