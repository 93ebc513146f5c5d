"""Fair shares of something scarce: whoever wants much of it waits behind their own, never before others."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Hashable
from typing import NamedTuple


class Claim(NamedTuple):
    """In whose name a place is taken, and how greedy such names may be: `times` as many places as are still free."""

    name: Hashable
    times: int


Claims = tuple[Claim, ...]


class ShareTaken(Exception):
    """What a name may have is in use and did not become free in time, or too many wait for it already."""


class Shares:
    """`places` of something, shared so that whoever comes with little finds a place, however much others want.

    A name takes one more place while it holds fewer than `times` those that are free. With 1, the first that wants all of 10
    gets 5, the next 3, two more 1 each, and what is given back goes to those who have least, so that in the end all have as
    much. A holder claims under several names (its business unit, its route) and needs room under each. Who finds none waits
    in turn with those of the very same claims, `patience` seconds at most and behind `longest_queue` others at most,
    holding nothing.
    """

    def __init__(self, places: int, *, patience: float, longest_queue: int) -> None:
        self._free = places
        self._patience = patience
        self._longest_queue = longest_queue
        self._held: Counter[Hashable] = Counter()
        self._waiting: dict[Claims, deque[asyncio.Future[None]]] = {}

    async def take(self, claims: Claims) -> None:
        """Take a place under all of `claims`; `give_back` must follow. Raises `ShareTaken`, and then nothing is held."""
        queue = self._waiting.get(claims)
        if queue is None and self._has_room(claims):
            self._hold(claims)
            return
        if queue is not None and len(queue) >= self._longest_queue:
            raise ShareTaken
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(claims, deque()).append(place)
        # Nearly every request under load waits here; asyncio.timeout would cost it more than all else in this class.
        expiry = loop.call_later(self._patience, _expire, place)
        try:
            await place
        except BaseException:
            if place.cancelled() or place.exception() is not None:
                self._leave(claims, place)
            else:
                # Admitted at the very moment of giving up.
                self.give_back(claims)
            raise
        finally:
            expiry.cancel()

    def give_back(self, claims: Claims) -> None:
        """Give a place back, to those who wait: one of each queue in turn, and a queue that was served goes last."""
        self._free += 1
        for claim in claims:
            self._held[claim.name] -= 1
            if not self._held[claim.name]:
                del self._held[claim.name]
        # Serving leaves less room, never more: a claim that was found full stays so for the rest of this call.
        full: set[Claim] = set()
        queues = list(self._waiting)
        while queues and self._free > 0:
            # Only a queue that was served and has more may be served again.
            again = []
            for waiting in queues:
                if full.isdisjoint(waiting) and self._has_room(waiting, full):
                    queue = self._waiting.pop(waiting)
                    place = queue.popleft()
                    if queue:
                        self._waiting[waiting] = queue
                        again.append(waiting)
                    if not place.done():
                        self._hold(waiting)
                        place.set_result(None)
            queues = again

    def _has_room(self, claims: Claims, full: set[Claim] | None = None) -> bool:
        for claim in claims:
            if self._held[claim.name] >= claim.times * self._free:
                if full is not None:
                    full.add(claim)
                return False
        return self._free > 0

    def _hold(self, claims: Claims) -> None:
        self._free -= 1
        for claim in claims:
            self._held[claim.name] += 1

    def _leave(self, claims: Claims, place: asyncio.Future[None]) -> None:
        queue = self._waiting.get(claims)
        if queue is not None and place in queue:
            queue.remove(place)
            if not queue:
                del self._waiting[claims]


def _expire(place: asyncio.Future[None]) -> None:
    if not place.done():
        place.set_exception(ShareTaken())
