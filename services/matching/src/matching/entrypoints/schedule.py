"""What matching does because time passes, or because somebody asked for a run; jobs judge by the rules' clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog
from chassis.schedule import Every
from chassis.service import Service

from matching.application.close_abandoned_proposals import close_abandoned_proposals
from matching.application.close_impossible_requests import close_impossible_requests
from matching.application.examine_pairs import examine_pairs
from matching.application.execute_run import (
    ClaimedRun,
    TakenOver,
    begin_run,
    clear_cancelled,
    finish_run,
    give_up_run,
    keep_run,
)
from matching.application.expire_proposals import expire_proposals
from matching.application.expire_requests import expire_requests
from matching.application.remind_of_requests import remind_of_requests
from matching.bootstrap import settings_of, solver_of
from matching.domain.match_run import RunResult
from matching.entrypoints.execution import execute
from matching.entrypoints.governance_schedule import compute_packs
from matching.entrypoints.measures import QUARANTINE_SECONDS
from matching.entrypoints.mode_schedule import answer_searches, check_open_requests, execute_what_ifs

KEEP_SECONDS = 1.0

_log = structlog.get_logger("matching")


async def execute_runs(service: Service) -> bool:
    """Execute one run that is due; True when there was one. No transaction is open while it is being solved."""
    settle_seconds = settings_of(service).settle_seconds
    async with service.committed() as uow:
        claimed = await begin_run(uow, settle_seconds=settle_seconds)
    if claimed is None:
        return False
    progress = Progress()
    solving = asyncio.ensure_future(solver_of(service).watched(progress.hear, execute, settings_of(service), claimed))
    try:
        while not (await asyncio.wait({solving}, timeout=KEEP_SECONDS))[0]:
            async with service.committed() as uow:
                kept = await keep_run(claimed, uow, (progress.stage, progress.share))
            if not kept:
                await _stop(service, claimed, solving)
                return True
        await _store(service, claimed, solving)
    finally:
        solving.cancel()
    return True


@dataclass(slots=True)
class Progress:
    """How far a run is: the stage, and how much of it is done, of 1000."""

    stage: str = "starting"
    share: int = 0

    def hear(self, stage: str, share: int) -> None:
        """It has gone on."""
        self.stage, self.share = stage, share


async def _stop(service: Service, claimed: ClaimedRun, solving: asyncio.Future[Any]) -> None:
    """The run was cancelled or taken over: the process is killed, and what it wrote is removed."""
    solving.cancel()
    await asyncio.wait({solving})
    async with service.committed() as uow:
        await clear_cancelled(claimed, uow)
    _log.info("match run stopped", run_id=str(claimed.run_id), attempt=claimed.attempt)


async def _store(service: Service, claimed: ClaimedRun, solving: asyncio.Future[RunResult | None]) -> None:
    try:
        result = solving.result()
    except TakenOver:
        await _stop(service, claimed, solving)
        return
    except Exception as error:
        reason = type(error).__name__
        _log.exception("match run has no result", run_id=str(claimed.run_id), attempt=claimed.attempt, reason=reason)
        async with service.committed() as uow:
            await give_up_run(claimed, reason, uow)
        return
    if result is not None:
        async with service.committed() as uow:
            stored = await finish_run(claimed, result, uow)
        if not stored:
            await _stop(service, claimed, solving)
        _log.info("match run solved", run_id=str(claimed.run_id), attempt=claimed.attempt, stored=stored)


async def guard_pairs(service: Service) -> bool:
    """Judge the pairs that changes have touched; True when more are left."""
    async with service.committed() as uow:
        examined = await examine_pairs(uow, patience=settings_of(service).change_set_seconds)
    for seconds in examined.delays:
        QUARANTINE_SECONDS.observe(seconds)
    return examined.more


SCHEDULE = (
    Every(seconds=0.25, job=guard_pairs, owns_transactions=True),
    Every(seconds=0.5, job=execute_runs, owns_transactions=True),
    Every(seconds=1, job=compute_packs, owns_transactions=True),
    Every(seconds=1, job=expire_proposals),
    Every(seconds=1, job=close_abandoned_proposals),
    Every(seconds=0.5, job=answer_searches, owns_transactions=True),
    Every(seconds=0.5, job=check_open_requests, owns_transactions=True),
    Every(seconds=0.5, job=execute_what_ifs, owns_transactions=True),
    Every(seconds=1, job=expire_requests),
    Every(seconds=1, job=remind_of_requests),
    Every(seconds=2, job=close_impossible_requests),
)
