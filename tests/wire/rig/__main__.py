"""`python -m rig engagement|evaluation api|consumer|relay|worker`: one role of one of the rig's services, as a real process.

The environment says what the tests vary: RIG_HANDLERS (projects, acts, batch), RIG_SESSION_MS (the group's session timeout),
RIG_BATCH (records a batch), RIG_DEAD_LETTERS (the limit), RIG_SLOW and RIG_FAILS (see rig.services).
"""

from __future__ import annotations

import functools
import os
import sys

from chassis import worker
from chassis.consumer import DEAD_LETTERS_IN_A_ROW, RECORDS_A_BATCH, Consumer
from chassis.main import run

from rig.api import app
from rig.services import bootstrap, handlers


def _number(name: str, otherwise: int) -> int:
    return int(os.environ.get(name) or otherwise)


class _Rig:
    """Where chassis.main finds the rig's parts."""

    def __init__(self, service):
        self._service = service

    def service(self, role):
        return bootstrap(self._service, role)

    def app(self):
        return app

    def handlers(self):
        return handlers(os.environ.get("RIG_HANDLERS", "projects")) if self._service == "evaluation" else ()

    def schedule(self):
        return ()


if __name__ == "__main__":
    service, *arguments = sys.argv[1:]
    worker.Consumer = functools.partial(  # type: ignore[misc, assignment]
        Consumer,
        session_timeout_ms=_number("RIG_SESSION_MS", 2_000),
        records_a_batch=_number("RIG_BATCH", RECORDS_A_BATCH),
        dead_letters_in_a_row=_number("RIG_DEAD_LETTERS", DEAD_LETTERS_IN_A_ROW),
    )
    raise SystemExit(run(_Rig(service), arguments))
