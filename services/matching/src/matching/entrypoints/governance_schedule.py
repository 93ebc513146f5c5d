"""Packs of released runs, computed in a solving process."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from chassis.service import Service

from matching.application.compute_pack import compute_pack
from matching.application.ports import Report
from matching.bootstrap import audit_key_of, bootstrap, settings_of, solver_of
from matching.settings import Settings

_log = structlog.get_logger("matching")


async def compute_packs(service: Service) -> bool:
    """Compute the pack of the oldest released run that has none; True when there was one. No transaction is open meanwhile."""
    async with service.committed() as uow:
        due = await uow.governance.due(1)
    if not due:
        return False
    (run_id,) = due
    try:
        made: bool = await solver_of(service).watched(None, packed_up, settings_of(service), run_id)
    except Exception as error:
        _log.exception("governance pack was not made", run_id=str(run_id), reason=type(error).__name__)
        async with service.committed() as uow:
            await uow.governance.note_failure(run_id)
        return True
    _log.info("governance pack computed", run_id=str(run_id), made=made)
    return made


def packed_up(_report: Report, settings: Settings, run_id: UUID) -> bool:
    """In a solving process: compute and keep the pack; False when it is to be tried again."""
    return asyncio.run(_packed_up(settings, run_id))


async def _packed_up(settings: Settings, run_id: UUID) -> bool:
    service = bootstrap("worker", settings.model_copy(update={"worker_pool_size": 1}))
    try:
        return await compute_pack(run_id, audit_key_of(settings), service.committed) is not None
    finally:
        await service.database.close()
