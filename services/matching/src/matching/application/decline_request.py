"""Who was asked says no. The asker is told that, and no reason."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible

from matching.application.ports import MatchingUnitOfWork
from matching.application.tell_of_request import tell_asker
from matching.domain.match_request import MatchRequest
from matching.domain.notice import NoticeKind


@dataclass(frozen=True, slots=True)
class DeclineRequest:
    """The principal declines."""

    request_id: UUID


async def decline_request(command: DeclineRequest, uow: MatchingUnitOfWork) -> MatchRequest:
    """End the request.

    :raises NotVisible: no such request to the principal.
    :raises Conflict: the principal has asked, or the request has ended otherwise.
    """
    request = await uow.requests.get(command.request_id)
    if request is None:
        raise NotVisible("no such request")
    if request.decline(request.side_of(uow.principal.person_id), uow.now):
        uow.requests.save(request)
        tell_asker(request, NoticeKind.REQUEST_DECLINED, uow)
    return request
