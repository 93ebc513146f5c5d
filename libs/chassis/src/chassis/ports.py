"""What rules and use cases may know of the mechanism: who acts, how they refuse, what a unit of work offers.

Pure standard library, so that domain and application code stays free of drivers and frameworks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: the verified subject of a token, or the service itself when an event or the schedule acts.

    `person_id` and `business_unit_id` are absent for people who act across units (platform administrators) and for services.
    """

    subject: str
    person_id: UUID | None = None
    business_unit_id: UUID | None = None
    roles: frozenset[str] = frozenset()

    def has(self, *roles: str) -> bool:
        """Whether the principal holds at least one of the roles."""
        return not self.roles.isdisjoint(roles)


class Rejection(Exception):
    """A request that is refused. Becomes problem+json; names the field and the remedy where there is one."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad-request"

    def __init__(self, detail: str, *, field: str | None = None, remedy: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.remedy = remedy


class NotVisible(Rejection):
    """Nothing by this id that the principal may see: unknown, another unit's, or not granted; never said which."""

    status = 404
    code = "not-found"


class NotAllowed(Rejection):
    """The principal's role may never do this."""

    status = 403
    code = "not-allowed"


class Conflict(Rejection):
    """The state of the aggregate does not allow the command now."""

    status = 409
    code = "conflict"


class PreconditionFailed(Rejection):
    """The aggregate has changed since the version the caller names in If-Match."""

    status = 412
    code = "precondition-failed"


def check_version(version: int, expected: int | None) -> None:
    """Raises PreconditionFailed when the caller has seen another version; `expected` is None where the caller named none."""
    if expected is not None and expected != version:
        raise PreconditionFailed("it has changed since you read it", remedy="read it again, then decide")


class InvalidInput(Rejection):
    """A value breaks a rule; `field` names it and `remedy` says what to send instead."""

    status = 422
    code = "invalid-input"


class Missing(Exception):
    """An acting handler lacks a fact it builds on; the event is parked until something about `subject` is applied."""

    def __init__(self, event_type: str, subject: UUID) -> None:
        super().__init__(f"{event_type} about {subject} has not arrived")
        self.event_type = event_type
        self.subject = subject


class UnitOfWork(Protocol):
    """One transaction of one use case. The chassis opens and commits it; use cases only add to it."""

    principal: Principal

    @property
    def now(self) -> datetime:
        """The rules' clock: aware, UTC, the same through the whole unit of work."""

    def publish(self, event: Any, *, sequence: int) -> None:
        """Append `event` to the outbox; `sequence` is its aggregate's version after the change, counted from 1."""

    def audit(
        self,
        action: str,
        *,
        subject_id: UUID,
        business_unit_id: UUID,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Record who changed what: `action` is a kebab-case verb phrase such as `change-settings`."""
