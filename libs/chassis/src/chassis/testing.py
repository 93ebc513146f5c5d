"""What tests of a service stand on: the service in process upon a test's database, people with tokens, the broker from outside.

For tests only: no code that serves may import it, and httpx, which it needs, is not among what the mechanism depends on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, TypeVar
from uuid import UUID, uuid4

import httpx
import jwt
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from contracts.envelope import Envelope, decode, encode
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from chassis.clock import FixedClock
from chassis.consumer import Consumer
from chassis.dead_letters import RawRecord
from chassis.handlers import Handler, Routing
from chassis.health import Progress
from chassis.inbox import Inbox, Received
from chassis.ports import Principal
from chassis.relay import relay_for
from chassis.schedule import Every, Schedule
from chassis.service import Service
from chassis.settings import ServiceSettings

PATIENCE_SECONDS = 40.0
"""How long `until` waits for what must come."""

_STOP_SECONDS = 15.0
_KEY = Ed25519PrivateKey.generate()
_KEY_ID = "test"

_Settings = TypeVar("_Settings", bound=ServiceSettings)


class Published(NamedTuple):
    """An event that a use case published."""

    event: Any
    sequence: int


class Audited(NamedTuple):
    """A change that a use case recorded."""

    action: str
    subject_id: UUID
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class UnitOfWorkInMemory:
    """What every unit of work of a use case's test has besides repositories: a clock, somebody acting, and all that was said."""

    def __init__(self, now: datetime, principal: Principal) -> None:
        self.now = now
        self.principal = principal
        self.published: list[Published] = []
        self.audited: list[Audited] = []

    def publish(self, event: Any, *, sequence: int) -> None:
        """Keep an event. AssertionError when its aggregate skips or repeats a version, ValueError when it is not one to be sent."""
        encode(Envelope.of(event, sequence=sequence, time=self.now))
        known = [said.sequence for said in self.published if said.event.subject == event.subject]
        if known and sequence != known[-1] + 1:
            raise AssertionError(f"{type(event).__name__} goes from {known[-1]} to {sequence}")
        self.published.append(Published(event, sequence))

    def audit(
        self,
        action: str,
        *,
        subject_id: UUID,
        business_unit_id: UUID,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep what was recorded."""
        self.audited.append(Audited(action, subject_id, before, after))

    @property
    def actions(self) -> list[str]:
        """Everything that was recorded, by its action."""
        return [record.action for record in self.audited]

    def names(self, subject: UUID | None = None) -> list[str]:
        """The names of what was published, about one aggregate where named."""
        return [type(event).__name__ for event, _ in self.published if subject is None or event.subject == subject]


class Database(Protocol):
    """A test's database, as far as a service is told of it."""

    @property
    def address(self) -> str:
        """What UPDRAFT_DATABASE says."""

    @property
    def secrets_dir(self) -> Path:
        """What UPDRAFT_SECRETS says."""


async def until(condition: Callable[[], Awaitable[Any]], what: str, *, seconds: float = PATIENCE_SECONDS) -> Any:
    """The first true value of the condition; AssertionError when `what` takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := await condition():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} took more than {seconds:.0f} seconds")


def write_keys(folder: Path) -> Path:
    """The public keys of this process's issuer as a JWKS file."""
    entry = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(_KEY.public_key())) | {"kid": _KEY_ID, "use": "sig"}
    path = folder / "jwks.json"
    path.write_text(json.dumps({"keys": [entry]}))
    return path


def token(settings: ServiceSettings, *, person: UUID | None, unit: UUID | None, roles: Iterable[str]) -> str:
    """A bearer token of this process's issuer, good for an hour."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": settings.issuer,
        "aud": settings.audience,
        "sub": str(person or uuid4()),
        "iat": now,
        "exp": now + 3600,
        settings.roles_claim: list(roles),
    }
    if person is not None:
        claims[settings.person_claim] = str(person)
    if unit is not None:
        claims[settings.unit_claim] = str(unit)
    return jwt.encode(claims, _KEY, algorithm="EdDSA", headers={"kid": _KEY_ID, "typ": "JWT"})


def settings_on(kind: type[_Settings], database: Database, folder: Path, **settings: Any) -> _Settings:
    """A service's settings upon a test's database; `folder` takes the issuer's keys."""
    return kind(database=database.address, secrets=database.secrets_dir, jwks=str(write_keys(folder)), **settings)


@dataclass(frozen=True)
class Caller:
    """Somebody at the API, with a token."""

    client: httpx.AsyncClient
    bearer: str

    async def call(self, method: str, path: str, *, version: int | None = None, **arguments: Any) -> httpx.Response:
        """Any request; changes carry a fresh Idempotency-Key unless headers say another, and If-Match with a `version`."""
        headers = {"authorization": f"Bearer {self.bearer}"} | arguments.pop("headers", {})
        if method != "GET":
            headers.setdefault("idempotency-key", uuid4().hex)
        if version is not None:
            headers["if-match"] = f'"{version}"'
        return await self.client.request(method, path, headers=headers, **arguments)


@dataclass(frozen=True)
class Person(Caller):
    """Somebody at the API whose answers a test looks at itself. Headers are written with underscores: `if_match='"3"'`."""

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Look at something."""
        return await self.call("GET", path, headers=_headers(headers))

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> httpx.Response:
        """Do something, under a fresh Idempotency-Key unless one is given."""
        return await self.call("POST", path, json=body, headers={} if key is None else {"idempotency-key": key})

    async def patch(self, path: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Change something."""
        return await self.call("PATCH", path, json=body, headers=_headers(headers))


def _headers(named: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in named.items()}


def names(events: Iterable[Envelope[Any]]) -> list[tuple[str, int]]:
    """Events as (name, sequence)."""
    return [(event.type.split(".")[2], event.sequence) for event in events]


class Running:
    """A service: its API in process, its worker's side at hand, its clock in the test's hands.

    `async with` gives its connections back, and what its worker owns besides.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        start: datetime,
        bootstrap: Callable[..., Service],
        app: Callable[[Service], FastAPI],
        handlers: Sequence[Handler],
        schedule: Sequence[Every],
    ) -> None:
        self.settings = settings
        self.clock = FixedClock(start)
        self.api: Service = bootstrap("api", settings)
        self.worker: Service = bootstrap("worker", settings)
        self.api.clock = self.worker.clock = self.clock
        self.app = app(self.api)
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url=f"http://{self.api.name}", timeout=60)
        self._handlers, self._schedule = handlers, schedule
        self._inbox = Inbox(
            consumer=self.worker.name,
            database=self.worker.database,
            routing=Routing.of(handlers),
            unit_of_work=self.worker.open_unit_of_work,
        )

    async def __aenter__(self) -> Self:
        """The service itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back."""
        await self.client.aclose()
        for service in (self.api, self.worker):
            await service.database.close()
            for part in service.background:
                await part.aclose()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Run the worker's consumer, relay and schedule in this process, between the broker of the settings and the database."""
        progress = Progress()
        relay = relay_for(self.worker, progress)
        consumer = Consumer(self.worker, self._handlers, progress=progress)
        schedule = Schedule(self.worker, self._schedule, progress=progress)
        parts = [asyncio.create_task(relay.run()), asyncio.create_task(schedule.run())]
        await consumer.start()
        try:
            yield
        finally:
            await consumer.stop()
            relay.stop()
            schedule.stop()
            await asyncio.wait_for(asyncio.gather(*parts), _STOP_SECONDS)

    def bearer(self, person: UUID | None, unit: UUID | None, *roles: str) -> str:
        """A token; a participant's unless roles are named."""
        return token(self.settings, person=person, unit=unit, roles=roles or ("participant",))

    def person(self, person: UUID | None, unit: UUID | None, *roles: str) -> Person:
        """A person with a token; a participant unless roles are named."""
        return Person(self.client, self.bearer(person, unit, *roles))

    async def hear(self, *events: Envelope[Any], batch: int = 500) -> None:
        """Let events through the worker's inbox as they come from the wire, in this order, some at a time."""
        received = [_received(event) for event in events]
        for start in range(0, len(received), batch):
            await self._inbox.apply(received[start : start + batch])

    async def parked(self) -> int:
        """How many events wait for a predecessor."""
        return await self._inbox.parked()

    async def handle(self, handler: Callable[[Any, Any], Awaitable[None]], event: Envelope[Any]) -> None:
        """Call a handler past the inbox, whatever came before, in a transaction of the worker."""
        async with self.worker.committed() as uow:
            await handler(event, uow)

    async def run(self, job: Callable[[Any], Awaitable[bool]]) -> bool:
        """Let the worker run a scheduled job once; whether more is waiting."""
        async with self.worker.committed() as uow:
            return await job(uow)

    @asynccontextmanager
    async def driver(self, *, worker: bool = True, unit: UUID | None = None) -> AsyncIterator[Any]:
        """The bare connection of the worker's or the api's role, in a transaction that is undone."""
        database = self.worker.database if worker else self.api.database
        async with database.write(business_unit_id=unit) as session:
            yield await session.driver()

    async def sql(self, statement: str, *arguments: Any) -> Sequence[Any]:
        """Rows as the worker sees them."""
        async with self.worker.database.read() as session:
            driver = await session.driver()
            rows: Sequence[Any] = await driver.fetch(statement, *arguments)
        return rows

    async def visible(self, table: str, unit: UUID | None) -> int:
        """How many rows of the table the api's role sees in a transaction of the unit."""
        async with self.api.database.read(business_unit_id=unit) as session:
            driver = await session.driver()
            number: int = await driver.fetchval(f"SELECT count(*) FROM {table}")
        return number

    async def events(self, aggregate: UUID | str | None = None) -> list[Envelope[Any]]:
        """Events in the outbox in order, decoded as a reader would; of one aggregate where named."""
        key = None if aggregate is None else str(aggregate).encode()
        rows = await self.sql(
            "SELECT topic, key, headers, value FROM outbox WHERE $1::bytea IS NULL OR key = $1 ORDER BY seq", key
        )
        return [decode(row["topic"], row["key"], row["value"], _raw_headers(row["headers"])) for row in rows]

    async def outbox(self, aggregate: UUID | str | None = None) -> list[tuple[str, int]]:
        """Events in the outbox in order, as (name, sequence); of one aggregate where named."""
        return names(await self.events(aggregate))


def _raw_headers(stored: bytes) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value.encode()) for name, value in json.loads(stored))


def _received(event: Envelope[Any]) -> Received:
    record = encode(event)
    raw = RawRecord(record.topic, 0, 0, record.key, record.value, record.headers)
    return Received(decode(record.topic, record.key, record.value, record.headers), raw)


class Wire:
    """The broker from outside: what other services send, and everything on the topics of `publishes` since it was opened."""

    def __init__(self, kafka: str, publishes: Iterable[type[Any]]) -> None:
        topics = sorted({event.TOPIC for event in publishes})
        self._producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True)
        self._consumer = AIOKafkaConsumer(*topics, bootstrap_servers=kafka, auto_offset_reset="earliest")
        self._seen: list[Envelope[Any]] = []

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._producer.start()
        await self._consumer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self._producer.stop()
        await self._consumer.stop()

    async def send(self, *events: Envelope[Any]) -> None:
        """Send events of other services, in this order even between topics."""
        last = None
        for event in events:
            record = encode(event)
            if record.topic != last:
                await self._producer.flush()
            last = record.topic
            await self._producer.send(record.topic, key=record.key, value=record.value, headers=list(record.headers))
        await self._producer.flush()

    async def seen(self) -> list[Envelope[Any]]:
        """Everything so far, in order per aggregate, whatever came twice twice."""
        for records in (await self._consumer.getmany(timeout_ms=50)).values():
            for record in records:
                self._seen.append(decode(record.topic, record.key, record.value, record.headers))
        return self._seen

    async def about(self, subject: UUID | str, *, least: int = 0) -> list[Envelope[Any]]:
        """Everything so far about an aggregate, in order; nothing while it is less than `least` events."""
        found = [event for event in await self.seen() if str(event.subject) == str(subject)]
        return found if len(found) >= least else []


class DatabaseProxy:
    """A TCP proxy before the database: `async with DatabaseProxy(host, port) as proxy`, then connect to `proxy.port`.

    The connection that sends `cut_after` is cut, once: with `let_through` after the database has answered (the answer is
    lost), else before the database has heard of it. With `then_refuse` every other connection is cut at that moment too and
    none is accepted until `refusing` is set back.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.cut_after: bytes | None = None
        self.let_through = True
        self.then_refuse = False
        self.refusing = False
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Accept nothing more and cut what is open."""
        if self._server is not None:
            self._server.close()
        self._cut_all()

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the proxy does not listen yet")
        return int(self._server.sockets[0].getsockname()[1])

    def _cut_all(self) -> None:
        for client in list(self._clients):
            client.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        self._clients.add(writer)
        from_server, to_server = await asyncio.open_connection(*self._target)
        answers = asyncio.create_task(self._copy(from_server, writer))
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(65536):
                    if self.cut_after is not None and self.cut_after in data:
                        await self._cut(data, from_server, to_server, answers)
                        break
                    to_server.write(data)
        finally:
            answers.cancel()
            self._clients.discard(writer)
            writer.close()
            to_server.close()

    async def _cut(
        self,
        data: bytes,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        answers: asyncio.Task[None],
    ) -> None:
        self.cut_after = None
        answers.cancel()
        await asyncio.wait([answers])
        if self.let_through:
            to_server.write(data)
            await from_server.read(65536)
        if self.then_refuse:
            self.refusing = True
            self._cut_all()

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
            writer.close()
