"""Enrollment has registered a business unit: its code heads the reports of its cohorts."""

from __future__ import annotations

from contracts.enrollment import BusinessUnitRegistered
from contracts.envelope import Envelope

from evaluation.application.ports import EvaluationUnitOfWork, KnownBusinessUnit


async def on_business_unit_registered(event: Envelope[BusinessUnitRegistered], uow: EvaluationUnitOfWork) -> None:
    """Keep its code."""
    unit = event.data
    uow.known_business_units.put(KnownBusinessUnit(unit.business_unit_id, unit.code, event.sequence))
