"""API writes a second: our routes, with everything they promise, against plain FastAPI that only inserts the row.

Ours verifies the token, acts under row-level security, keeps the idempotency key, the row and the event's outbox row in one commit, by
50 program managers of 50 business units. The peers insert the same row into a table of the same shape and do nothing else. All are
served by the same code, one process each, with as many connections to the same PostgreSQL.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from contracts.identifiers import uuid7
from updraft.identity import DevelopmentIdentity
from updraft.places import LOCAL_HOST, choose_port
from updraft.processes import Child
from updraft.servers_for_tests import ServiceDatabase

from load.peers.client import drive, post
from load.rows import Bench, Peer
from load.servers import Servers, cpu_seconds

UNITS = 50
PAIRS_OF_A_UNIT = 20
CONNECTIONS = 32
SECONDS = 4.0
READY_SECONDS = 60.0

_PAIR = """
INSERT INTO pairs (pair_id, business_unit_id, named_unit_ids, program_id, cohort_id, mentor_id, mentee_id,
    mentor_participation_id, mentee_participation_id, formality, cadence_days, cadence_floor_days, silence_days, duration_months,
    training_required, state, channel, formed_at, activated_at, silent_from, ends_at, meetings_held, stalls, agreement_version,
    agreement_in_force, mentor_signed_at, mentee_signed_at, mentor_modules, mentee_modules, version)
SELECT p, u, ARRAY[u], gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
    gen_random_uuid(), 'standard', 21, 14, 180, 12, false, 'active', 'video', now() - interval '60 days',
    now() - interval '59 days', now() - interval '59 days', now() + interval '300 days', 0, 0, 1, 1,
    now() - interval '59 days', now() - interval '59 days', '{}', '{}', 3
FROM unnest($1::uuid[], $2::uuid[]) AS given(p, u)
"""


@dataclass(frozen=True, slots=True)
class Manager:
    """A program manager and the pairs of their business unit."""

    unit: UUID
    authorization: str
    pairs: tuple[UUID, ...]


def managers(identity: DevelopmentIdentity, units: int = UNITS) -> list[Manager]:
    """One program manager a business unit, each with a token of their own."""
    made = []
    for _ in range(units):
        unit = uuid7()
        token = identity.token(roles=["program_manager"], business_unit_id=unit, subject=str(uuid7()))
        made.append(Manager(unit, f"Bearer {token}", tuple(uuid7() for _ in range(PAIRS_OF_A_UNIT))))
    return made


async def add_pairs(dsn: str, people: list[Manager]) -> None:
    """Put the managers' pairs into engagement's database, active for two months."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = [(pair, manager.unit) for manager in people for pair in manager.pairs]
        await connection.execute(_PAIR, [pair for pair, _ in rows], [unit for _, unit in rows])
    finally:
        await connection.close()


def proposals(people: list[Manager]) -> Iterator[bytes]:
    """Programs being proposed, without end."""
    body = {"title": "Reverse mentoring 2026", "settings": {"formality": "standard"}}
    for manager in itertools.cycle(people):
        headers = {"authorization": manager.authorization, "idempotency-key": str(uuid7())}
        yield post("/v1/programs", headers, body)


def meetings(people: list[Manager]) -> Iterator[bytes]:
    """Meetings being logged, without end; no pair has two at the same moment, and none is logged twice in a row for one pair."""
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(days=50)
    for number in range(PAIRS_OF_A_UNIT * 200_000):
        moment += timedelta(seconds=1) if number % PAIRS_OF_A_UNIT == 0 else timedelta()
        for manager in people:
            headers = {"authorization": manager.authorization, "idempotency-key": str(uuid7())}
            body = {"held_at": moment.isoformat(), "minutes": 45, "channel": "video"}
            yield post(f"/v1/pairs/{manager.pairs[number % PAIRS_OF_A_UNIT]}/meetings/log", headers, body)


async def ready(port: int, child: Child, path: str = "/health/ready") -> None:
    """Wait until the process answers. RuntimeError with the end of its log when it does not."""
    async with httpx.AsyncClient(base_url=f"http://{LOCAL_HOST}:{port}") as client:
        for _ in range(int(READY_SECONDS / 0.05)):
            try:
                if (await client.get(path)).status_code < 500:
                    return
            except httpx.TransportError:
                pass
            if child.poll() is not None:
                break
            await asyncio.sleep(0.05)
    raise RuntimeError(f"{child.name} does not answer:\n{child.tail(30)}")


class Contender:
    """A process under load: ours or a peer."""

    def __init__(self, name: str, child: Child, port: int, requests: Iterator[bytes], seconds: float) -> None:
        self.name = name
        self.child = child
        self.port = port
        self.created = 0
        self.processor: list[float] = []
        self.client: list[float] = []
        self._requests = requests
        self._seconds = seconds

    async def round(self) -> float:
        """Creations a second. AssertionError when anything but a creation was answered."""
        used = cpu_seconds(self.child)
        driven = await drive(self.port, self._requests, connections=CONNECTIONS, seconds=self._seconds)
        assert set(driven.answers) == {201}, f"{self.name}: {dict(driven.answers)} {driven.refused[-500:]!r}"
        self.created += driven.answers[201]
        self.processor.append((cpu_seconds(self.child) - used) / driven.answers[201])
        self.client.append(driven.busy / driven.answers[201])
        return driven.rate


async def contenders(
    servers: Servers, service: str, database: ServiceDatabase, requests: Callable[[], Iterator[bytes]], seconds: float
) -> list[Contender]:
    """Our service and both peers, started and warm; each peer has a database of the same shape."""
    identity = DevelopmentIdentity(servers.folder / "identity")
    environment = {"UPDRAFT_JWKS": str(identity.jwks_file), "UPDRAFT_ISSUER": identity.ISSUER}
    made = []
    for name, command in (
        (service, [service, "api"]),
        ("bare", ["load.peers", "bare"]),
        ("core", ["load.peers", "core"]),
    ):
        port = choose_port(name)
        used = database if name == service else servers.database(service)
        child = servers.start(
            f"{service}-{name}",
            command,
            database=used,
            environment=environment | {"UPDRAFT_HTTP_PORT": str(port), "UPDRAFT_BENCH_DSN": used.admin_dsn},
        )
        await ready(port, child)
        made.append(Contender(name, child, port, requests(), seconds))
    for contender in made:
        await drive(contender.port, contender._requests, connections=CONNECTIONS, seconds=min(1.0, seconds))
    return made


async def _compare(
    bench: Bench, name: str, found: list[Contender], rounds: int, of_bare: float, of_core: float
) -> None:
    ours, bare, core = found
    peers = [
        Peer("FastAPI on asyncpg, one insert", bare.round, times=of_bare),
        Peer("FastAPI on SQLAlchemy Core, one insert", core.round, times=of_core),
    ]
    await bench.alternate(name, "/s", ours.round, peers, rounds=rounds)
    for contender in found:
        busy = 1e6 * min(contender.processor)
        bench.say(
            f"{name}, {contender.name}: {busy:.0f} µs of the processor a request, client {1e6 * min(contender.client):.0f}"
        )


async def _kept(database: ServiceDatabase, table: str) -> tuple[int, int, int]:
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        counts: Any = await connection.fetchrow(
            f"SELECT (SELECT count(*) FROM {table}), (SELECT count(*) FROM outbox), (SELECT count(*) FROM idempotency_keys)"
        )
        return tuple(counts)
    finally:
        await connection.close()


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """Both classes of writes: a plain creation, and one that loads its aggregate for update first."""
    seconds, rounds = (0.3, 1) if quick else (SECONDS, 5)
    people = managers(DevelopmentIdentity(servers.folder / "identity").ensure())
    for service, table, requests, name, of_bare, of_core in (
        ("enrollment", "programs", proposals, "API writes, plain creation", 0.6, 1.3),
        ("engagement", "meetings", meetings, "API writes, aggregate loaded for update", 0.4, 0.95),
    ):
        database = servers.database(service)
        if service == "engagement":
            await add_pairs(database.admin_dsn, people)
        found = await contenders(servers, service, database, partial(requests, people), seconds)
        try:
            await _compare(bench, name, found, rounds, of_bare, of_core)
            created, events, keys = await _kept(database, table)
            assert created == events == keys >= found[0].created
        finally:
            for contender in found:
                contender.child.stop()
