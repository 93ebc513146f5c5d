"""How long a relay pauses after faults: longer after each in a row, short again after it has led."""

from __future__ import annotations

import pytest
from chassis.health import Progress
from chassis.relay import LEADERSHIP_PAUSE, LONGEST_BACK_OFF, Relay


class Failing(Relay):
    """Fails at every turn; `leads` says at which turns it has led before."""

    def __init__(self, leads: list[bool]) -> None:
        super().__init__(database="postgresql://127.0.0.1:1/none", kafka="127.0.0.1:1", progress=Progress())
        self.leads = leads
        self.pauses: list[float] = []

    async def _lead(self) -> None:
        self._led = self.leads.pop(0)
        raise ConnectionError

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if not self.leads:
            self.stop()


@pytest.mark.requirement("F11")
async def test_a_relay_that_had_recovered_begins_with_a_short_pause_again() -> None:
    relay = Failing([False] * 7 + [True, False, True])
    await relay.run()
    assert relay.pauses[:3] == [LEADERSHIP_PAUSE, 2 * LEADERSHIP_PAUSE, 4 * LEADERSHIP_PAUSE]
    assert relay.pauses[6] == LONGEST_BACK_OFF
    assert relay.pauses[7:] == [LEADERSHIP_PAUSE, 2 * LEADERSHIP_PAUSE, LEADERSHIP_PAUSE]
