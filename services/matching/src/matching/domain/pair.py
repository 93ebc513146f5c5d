"""A pair from the moment a run suggests it until both people have accepted, or it will never be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.ports import Conflict, NotVisible

from matching.domain.facts import Role


class PairState(StrEnum):
    """`proposed` (by a run, seen by nobody else) → `released` → `formed`, or `declined`, `expired`.

    A conflict of interest turns `released` into `withdrawn`, and `formed` into `quarantined`; from there back to `formed`, or to
    `handed_over`.
    """

    PROPOSED = "proposed"
    RELEASED = "released"
    FORMED = "formed"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    QUARANTINED = "quarantined"
    HANDED_OVER = "handed_over"


class Resolution(StrEnum):
    """How an examination of a conflict ended: an approver waived it, it is gone, or it ended the pair."""

    WAIVED = "waived"
    CLEARED = "cleared"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Member:
    """One of the two: the person, their participation, and when they accepted."""

    person_id: UUID
    participation_id: UUID
    accepted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MatchedTopic:
    """A topic one can teach the other: `teacher` is the side that offers; levels are 1 to 5."""

    topic: str
    teacher: Role
    offered_level: int
    asked_level: int


@dataclass(frozen=True, slots=True)
class Fit:
    """Why the two fit, as stored: total and parts of the score (0 to 1000) and what stands behind them."""

    score: int
    parts: Mapping[str, int]
    topics: tuple[MatchedTopic, ...]
    shared_languages: tuple[str, ...]
    overlap_minutes: int
    grade_gap: int
    words: tuple[str, ...]


@dataclass(slots=True)
class Pair:
    """Two people whom a run put together. `version` counts published events; 0 before the release.

    `broken_rules` are those in conflict while the pair is quarantined, and those that withdrew or ended it.
    """

    pair_id: UUID
    run_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    mentor: Member
    mentee: Member
    fit: Fit
    cadence_floor_days: int | None = None
    state: PairState = PairState.PROPOSED
    released_at: datetime | None = None
    expires_at: datetime | None = None
    formed_at: datetime | None = None
    version: int = 0
    broken_rules: tuple[str, ...] = ()
    quarantined_at: datetime | None = None
    resolution: Resolution | None = None

    def side_of(self, person_id: UUID | None) -> Role:
        """The side of one of the two people.

        :raises NotVisible: the person is neither, or the pair is not released, which is the same to them.
        """
        if self.state is not PairState.PROPOSED and person_id is not None:
            if person_id == self.mentor.person_id:
                return Role.MENTOR
            if person_id == self.mentee.person_id:
                return Role.MENTEE
        raise NotVisible("no such proposal")

    def member(self, side: Role) -> Member:
        """The member on one side."""
        return self.mentor if side is Role.MENTOR else self.mentee

    def release(self, now: datetime, acceptance_days: int) -> None:
        """Ask both people; they have `acceptance_days`."""
        if self.state is not PairState.PROPOSED:
            raise Conflict("The proposal is released already.")
        self.state = PairState.RELEASED
        self.released_at = now
        self.expires_at = now + timedelta(days=acceptance_days)
        self.version += 1

    def accept(self, side: Role, now: datetime) -> bool:
        """One of the two accepts; True when this forms the pair, whichever of them comes second.

        Accepting again changes nothing.
        :raises Conflict: the proposal was declined or has expired.
        """
        if self.state in (PairState.FORMED, PairState.QUARANTINED):
            return False
        self._must_wait_for_answers(now)
        member = self.member(side)
        if member.accepted_at is None:
            accepted = Member(member.person_id, member.participation_id, now)
            if side is Role.MENTOR:
                self.mentor = accepted
            else:
                self.mentee = accepted
        if self.mentor.accepted_at is None or self.mentee.accepted_at is None:
            return False
        self.state = PairState.FORMED
        self.formed_at = now
        self.version += 1
        return True

    def decline(self, now: datetime) -> bool:
        """One of the two declines; True when this ends the proposal, False when it was declined before.

        :raises Conflict: the pair is formed or the proposal has expired.
        """
        if self.state is PairState.DECLINED:
            return False
        if self.state in (PairState.FORMED, PairState.QUARANTINED):
            raise Conflict("The pair is formed.", remedy="End it as a pair: dissolve it.")
        self._must_wait_for_answers(now)
        self.close()
        return True

    def close(self) -> None:
        """End a released proposal because one of the two takes part no more: by their choice, as a decline."""
        self.state = PairState.DECLINED
        self.version += 1

    def expire(self, now: datetime) -> bool:
        """End a released proposal whose time has passed; False when there is nothing to end."""
        if self.state is not PairState.RELEASED or not self._is_late(now):
            return False
        self.state = PairState.EXPIRED
        self.version += 1
        return True

    def withdraw(self, broken_rules: Sequence[str]) -> None:
        """Take a released proposal back, because its two people are in conflict."""
        self._must_be(PairState.RELEASED)
        self.state = PairState.WITHDRAWN
        self.broken_rules = tuple(broken_rules)
        self.version += 1

    def quarantine(self, broken_rules: Sequence[str], now: datetime) -> None:
        """Pause a formed pair, because its two people have come into conflict."""
        self._must_be(PairState.FORMED)
        self.state = PairState.QUARANTINED
        self.broken_rules = tuple(broken_rules)
        self.quarantined_at = now
        self.resolution = None
        self.version += 1

    def reinstate(self, resolution: Resolution) -> None:
        """Let a quarantined pair go on, because nothing is in conflict any more."""
        self._must_be(PairState.QUARANTINED)
        self.state = PairState.FORMED
        self.broken_rules = ()
        self.quarantined_at = None
        self.resolution = resolution
        self.version += 1

    def hand_over(self) -> None:
        """End a quarantined pair without anybody's fault; both places are free again.

        :raises Conflict: the pair is not quarantined.
        """
        self._must_be(PairState.QUARANTINED)
        self.state = PairState.HANDED_OVER
        self.quarantined_at = None
        self.resolution = Resolution.ENDED
        self.version += 1

    def _must_be(self, state: PairState) -> None:
        if self.state is not state:
            raise Conflict(f"The pair is {self.state.value}; only a {state.value} one allows this.")

    def _must_wait_for_answers(self, now: datetime) -> None:
        if self.state is not PairState.RELEASED or self._is_late(now):
            ended = self.state if self.state is not PairState.RELEASED else PairState.EXPIRED
            raise Conflict(f"The proposal is {ended.value}.")

    def _is_late(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at
