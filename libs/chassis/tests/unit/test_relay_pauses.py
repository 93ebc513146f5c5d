"""How long a relay pauses after faults: longer after each in a row, short again after it has led."""

from __future__ import annotations

from typing import Any

import pytest
from chassis.health import Progress
from chassis.relay import (
    LEADERSHIP_PAUSE,
    LONGEST_BACK_OFF,
    LONGEST_PAUSE,
    QUIET_AFTER,
    QUIET_PAUSE,
    SHORTEST_PAUSE,
    Relay,
)


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


class Resting(Relay):
    """Finds an event at the turns named, and nothing at all others; time passes while it sleeps."""

    def __init__(self, events_at: set[int], turns: int, clock: list[float]) -> None:
        super().__init__(database="postgresql://127.0.0.1:1/none", kafka="127.0.0.1:1", progress=Progress())
        self.events_at, self.turns, self.clock = events_at, turns, clock
        self.turn = 0
        self.pauses: list[float] = []

    async def _raise_watermark(self, connection: Any) -> None:
        self._watermark += self.turn in self.events_at
        self.turn += 1
        if self.turn == self.turns:
            self.stop()

    async def _send_up_to_watermark(self, connection: Any, producer: Any, cursor: int) -> int:
        return self._watermark

    async def _store(self, connection: Any, *, at_once: bool = False) -> None:
        pass

    async def _book(self, connection: Any, cursor: int) -> None:
        pass

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock[0] += seconds


async def test_a_relay_at_rest_asks_less_often_and_an_event_makes_it_quick_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr("chassis.relay.time.monotonic", lambda: clock[0])
    quiet = int(QUIET_AFTER / LONGEST_PAUSE)
    relay = Resting({2 * quiet}, 3 * quiet, clock)
    nothing: Any = None
    await relay._relay_from(nothing, nothing, relay._watermark)
    busy, rest, again = relay.pauses[: quiet // 2], relay.pauses[quiet + 50 : 2 * quiet], relay.pauses[2 * quiet :]
    assert (busy[0], max(busy)) == (SHORTEST_PAUSE, LONGEST_PAUSE)
    assert set(rest) == {QUIET_PAUSE}
    assert (again[0], max(again[: quiet // 2])) == (SHORTEST_PAUSE, LONGEST_PAUSE)
