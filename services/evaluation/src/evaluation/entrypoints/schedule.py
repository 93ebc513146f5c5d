"""What evaluation does by itself, by the rules' clock."""

from __future__ import annotations

from chassis.schedule import Every

from evaluation.application.close_waves import close_due_waves

SCHEDULE = (Every(seconds=1, job=close_due_waves),)
