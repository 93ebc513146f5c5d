"""What the worker does for people who search and ask, and for program managers who ask what would be if."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import structlog
from chassis.service import Service

from matching.application.answer_searches import answers_to, claim_searches, finish_searches
from matching.application.check_requests import check_requests
from matching.application.execute_what_if import (
    ClaimedWhatIf,
    begin_what_if,
    finish_what_if,
    give_up_what_if,
    keep_what_if,
    refuse_what_if,
)
from matching.application.ports import Report
from matching.bootstrap import hash_key_of, settings_of, solver_of
from matching.domain.run_input import RunInput, input_of
from matching.domain.run_matching import match
from matching.domain.what_if import Changes, ContradictsRule, Scored, with_changes
from matching.settings import Settings

KEEP_SECONDS = 5.0

_log = structlog.get_logger("matching")


async def answer_searches(service: Service) -> bool:
    """Answer the searches of one cohort; True when there were some. No transaction is open, and the loop is free, meanwhile."""
    async with service.committed() as uow:
        claimed = await claim_searches(uow)
    if claimed is None:
        return False
    answers = await asyncio.to_thread(answers_to, claimed)
    async with service.committed() as uow:
        await finish_searches(claimed, answers, uow)
    return True


async def check_open_requests(service: Service) -> bool:
    """Hold requests to the hard rules; True when there may be more."""
    async with service.committed() as uow:
        return await check_requests(uow, patience=settings_of(service).change_set_seconds)


async def execute_what_ifs(service: Service) -> bool:
    """Solve one what-if that is due; True when there was one. No transaction is open while it is being solved."""
    async with service.committed() as uow:
        found, claimed = await begin_what_if(uow)
    if claimed is None:
        return found
    solving = asyncio.ensure_future(
        solver_of(service).watched(None, drafted, settings_of(service), claimed.content, claimed.changes)
    )
    try:
        while not (await asyncio.wait({solving}, timeout=KEEP_SECONDS))[0]:
            async with service.committed() as uow:
                kept = await keep_what_if(claimed, uow)
            if not kept:
                return True
        await _store(service, claimed, solving)
    finally:
        solving.cancel()
    return True


def drafted(_report: Report, settings: Settings, content: bytes, changes: Changes) -> Sequence[Scored]:
    """In a solving process: the pairs of what a run was given, solved again with the changes.

    :raises ContradictsRule: see `with_changes`.
    """
    given = input_of(content)
    changed = with_changes(given.snapshot, given.locked, changes)
    locked = tuple(sorted(pair.key for pair in changed.locked))
    outcome = match(
        RunInput(changed.snapshot, locked),
        key=hash_key_of(settings),
        threads=max(1, len(os.sched_getaffinity(0))),
    )
    return [
        Scored(pair.mentor.participation_id, pair.mentee.participation_id, pair.score.total) for pair in outcome.pairs
    ]


async def _store(service: Service, claimed: ClaimedWhatIf, solving: asyncio.Future[Sequence[Scored]]) -> None:
    try:
        draft = solving.result()
    except ContradictsRule as contradiction:
        async with service.committed() as uow:
            await refuse_what_if(claimed, contradiction.words, uow)
        return
    except Exception as error:
        reason = type(error).__name__
        _log.exception("what-if has no result", what_if_id=str(claimed.what_if_id), reason=reason)
        async with service.committed() as uow:
            await give_up_what_if(claimed, reason, uow)
        return
    async with service.committed() as uow:
        stored = await finish_what_if(claimed, draft, uow)
    _log.info("what-if solved", what_if_id=str(claimed.what_if_id), stored=stored)
