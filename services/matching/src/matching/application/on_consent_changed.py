"""Enrollment has published a consent to audits, or that it is withdrawn: matching keeps the codes, or erases them (N7)."""

from __future__ import annotations

from contracts.enrollment import ConsentFacts, Purpose
from contracts.envelope import Envelope

from matching.application.governance_ports import KnownAuditGroups
from matching.application.ports import MatchingUnitOfWork


async def on_consent_changed(event: Envelope[ConsentFacts], uow: MatchingUnitOfWork) -> None:
    """Keep the newest version; another purpose than audits is none of matching's. Packs forget in which group the person stood."""
    consent = event.data
    if consent.purpose is not Purpose.AUDIT:
        return
    uow.known_audit_groups.put(
        KnownAuditGroups(
            participation_id=consent.participation_id,
            cohort_id=consent.cohort_id,
            person_id=consent.person_id,
            business_unit_id=consent.business_unit_id,
            codes={attribute.dimension: attribute.code for attribute in consent.attributes},
            sequence=event.sequence,
        )
    )
    await uow.governance.unlink(consent.participation_id)
