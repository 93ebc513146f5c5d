"""Old and new version of one service side by side over an expanding migration, and back again: no request fails, no event is lost."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from active_pairs import Mentors, couples
from behind_gateway import answers, gateway_before
from contracts.envelope import encode
from figures import progress, record
from kafka_side import dump, fresh_topics, send
from stage import Actor
from two_versions import Version, later_version, present_version
from updraft.demo import invariants
from updraft.places import LOCAL_HOST, choose_port
from updraft.processes import run, spawn
from updraft.servers_for_tests import ServiceDatabase
from updraft.topics import apply_topics

pytestmark = [pytest.mark.wire, pytest.mark.long]

_NULL_SHARE = "SELECT count(*) FILTER (WHERE quarters IS NULL), count(*) FROM meetings"


class Processes:
    """Roles of real services, each of a version of its own."""

    def __init__(self, folder: Path, kafka: str, identity: Any) -> None:
        self._folder = folder
        self._kafka = kafka
        self._identity = identity
        self._started: list[Actor] = []
        self.stops: list[float] = []
        """How long each stop took, in seconds."""

    def environment(self, database: ServiceDatabase, version: Version | None) -> dict[str, str]:
        """What a process of this version is told."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("UPDRAFT_", "PYTHONPATH"))}
        told = {
            "UPDRAFT_KAFKA": self._kafka,
            "UPDRAFT_JWKS": str(self._identity.jwks_file),
            "UPDRAFT_ISSUER": self._identity.ISSUER,
            "UPDRAFT_AUDIENCE": self._identity.AUDIENCE,
        }
        return kept | told | database.environment() | ({"PYTHONPATH": version.path} if version else {})

    async def start(self, role: str, database: ServiceDatabase, version: Version | None, port: int = 0) -> Actor:
        """Start a role and wait until it is ready."""
        port = port or choose_port("health")
        name = f"{len(self._started):02}-{database.service}-{role}-{version.name if version else 'present'}"
        child = spawn(
            name,
            [sys.executable, "-m", database.service, role],
            run_dir=self._folder / "run",
            log=self._folder / "logs" / f"{name}.log",
            env=self.environment(database, version) | {"UPDRAFT_HTTP_PORT": str(port)},
        )
        self._started.append(Actor(child))
        await answers(f"http://{LOCAL_HOST}:{port}/health/ready", 60)
        return self._started[-1]

    async def stop(self, *actors: Actor) -> None:
        """SIGTERM, one after the other; AssertionError when one does not end cleanly."""
        for actor in actors:
            began = time.monotonic()
            assert await actor.stop() == 0, actor.child.tail(30)
            self.stops.append(time.monotonic() - began)

    def end(self) -> None:
        """Kill whatever still runs."""
        for actor in self._started:
            actor.kill()


@pytest.mark.requirement("F20", "I1", "I2", "I3", "I4", "I9")
async def test_old_and_new_run_side_by_side_over_a_migration_and_back(broker, identity, make_database, tmp_path):
    engagement, evaluation = (make_database(service, migrated=True) for service in ("engagement", "evaluation"))
    await fresh_topics(broker.bootstrap)
    await asyncio.to_thread(apply_topics, broker.bootstrap)
    pairs, told = couples(6)
    processes = Processes(tmp_path, broker.bootstrap, identity)
    old, new = present_version(tmp_path / "old"), later_version(tmp_path / "new")
    old.check(processes.environment(engagement, old))
    new.check(processes.environment(engagement, new))
    ports = (choose_port("API"), choose_port("API"))
    try:
        async with gateway_before(ports, identity, tmp_path) as gateway:
            await processes.start("worker", evaluation, None)
            api = await processes.start("api", engagement, old, ports[0])
            worker = await processes.start("worker", engagement, old)
            await send(broker.bootstrap, [encode(event) for event in told])
            mentors = Mentors(f"{gateway.url}/engagement", identity, pairs)
            await mentors.sign()
            async with mentors:
                await mentors.more(60)
                progress("upgrade: the old version alone, under load")
                migrated = await asyncio.to_thread(_migrated, processes.environment(engagement, new))
                await mentors.more(40)
                progress(f"upgrade: migrated under load in {migrated:.1f} s, the old version still alone")
                new_api = await processes.start("api", engagement, new, ports[1])
                new_worker = await processes.start("worker", engagement, new)
                await mentors.more(90)
                ((*mixed,),) = await _rows(engagement, _NULL_SHARE)
                assert 0 < mixed[0] < mixed[1], "only one of the two versions has written"
                seen_by_old = await _listed(mentors, pairs[0], ports[0])
                progress(f"upgrade: side by side, {mixed[1] - mixed[0]} of {mixed[1]} meetings written by the new one")
                await processes.stop(api, worker)
                await mentors.more(60)
                progress("upgrade: the new version alone")
                api = await processes.start("api", engagement, old, ports[0])
                worker = await processes.start("worker", engagement, old)
                await mentors.more(60)
                await processes.stop(new_api, new_worker)
                await mentors.more(60)
                progress("upgrade: and back to the old version, upon what the new one has left")
            await _all_holds(broker.bootstrap, engagement, evaluation, told, mentors, seen_by_old)
    finally:
        processes.end()
    statuses = Counter(call.status for call in mentors.calls)
    assert mentors.refused == []
    assert set(statuses) <= {200, 201}
    assert max(processes.stops) <= 10
    record(
        "F20",
        f"rolling upgrade of engagement and back over an expanding migration, {len(mentors.calls)} requests",
        0,
        max(processes.stops),
        10.0,
        f"each request sent once and answered, the slowest after {max(call.seconds for call in mentors.calls):.1f} s;"
        f" migrated under load in {migrated:.1f} s",
    )


def _migrated(environment: dict[str, str]) -> float:
    """Apply the migrations of the version that `environment` runs; the seconds that took."""
    began = time.monotonic()
    run([sys.executable, "-m", "engagement", "migrate"], doing="migrating under load", env=environment)
    return time.monotonic() - began


async def _rows(database: ServiceDatabase, sql: str) -> list[Any]:
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


async def _listed(mentors: Mentors, couple: Any, port: int) -> set[str]:
    """The meetings of a pair as one process shows them, whoever has written them."""
    found: set[str] = set()
    headers = mentors.token(couple, couple.mentor)
    async with httpx.AsyncClient(base_url=f"http://{LOCAL_HOST}:{port}", headers=headers, timeout=25) as http:
        cursor = None
        while True:
            query = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = (await http.get(f"/v1/pairs/{couple.pair}/meetings", params=query)).json()
            found |= {meeting["meeting_id"] for meeting in page["items"]}
            cursor = page.get("next")
            if cursor is None:
                return found


async def _all_holds(kafka, engagement, evaluation, told, mentors, seen_by_old) -> None:
    databases = {"engagement": engagement.admin_dsn, "evaluation": evaluation.admin_dsn}
    await invariants.settled(databases, kafka, seconds=60)
    sent = await invariants.on_topics(kafka)
    outboxes = {service: await invariants.committed(dsn) for service, dsn in databases.items()}
    by_hand = [{"ce_id": str(event.id), "ce_type": event.type} for event in told]
    findings = [*invariants.compare(outboxes | {"others": by_hand}, sent), await invariants.taken_once(databases, sent)]
    assert not [violation for finding in findings for violation in finding.violations]
    assert len({event.event_id for event in sent}) == len(sent), "an event is on a topic twice"
    # The new version's events carry a field that evaluation, of the present version, has never heard of.
    events = [json.loads(record.value) for record in await dump(kafka)]
    written = [event.get("quarters") for event in events if event["state"] == "held"]
    assert None in written
    assert set(written) - {None} == {3}
    for database, table, column in ((engagement, "meetings", "version"), (evaluation, "known_meetings", "sequence")):
        rows = await _rows(database, f"SELECT meeting_id, {column} FROM {table}")
        found = {str(row[0]): row[1] for row in rows}
        late = {meeting for meeting, version in mentors.meetings.items() if found.get(meeting, 0) < version}
        assert not late, f"{len(late)} of {len(mentors.meetings)} answered meetings are not visible in {table}"
    rows = await _rows(engagement, "SELECT meeting_id, quarters IS NULL AS by_old FROM meetings")
    shown = {row["by_old"] for row in rows if str(row["meeting_id"]) in seen_by_old}
    assert shown == {True, False}, "the old version has not shown what the new one had written"
