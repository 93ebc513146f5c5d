"""`python -m load.consume_ours consumer`: evaluation, whose meetings are projected by a handler for each event.

Evaluation's own takes meetings a batch at a time (`ProjectsBatch`); this is what `Projects` costs: one upsert an event, staged
through the unit of work as every service's simple projections are.
"""

from __future__ import annotations

import sys
from typing import Any

from chassis.handlers import Projects
from chassis.main import _ByName, run
from contracts.engagement import MeetingFacts, MeetingLogged
from contracts.envelope import Envelope
from evaluation.adapters.tables import known_meetings

from load.consume_peer import row


async def project(event: Envelope[MeetingFacts], uow: Any) -> None:
    """Keep the newest state of the meeting."""
    uow.session.upsert(known_meetings, row(event), key=("meeting_id",), newer="sequence")


class _Evaluation(_ByName):
    def handlers(self) -> Any:
        return (Projects(MeetingLogged, project),)

    def schedule(self) -> Any:
        return ()


if __name__ == "__main__":
    sys.exit(run(_Evaluation("evaluation"), sys.argv[1:]))
