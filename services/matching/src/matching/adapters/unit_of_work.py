"""Matching's unit of work: the chassis's, with this service's repositories."""

from __future__ import annotations

from datetime import datetime

from chassis.database import UnitOfWork, WriteSession
from chassis.ports import Principal

from matching.adapters.repositories import Cohorts, EndedPairs, Pairs, Participations, People, Programs, Runs


class MatchingUnitOfWork(UnitOfWork):
    """See `application.ports.MatchingUnitOfWork`."""

    def __init__(self, session: WriteSession, now: datetime, principal: Principal) -> None:
        super().__init__(session, now, principal)
        self.runs = Runs(session)
        self.pairs = Pairs(session)
        self.known_people = People(session)
        self.known_programs = Programs(session)
        self.known_cohorts = Cohorts(session)
        self.known_participations = Participations(session)
        self.known_pairs = EndedPairs(session)
