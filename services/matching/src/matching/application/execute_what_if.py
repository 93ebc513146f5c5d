"""A worker solves a what-if from what its run was given, in short transactions with none open while solving.

`begin_what_if` claims one under a lease, `keep_what_if` renews it, `finish_what_if` or `give_up_what_if` stores what came
of it, if the worker still holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from matching.application.ports import MatchingUnitOfWork
from matching.domain.what_if import Changes, Scored, WhatIf, WhatIfState, compared

LEASE_SECONDS = 20.0
ERASED = "What the run was given has been erased; it cannot be solved again."


@dataclass(frozen=True, slots=True)
class ClaimedWhatIf:
    """A what-if that this worker may solve, in this attempt only. `content` is what its run was given, as it is kept."""

    what_if_id: UUID
    attempt: int
    content: bytes
    changes: Changes


async def begin_what_if(uow: MatchingUnitOfWork) -> tuple[bool, ClaimedWhatIf | None]:
    """Claim the oldest what-if that is due: whether there was one, and it, unless there is nothing to solve it from."""
    what_if = await uow.what_ifs.due(LEASE_SECONDS)
    if what_if is None:
        return False, None
    what_if.begin()
    content = await uow.run_records.get(what_if.run_id, "input")
    if content is None:
        what_if.end(WhatIfState.REFUSED, {"reason": ERASED}, uow.now)
    uow.what_ifs.save(what_if)
    if content is None:
        return True, None
    return True, ClaimedWhatIf(what_if.what_if_id, what_if.attempts, content, what_if.changes)


async def keep_what_if(claimed: ClaimedWhatIf, uow: MatchingUnitOfWork) -> bool:
    """Renew the lease; False when the what-if was taken over."""
    what_if = await _held(claimed, uow)
    if what_if is None:
        return False
    await uow.what_ifs.lease(what_if, LEASE_SECONDS)
    return True


async def finish_what_if(claimed: ClaimedWhatIf, draft: Sequence[Scored], uow: MatchingUnitOfWork) -> bool:
    """Store how the draft compares with the run; False, and nothing stored, when the what-if was taken over."""
    what_if = await _held(claimed, uow)
    if what_if is None:
        return False
    base = await uow.what_ifs.base(what_if.run_id)
    what_if.end(WhatIfState.COMPLETED, compared(base, draft), uow.now)
    uow.what_ifs.save(what_if)
    return True


async def refuse_what_if(claimed: ClaimedWhatIf, reason: str, uow: MatchingUnitOfWork) -> bool:
    """The changes contradict a rule, which `reason` names; False when the what-if was taken over."""
    what_if = await _held(claimed, uow)
    if what_if is None:
        return False
    what_if.end(WhatIfState.REFUSED, {"reason": reason}, uow.now)
    uow.what_ifs.save(what_if)
    return True


async def give_up_what_if(claimed: ClaimedWhatIf, reason: str, uow: MatchingUnitOfWork) -> bool:
    """The attempt had no result: put it back into the queue, or fail it for good. False when it was taken over.

    `reason` is the name of the error, without any value.
    """
    what_if = await _held(claimed, uow)
    if what_if is None:
        return False
    if not what_if.try_again():
        what_if.end(WhatIfState.FAILED, {"reason": reason}, uow.now)
    uow.what_ifs.save(what_if)
    return True


async def _held(claimed: ClaimedWhatIf, uow: MatchingUnitOfWork) -> WhatIf | None:
    what_if = await uow.what_ifs.get(claimed.what_if_id)
    return what_if if what_if is not None and what_if.held_by(claimed.attempt) else None
