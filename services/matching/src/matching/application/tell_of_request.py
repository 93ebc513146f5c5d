"""What the two people of a request are told, each what concerns them."""

from __future__ import annotations

from contracts.identifiers import uuid7

from matching.application.ports import MatchingUnitOfWork
from matching.domain.match_request import MatchRequest
from matching.domain.notice import Notice, NoticeKind


def tell_asked(request: MatchRequest, kind: NoticeKind, uow: MatchingUnitOfWork) -> None:
    """A notice to who is asked; none while the request is not shown to them."""
    if request.shown_at is not None:
        person_id = request.asked.person_id
        uow.notices.add(Notice.of_request(request, kind, person_id, notice_id=uuid7(), now=uow.now))


def tell_asker(request: MatchRequest, kind: NoticeKind, uow: MatchingUnitOfWork) -> None:
    """A notice to who has asked."""
    person_id = request.member(request.asker).person_id
    uow.notices.add(Notice.of_request(request, kind, person_id, notice_id=uuid7(), now=uow.now))


def tell_of_end(request: MatchRequest, uow: MatchingUnitOfWork) -> None:
    """A notice to both, as far as they know of the request, that it has ended by itself."""
    tell_asker(request, NoticeKind.REQUEST_ENDED, uow)
    tell_asked(request, NoticeKind.REQUEST_ENDED, uow)
