"""What was answered: the client's own record of everything that the system said it had done (I9)."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx
from chassis.ports import Conflict
from chassis.service import Service

from rig.services import UNIT, count_up


@dataclass(frozen=True, slots=True)
class Call:
    """One request as its client saw it: when it ended (monotonic seconds), how long it took, its status (None: no answer)."""

    at: float
    seconds: float
    status: int | None
    retry_after: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it was not answered, or with a fault of ours."""
        return self.status is None or self.status >= 500


@dataclass(slots=True)
class Ledger:
    """Answers by idempotency key: the meeting and the version that the answer named. `calls` holds every single try."""

    answers: dict[str, tuple[UUID, int]] = field(default_factory=dict)
    retries: int = 0
    calls: list[Call] = field(default_factory=list)

    @property
    def failed(self) -> list[Call]:
        """The tries that failed, in the order in which they ended."""
        return [call for call in self.calls if call.failed]

    def failing_since(self, moment: float) -> float:
        """For how many seconds after `moment` (monotonic) some try still failed."""
        return max((call.at - moment for call in self.failed if call.at > moment), default=0.0)

    def note(self, key: str, meeting_id: UUID, version: int) -> None:
        """An answer has arrived. AssertionError when the same key was answered differently before."""
        answer = (meeting_id, version)
        earlier = self.answers.setdefault(key, answer)
        assert earlier == answer, f"key {key} was answered {earlier} and now {answer}"


class Load:
    """Clients that post without pause, or `rate` requests a second in all; each keeps its key until it is answered 2xx.

    Used as `async with Load(...) as load:`; at the end of the block no new request starts and those under way are
    retried until they are answered.
    """

    def __init__(
        self,
        address: str,
        token: str,
        meetings: Sequence[UUID],
        *,
        clients: int = 6,
        patience: float = 40.0,
        rate: float | None = None,
        timeout: float = 5.0,
    ) -> None:
        self.ledger = Ledger()
        self._rate = rate
        self._address = address
        self._headers = {"authorization": f"Bearer {token}"}
        self._meetings = itertools.cycle(meetings)
        self._clients = clients
        self._patience = patience
        self._timeout = timeout
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(self._clients)]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopping.set()
        if kind is not None:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            return
        await asyncio.gather(*self._tasks)

    async def answered(self, number: int, seconds: float = 30.0) -> None:
        """Wait until `number` requests in all have been answered 2xx. AssertionError when a client gave up."""
        deadline = time.monotonic() + seconds
        while len(self.ledger.answers) < number:
            for task in self._tasks:
                if task.done():
                    task.result()
            assert time.monotonic() < deadline, (
                f"only {len(self.ledger.answers)} of {number} were answered in {seconds} s"
            )
            await asyncio.sleep(0.01)

    async def replay(self, number: int) -> None:
        """Send the first `number` answered requests again; AssertionError unless each gets the same answer."""
        async with httpx.AsyncClient(base_url=self._address, headers=self._headers, timeout=self._timeout) as http:
            for key, (meeting_id, version) in list(self.ledger.answers.items())[:number]:
                path = "/v1/meetings" if key.startswith("create") else f"/v1/meetings/{meeting_id}/count"
                response = await http.post(path, headers={"idempotency-key": key})
                assert response.headers["idempotency-replayed"] == "true"
                self.ledger.note(key, UUID(response.json()["meeting_id"]), response.json()["version"])
                assert response.json()["version"] == version

    async def _client(self, number: int) -> None:
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=self._address, headers=self._headers, timeout=self._timeout) as http:
            for turn in itertools.count():
                if self._rate is not None:
                    due = began + (turn * self._clients + number) / self._rate
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stopping.wait(), max(0.0, due - time.monotonic()))
                if self._stopping.is_set():
                    return
                if (turn + number) % 5 == 0:
                    await self._until_answered(http, f"create-{uuid4()}", "/v1/meetings")
                else:
                    await self._until_answered(http, f"count-{uuid4()}", f"/v1/meetings/{next(self._meetings)}/count")

    async def _until_answered(self, http: httpx.AsyncClient, key: str, path: str) -> None:
        began = time.monotonic()
        give_up = began + self._patience
        while True:
            response = None
            tried = time.monotonic()
            with suppress(httpx.TransportError):
                response = await http.post(path, headers={"idempotency-key": key})
            self.ledger.calls.append(_call(tried, response))
            if response is not None and response.status_code < 300:
                body = response.json()
                self.ledger.note(key, UUID(body["meeting_id"]), body["version"])
                return
            # 409: two have tried to count a meeting for the first time, and this one came second.
            assert response is None or response.status_code >= 500 or response.status_code == 409, response.text
            assert time.monotonic() < give_up, f"no answer in {self._patience} s: {response}"
            self.ledger.retries += 1
            await asyncio.sleep(0.05)


def _call(began: float, response: httpx.Response | None) -> Call:
    now = time.monotonic()
    if response is None:
        return Call(now, now - began, None)
    return Call(now, now - began, response.status_code, response.headers.get("retry-after"))


async def commit_counts(service: Service, ledger: Ledger, meetings: Sequence[UUID]) -> None:
    """Count each of `meetings` up once, one transaction each, one after the other, and note what was committed."""
    for meeting_id in meetings:
        version = None
        while version is None:
            with suppress(Conflict):
                version = await _count(service, meeting_id)
        ledger.note(str(uuid4()), meeting_id, version)


async def _count(service: Service, meeting_id: UUID) -> int:
    async with service.database.write(business_unit_id=UNIT) as session:
        version = await count_up(meeting_id, service.open_unit_of_work(session, business_unit_id=UNIT))
        await session.commit()
    return version


@asynccontextmanager
async def commits_without_pause(
    service: Service, ledger: Ledger, meetings: Sequence[UUID], *, writers: int = 1, pause: float = 0.02
) -> AsyncIterator[None]:
    """While the block runs, `writers` count all of `meetings` up over and over, `pause` seconds between two rounds."""
    stopping = asyncio.Event()

    async def writer() -> None:
        while not stopping.is_set():
            await commit_counts(service, ledger, meetings)
            await asyncio.sleep(pause)

    tasks = [asyncio.create_task(writer()) for _ in range(writers)]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


async def commit_load(service: Service, ledger: Ledger, meetings: Sequence[UUID], *, writers: int, rounds: int) -> None:
    """`writers` at once, each counting all of `meetings` up `rounds` times, starting at different ones."""

    async def writer(number: int) -> None:
        turned = [*meetings[number % len(meetings) :], *meetings[: number % len(meetings)]]
        for _ in range(rounds):
            await commit_counts(service, ledger, turned)

    await asyncio.gather(*(writer(number) for number in range(writers)))
