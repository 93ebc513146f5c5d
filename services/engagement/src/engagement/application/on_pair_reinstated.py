"""Matching has resolved a conflict of interest: the pair goes on where it stood."""

from __future__ import annotations

from chassis.ports import Missing
from contracts.envelope import Envelope
from contracts.matching import PairFormed, PairReinstated

from engagement.application.activation import activate_if_ready
from engagement.application.ending import call_off
from engagement.application.ports import EngagementUnitOfWork


async def on_pair_reinstated(event: Envelope[PairReinstated], uow: EngagementUnitOfWork) -> None:
    """End the pause; call off, in nobody's name, the meetings whose time fell into it. A pair that is over stays so.

    Training done meanwhile may have been the last that was missing: then the pair becomes active.

    :raises Missing: the pair has not been opened here yet.
    """
    pair = await uow.pairs.get(event.data.pair_id)
    if pair is None:
        raise Missing(PairFormed.__name__, event.data.pair_id)
    if not pair.is_paused:
        return
    pause = pair.reinstate(event.time)
    activate_if_ready(pair, uow)
    uow.pairs.save(pair)
    scheduled = await uow.meetings.scheduled_of(pair.pair_id)
    call_off([meeting for meeting in scheduled if meeting.scheduled_for and pause.covers(meeting.scheduled_for)], uow)
