"""A program manager ends a quarantined pair, so that both people can go on with somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible
from contracts.identifiers import uuid7
from contracts.matching import PairHandedOver

from matching.application.facts import publish_pair
from matching.application.ports import MatchingUnitOfWork
from matching.application.start_run import StartRun, start_run
from matching.domain.notice import Notice, NoticeKind
from matching.domain.pair import Pair


@dataclass(frozen=True, slots=True)
class HandOverPair:
    """End the pair; with `match_again` a run of its cohort is asked for at once, so that both find somebody else."""

    pair_id: UUID
    match_again: bool = False


async def hand_over_pair(command: HandOverPair, uow: MatchingUnitOfWork) -> Pair:
    """End a quarantined pair without anybody's fault; both places are free from here on, and engagement closes the pair.

    :raises NotVisible: no such pair of a cohort of the principal's unit.
    :raises Conflict: the pair is not quarantined; or a run was asked for and cannot be started now.
    """
    pair = await uow.pairs.get(command.pair_id)
    if pair is None or not pair.released_at or pair.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such pair")
    pair.hand_over()
    uow.pairs.save(pair)
    publish_pair(PairHandedOver, pair, uow)
    uow.notices.add(Notice.about(pair, NoticeKind.PAIR_ENDED, notice_id=uuid7(), now=uow.now))
    uow.audit(
        "hand-over-pair",
        subject_id=pair.pair_id,
        business_unit_id=pair.business_unit_id,
        after={"rules": pair.broken_rules, "match_again": command.match_again},
    )
    if command.match_again:
        await start_run(StartRun(pair.cohort_id), uow)
    return pair
