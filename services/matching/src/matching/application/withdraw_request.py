"""Who has asked takes the request back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible

from matching.application.ports import MatchingUnitOfWork
from matching.domain.match_request import MatchRequest


@dataclass(frozen=True, slots=True)
class WithdrawRequest:
    """The principal takes a request of theirs back."""

    request_id: UUID


async def withdraw_request(command: WithdrawRequest, uow: MatchingUnitOfWork) -> MatchRequest:
    """End the request.

    :raises NotVisible: no such request of the principal's own.
    :raises Conflict: the principal was asked, or the request has ended otherwise.
    """
    request = await uow.requests.get(command.request_id)
    if request is None:
        raise NotVisible("no such request")
    if request.withdraw(request.side_of(uow.principal.person_id), uow.now):
        uow.requests.save(request)
    return request
