"""Engagement's unit of work: the chassis's, with this service's repositories."""

from __future__ import annotations

from datetime import datetime

from chassis.database import UnitOfWork, WriteSession
from chassis.ports import Principal

from engagement.adapters.repositories import Agreements, Cohorts, Meetings, Pairs, Participations, Programs


class EngagementUnitOfWork(UnitOfWork):
    """See `application.ports.EngagementUnitOfWork`."""

    def __init__(self, session: WriteSession, now: datetime, principal: Principal) -> None:
        super().__init__(session, now, principal)
        self.pairs = Pairs(session)
        self.meetings = Meetings(session)
        self.agreements = Agreements(session)
        self.known_programs = Programs(session)
        self.known_cohorts = Cohorts(session)
        self.known_participations = Participations(session)
