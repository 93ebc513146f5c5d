"""Matching's unit of work: the chassis's, with this service's repositories."""

from __future__ import annotations

from datetime import datetime

from chassis.database import UnitOfWork, WriteSession
from chassis.ports import Principal

from matching.adapters.governance import AuditGroupsHeard, Packs
from matching.adapters.guard import Books, Conflicts, Notices, Waivers
from matching.adapters.mode_repositories import (
    Places,
    PreferenceLists,
    Quotas,
    Requests,
    Reviews,
    Searches,
    Verdicts,
    WhatIfs,
)
from matching.adapters.repositories import Cohorts, EndedPairs, Pairs, Participations, People, Programs, Runs
from matching.adapters.run_records import RunRecords
from matching.domain.pair_review import ReviewVerdict


class MatchingUnitOfWork(UnitOfWork):
    """See `application.ports.MatchingUnitOfWork`."""

    def __init__(self, session: WriteSession, now: datetime, principal: Principal) -> None:
        super().__init__(session, now, principal)
        self.runs = Runs(session)
        self.run_records = RunRecords(session)
        self.pairs = Pairs(session)
        self.places = Places(session)
        self.searches = Searches(session)
        self.requests = Requests(session)
        self.preferences = PreferenceLists(session)
        self.quotas = Quotas(session)
        self.reviews = Reviews(session)
        self.locks = Verdicts(session, ReviewVerdict.LOCKED)
        self.rejections = Verdicts(session, ReviewVerdict.REJECTED)
        self.what_ifs = WhatIfs(session)
        self.conflicts = Conflicts(session)
        self.waivers = Waivers(session)
        self.guard = Books(session)
        self.notices = Notices(session)
        self.known_people = People(session)
        self.known_programs = Programs(session)
        self.known_cohorts = Cohorts(session)
        self.known_participations = Participations(session)
        self.known_pairs = EndedPairs(session)
        self.known_audit_groups = AuditGroupsHeard(session)
        self.governance = Packs(session)
