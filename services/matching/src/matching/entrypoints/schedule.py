"""What matching does because time passes, or because somebody asked for a run; jobs judge by the rules' clock."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from chassis.schedule import Every
from chassis.service import Service

from matching.application.close_abandoned_proposals import close_abandoned_proposals
from matching.application.execute_run import ClaimedRun, begin_run, finish_run, give_up_run, keep_run
from matching.application.expire_proposals import expire_proposals
from matching.bootstrap import settings_of, solver_of

KEEP_SECONDS = 5.0

_log = structlog.get_logger("matching")


async def execute_runs(service: Service) -> bool:
    """Execute one run that is due; True when there was one. No transaction is open while it is being solved."""
    settle_seconds = settings_of(service).settle_seconds
    async with service.committed() as uow:
        claimed = await begin_run(uow, settle_seconds=settle_seconds)
    if claimed is None:
        return False
    solving = asyncio.ensure_future(solver_of(service).solve(claimed.snapshot))
    try:
        while not (await asyncio.wait({solving}, timeout=KEEP_SECONDS))[0]:
            async with service.committed() as uow:
                kept = await keep_run(claimed, uow)
            if not kept:
                return True
        await _store(service, claimed, solving)
    finally:
        solving.cancel()
    return True


async def _store(service: Service, claimed: ClaimedRun, solving: asyncio.Future[Any]) -> None:
    try:
        outcome = solving.result()
    except Exception as error:
        reason = type(error).__name__
        _log.exception("match run has no result", run_id=str(claimed.run_id), attempt=claimed.attempt, reason=reason)
        async with service.committed() as uow:
            await give_up_run(claimed, reason, uow)
        return
    async with service.committed() as uow:
        stored = await finish_run(claimed, outcome, uow)
    _log.info("match run solved", run_id=str(claimed.run_id), attempt=claimed.attempt, stored=stored)


SCHEDULE = (
    Every(seconds=0.5, job=execute_runs, owns_transactions=True),
    Every(seconds=1, job=expire_proposals),
    Every(seconds=1, job=close_abandoned_proposals),
)
