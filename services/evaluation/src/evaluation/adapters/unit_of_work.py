"""Evaluation's unit of work: the chassis's, with this service's repositories."""

from __future__ import annotations

from datetime import datetime

from chassis.database import UnitOfWork, WriteSession
from chassis.ports import Principal

from evaluation.adapters.cohort_facts import CohortFactReader
from evaluation.adapters.known import BusinessUnits, Cohorts, Meetings, Pairs, Participations, Pauses, Programs, Runs
from evaluation.adapters.repositories import Answers, FinalReports, Grants, WaveKeys, Waves


class EvaluationUnitOfWork(UnitOfWork):
    """See `application.ports.EvaluationUnitOfWork`."""

    def __init__(self, session: WriteSession, now: datetime, principal: Principal) -> None:
        super().__init__(session, now, principal)
        self.known_business_units = BusinessUnits(session)
        self.known_programs = Programs(session)
        self.known_cohorts = Cohorts(session)
        self.known_participations = Participations(session)
        self.known_pairs = Pairs(session)
        self.known_pauses = Pauses(session)
        self.known_meetings = Meetings(session)
        self.known_runs = Runs(session)
        self.waves = Waves(session)
        self.signing_keys = WaveKeys(session)
        self.token_grants = Grants(session)
        self.responses = Answers(session)
        self.cohort_facts = CohortFactReader(session)
        self.evaluations = FinalReports(session)
