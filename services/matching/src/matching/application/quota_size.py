"""Whether a cohort is small enough for quotas: a run with them lists every possible pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chassis.ports import Conflict

from matching.application.ports import KnownParticipation
from matching.domain.facts import Quota, Role
from matching.domain.quota import TooManyPairs, check_size_with_quotas


def require_size_for_quotas(quotas: Sequence[Quota], participations: Sequence[KnownParticipation]) -> None:
    """Refuse quotas on more people than a run with them takes; without quotas any number is fine.

    :raises Conflict: there are quotas, and more pairs of a mentor and a mentee who take part than they allow.
    """
    if not quotas:
        return
    sides = Counter(one.role for one in participations if one.may_be_matched)
    try:
        check_size_with_quotas(sides[Role.MENTOR], sides[Role.MENTEE])
    except TooManyPairs as found:
        raise Conflict(str(found), remedy=found.remedy) from None
