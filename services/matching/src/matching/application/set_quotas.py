"""A program manager sets the limits of a cohort: fair shares of scarce places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.ports import check_version

from matching.application.access import own_cohort
from matching.application.ports import MatchingUnitOfWork
from matching.application.quota_size import require_size_for_quotas
from matching.domain.facts import Quota
from matching.domain.quota import CohortQuotas, check_quotas


@dataclass(frozen=True, slots=True)
class SetQuotas:
    """Replace all quotas of a cohort; `expected` is the version seen, where one was."""

    cohort_id: UUID
    quotas: Sequence[Quota]
    expected: int | None = None


async def set_quotas(command: SetQuotas, uow: MatchingUnitOfWork) -> CohortQuotas:
    """From the next run on these limits count.

    :raises NotVisible: no such cohort of the principal's unit.
    :raises InvalidInput: see `check_quotas`.
    :raises Conflict: see `require_size_for_quotas`.
    """
    cohort = await own_cohort(command.cohort_id, uow)
    participations = await uow.known_participations.of_cohort(cohort.cohort_id)
    require_size_for_quotas(command.quotas, participations)
    check_quotas(command.quotas, cohort.named_unit_ids, {one.participation_id: one.role for one in participations})
    quotas = await uow.quotas.get(cohort.cohort_id)
    if quotas is None:
        quotas = CohortQuotas(cohort.cohort_id, cohort.program_id, cohort.business_unit_id)
    check_version(quotas.version, command.expected)
    before = len(quotas.quotas)
    quotas.set(command.quotas)
    uow.quotas.put(quotas)
    uow.audit(
        "set-quotas",
        subject_id=cohort.cohort_id,
        business_unit_id=cohort.business_unit_id,
        before={"quotas": before},
        after={"quotas": len(quotas.quotas)},
    )
    return quotas
