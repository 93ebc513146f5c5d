"""Requests end by themselves: when their time has passed."""

from __future__ import annotations

from matching.application.ports import MatchingUnitOfWork
from matching.application.tell_of_request import tell_of_end

REQUESTS_AT_ONCE = 200


async def expire_requests(uow: MatchingUnitOfWork) -> bool:
    """End the requests that were not answered in time; True when there may be more."""
    late = await uow.requests.late(uow.now, REQUESTS_AT_ONCE)
    for request in late:
        if request.expire(uow.now):
            uow.requests.save(request)
            tell_of_end(request, uow)
    return len(late) == REQUESTS_AT_ONCE
