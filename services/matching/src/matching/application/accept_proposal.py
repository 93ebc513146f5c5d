"""One of the two people accepts a proposal; the second acceptance forms the pair."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict, NotVisible
from contracts.matching import PairFormed

from matching.application.facts import publish_pair
from matching.application.ports import MatchingUnitOfWork
from matching.domain.pair import Pair


@dataclass(frozen=True, slots=True)
class AcceptProposal:
    """The principal accepts."""

    pair_id: UUID


async def accept_proposal(command: AcceptProposal, uow: MatchingUnitOfWork) -> Pair:
    """Note the acceptance; form the pair when it is the second one. The pair is locked, so that two cannot be first.

    What has changed since the proposal was made holds the acceptance up until the guard has judged it; a change that comes
    after the acceptance finds the pair formed, and the guard judges that.
    :raises NotVisible: no released proposal of the principal's own.
    :raises Conflict: declined, expired or taken back; or it is being checked.
    """
    pair = await uow.pairs.get(command.pair_id)
    if pair is None:
        raise NotVisible("no such proposal")
    side = pair.side_of(uow.principal.person_id)
    if await uow.guard.is_marked(pair.pair_id):
        raise Conflict("The proposal is being checked.", remedy="Try again in a minute.")
    formed = pair.accept(side, uow.now)
    uow.pairs.save(pair)
    if formed:
        publish_pair(PairFormed, pair, uow)
    return pair
