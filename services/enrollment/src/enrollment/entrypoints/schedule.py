"""What enrollment does by itself: it applies imports, starts evaluations that are due, and erases people."""

from __future__ import annotations

from chassis.schedule import Every
from chassis.service import Service

from enrollment.application.advance_imports import ImportDesk, advance_imports
from enrollment.application.carry_out_erasures import carry_out_erasures
from enrollment.application.start_evaluations import start_evaluations

_DESK = ImportDesk()


async def apply_imports(service: Service) -> bool:
    """One step of the oldest unfinished import, in transactions of its own; whether more is waiting."""
    return await advance_imports(service.committed, _DESK)


SCHEDULE: tuple[Every, ...] = (
    Every(seconds=0.5, job=apply_imports, owns_transactions=True),
    Every(seconds=1, job=start_evaluations),
    Every(seconds=1, job=carry_out_erasures),
)
