"""What is published of audit groups: keyed codes to matching alone, and that they are gone."""

from __future__ import annotations

from uuid import UUID, uuid5

from contracts.audit_groups import code_of
from contracts.enrollment import AttributesConsented, ConsentedAttribute, ConsentFacts, ConsentWithdrawn, Purpose

from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.audit_groups import AuditGroups
from enrollment.domain.participations import Participation


def consent_id_of(participation_id: UUID) -> UUID:
    """The id of a participation's consent to audits, the same however often it is given and withdrawn."""
    return uuid5(participation_id, Purpose.AUDIT.value)


def publish_groups(participation: Participation, groups: AuditGroups, key: bytes, uow: EnrollmentUnitOfWork) -> None:
    """The groups as they are now, as codes made with `key`."""
    attributes = tuple(
        ConsentedAttribute(dimension=dimension, code=code_of(key, participation.participation_id, dimension, group))
        for dimension, group in groups.groups
    )
    uow.publish(_facts(AttributesConsented, participation, attributes), sequence=participation.audit_version)


def forget_groups(participation: Participation, uow: EnrollmentUnitOfWork) -> bool:
    """Erase what the person declared for audits, here and wherever it was published; whether anything was held.

    The participation itself is still to be saved.
    """
    if not participation.drop_groups():
        return False
    uow.declared_groups.forget(participation)
    uow.publish(_facts(ConsentWithdrawn, participation, ()), sequence=participation.audit_version)
    return True


def _facts(
    model: type[ConsentFacts], participation: Participation, attributes: tuple[ConsentedAttribute, ...]
) -> ConsentFacts:
    return model(
        business_unit_id=participation.business_unit_id,
        consent_id=consent_id_of(participation.participation_id),
        purpose=Purpose.AUDIT,
        participation_id=participation.participation_id,
        cohort_id=participation.cohort_id,
        person_id=participation.person_id,
        attributes=attributes,
    )
