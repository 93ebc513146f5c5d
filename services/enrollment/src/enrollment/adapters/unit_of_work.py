"""Enrollment's unit of work: the mechanism's, with enrollment's repositories."""

from __future__ import annotations

from datetime import datetime

from chassis.database import UnitOfWork, WriteSession
from chassis.ports import Principal

from enrollment.adapters.audit_groups import DeclaredGroups
from enrollment.adapters.erasures import Erasures
from enrollment.adapters.imports import Imports
from enrollment.adapters.repositories import BusinessUnits, Cohorts, Participations, People, Programs


class EnrollmentUnitOfWork(UnitOfWork):
    """One transaction of enrollment; see `application.ports.EnrollmentUnitOfWork`."""

    def __init__(self, session: WriteSession, now: datetime, principal: Principal) -> None:
        super().__init__(session, now, principal)
        self.business_units = BusinessUnits(session)
        self.people = People(session)
        self.programs = Programs(session)
        self.cohorts = Cohorts(session)
        self.participations = Participations(session)
        self.declared_groups = DeclaredGroups(session)
        self.erasures = Erasures(session)
        self.imports = Imports(session)
