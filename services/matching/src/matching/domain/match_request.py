"""One person asks another to be their mentor or mentee; the other answers, and nobody else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.ports import Conflict, NotVisible

from matching.domain.facts import PairType, Role
from matching.domain.pair import Fit, Member, Pair

MOST_OPEN_REQUESTS = 5
"""Requests somebody may have open at a time: enough to choose from, too few to ask everybody."""

MOST_TIMES_ASKED = 2
"""How often one person may ask the same other in a cohort; never again after a decline."""


class RequestState(StrEnum):
    """`open` → `accepted` (the pair is formed), `declined`, `withdrawn`, `expired`, or `closed`: it became impossible."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    CLOSED = "closed"


class AskingSide(StrEnum):
    """Whose requests begin a pair."""

    MENTEE = "mentee"
    MENTOR = "mentor"
    BOTH = "both"


def may_ask(side: Role, asking: AskingSide | None, pair_type: PairType) -> bool:
    """Whether people of a side may ask. Where the program does not say who asks, mentees find their own mentors (R0-30),
    and in a reciprocal program either side asks.
    """
    if asking is None:
        asking = AskingSide.BOTH if pair_type is PairType.RECIPROCAL else AskingSide.MENTEE
    return asking is AskingSide.BOTH or asking.value == side.value


def opposite(side: Role) -> Role:
    """The other side of a pair."""
    return Role.MENTEE if side is Role.MENTOR else Role.MENTOR


@dataclass(slots=True)
class MatchRequest:
    """A request between two participations of a cohort; `asker` is the side that asks.

    `checked` says that a worker has found no hard rule against the two since anything about them last changed; before the
    first time (`shown_at`) only the asker knows of the request. `people` are all whose facts that check has used, `mark` is the
    sum of the sequences of the two participations it has seen. A mentee of the program may have `mentors_per_mentee` mentors,
    which not every unit can look up. `version` is raised by every change that one of the two sees.
    """

    request_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    asker: Role
    mentor: Member
    mentee: Member
    asked_at: datetime
    remind_at: datetime
    expires_at: datetime
    mentors_per_mentee: int = 1
    state: RequestState = RequestState.OPEN
    checked: bool = False
    shown_at: datetime | None = None
    reminded_at: datetime | None = None
    answered_at: datetime | None = None
    people: tuple[UUID, ...] = ()
    mark: int = 0
    fit: Fit | None = None
    pair_id: UUID | None = None
    version: int = 1

    def member(self, side: Role) -> Member:
        """The member on one side."""
        return self.mentor if side is Role.MENTOR else self.mentee

    @property
    def asked(self) -> Member:
        """The member who is asked."""
        return self.member(opposite(self.asker))

    def side_of(self, person_id: UUID | None) -> Role:
        """The side of one of the two people.

        :raises NotVisible: the person is neither, or is asked and the request is not shown yet.
        """
        for side in Role:
            if person_id is not None and self.member(side).person_id == person_id:
                if side is not self.asker and self.shown_at is None:
                    break
                return side
        raise NotVisible("no such request")

    def pass_check(self, fit: Fit, people: Collection[UUID], mark: int, now: datetime) -> bool:
        """No hard rule stands against the two; True when the one who is asked sees the request from now on."""
        self.checked = True
        self.mark = mark
        self.fit = fit
        self.people = tuple(sorted(people))
        if self.shown_at is not None:
            return False
        self.shown_at = now
        return True

    def accept(self, side: Role, pair_id: UUID, mark: int, now: datetime) -> Pair:
        """The one who is asked agrees: the pair of the two, not yet released. `mark` is that of the participations now.

        :raises Conflict: asked by this very side, ended, or not checked since something changed.
        """
        self._must_be_answered_by(side, now)
        if not self.checked or self.fit is None or self.mark != mark:
            raise Conflict(
                "Something about one of you has changed and is being looked at.", remedy="Try again in a few seconds."
            )
        self.state = RequestState.ACCEPTED
        self.answered_at = now
        self.pair_id = pair_id
        self.version += 1
        return Pair(
            pair_id=pair_id,
            run_id=self.request_id,
            cohort_id=self.cohort_id,
            program_id=self.program_id,
            business_unit_id=self.business_unit_id,
            named_unit_ids=self.named_unit_ids,
            mentor=Member(self.mentor.person_id, self.mentor.participation_id),
            mentee=Member(self.mentee.person_id, self.mentee.participation_id),
            fit=self.fit,
        )

    def decline(self, side: Role, now: datetime) -> bool:
        """The one who is asked says no, without a reason; False when they had before.

        :raises Conflict: asked by this very side, or ended otherwise.
        """
        if self.state is RequestState.DECLINED and side is not self.asker:
            return False
        self._must_be_answered_by(side, now)
        self._end(RequestState.DECLINED, now)
        return True

    def withdraw(self, side: Role, now: datetime) -> bool:
        """The asker takes it back; False when they had before.

        :raises Conflict: asked by the other side, or ended otherwise.
        """
        if side is not self.asker:
            raise Conflict("You are asked; you have not asked.", remedy="Accept or decline.")
        if self.state is RequestState.WITHDRAWN:
            return False
        self._must_be_open(now)
        self._end(RequestState.WITHDRAWN, now)
        return True

    def expire(self, now: datetime) -> bool:
        """End it if its time has passed; False when there is nothing to end."""
        if self.state is not RequestState.OPEN or now < self.expires_at:
            return False
        self._end(RequestState.EXPIRED, now)
        return True

    def close(self, now: datetime) -> bool:
        """End it because it has become impossible; False when it has ended already."""
        if self.state is not RequestState.OPEN:
            return False
        self._end(RequestState.CLOSED, now)
        return True

    def remind(self, now: datetime) -> bool:
        """Note the one reminder; False when it is not due, was sent, or nobody sees the request yet."""
        waiting = self.state is RequestState.OPEN and self.shown_at is not None and self.reminded_at is None
        if not waiting or not self.remind_at <= now < self.expires_at:
            return False
        self.reminded_at = now
        return True

    def _must_be_answered_by(self, side: Role, now: datetime) -> None:
        if side is self.asker:
            raise Conflict("You have asked; the other answers.", remedy="Withdraw the request, or wait.")
        self._must_be_open(now)

    def _must_be_open(self, now: datetime) -> None:
        if self.state is not RequestState.OPEN or now >= self.expires_at:
            ended = self.state if self.state is not RequestState.OPEN else RequestState.EXPIRED
            raise Conflict(f"The request is {ended.value}.")

    def _end(self, state: RequestState, now: datetime) -> None:
        self.state = state
        self.answered_at = now
        self.version += 1


def check_may_ask_again(earlier: Collection[MatchRequest], side: Role, now: datetime) -> None:
    """Whether the person on `side` may ask once more, given all requests there were between the two.

    :raises Conflict: one is open in either direction, the other has declined, or was asked `MOST_TIMES_ASKED` times.
    """
    for request in earlier:
        if request.state is RequestState.OPEN and now < request.expires_at:
            if request.asker is side:
                raise Conflict("You have asked this person; the request is open.", remedy="Wait for the answer.")
            raise Conflict("This person has asked you; the request is open.", remedy="Accept or decline it.")
    own = [request for request in earlier if request.asker is side]
    if any(request.state is RequestState.DECLINED for request in own):
        raise Conflict("You have asked this person before; they have answered.", remedy="Ask somebody else.")
    if len(own) >= MOST_TIMES_ASKED:
        raise Conflict("You have asked this person as often as you may.", remedy="Ask somebody else.")
