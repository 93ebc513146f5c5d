"""Requests end by themselves: when one of the two takes part no more or has found somebody else."""

from __future__ import annotations

from matching.application.ports import MatchingUnitOfWork
from matching.application.tell_of_request import tell_of_end

REQUESTS_AT_ONCE = 200


async def close_impossible_requests(uow: MatchingUnitOfWork) -> bool:
    """End the requests that can no longer become a pair; True when there may be more."""
    impossible = await uow.requests.impossible(REQUESTS_AT_ONCE)
    for request in impossible:
        if request.close(uow.now):
            uow.requests.save(request)
            tell_of_end(request, uow)
    return len(impossible) == REQUESTS_AT_ONCE
