"""Who was asked and has not answered is reminded, once."""

from __future__ import annotations

from matching.application.ports import MatchingUnitOfWork
from matching.application.tell_of_request import tell_asked
from matching.domain.notice import NoticeKind

REQUESTS_AT_ONCE = 200


async def remind_of_requests(uow: MatchingUnitOfWork) -> bool:
    """Remind of the requests that have waited long enough; True when there may be more."""
    due = await uow.requests.due_reminders(uow.now, REQUESTS_AT_ONCE)
    for request in due:
        if request.remind(uow.now):
            uow.requests.save(request)
            tell_asked(request, NoticeKind.REQUEST_REMINDER, uow)
    return len(due) == REQUESTS_AT_ONCE
