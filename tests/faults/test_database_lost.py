"""The database goes away and comes back: sessions ended, the server stopped at once or killed, the answer to a COMMIT lost."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from chassis.testing import DatabaseProxy
from figures import progress, record
from own_postgres import stage_on_own_postgres
from rig.ledger import Load
from rig.services import uuid7
from stage import until

pytestmark = pytest.mark.wire

RECOVERY = 10.0
"""Seconds within which everything works again."""

_END_SESSIONS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def _all_roles(stage):
    """Every role that talks to a database, started and ready."""
    roles = [
        stage.start("engagement", "relay"),
        stage.start("evaluation", "consumer", RIG_HANDLERS="acts"),
        stage.start("engagement", "api"),
    ]
    await stage.api_ready()
    return roles


async def _has_effect(stage, seq: int) -> float:
    """Wait until all rows up to `seq` have had their effect at the reader; the seconds that took."""
    written = await stage.value("engagement", "SELECT count(*) FROM outbox WHERE seq <= $1", seq)

    async def done() -> bool:
        return bool(await stage.value("evaluation", "SELECT count(*) FROM inbox") >= written)

    return await until(done, 40, f"rows up to {seq} have their effect")


async def _highest(stage) -> int:
    return int(await stage.value("engagement", "SELECT coalesce(max(seq), 0) FROM outbox"))


async def _sessions_ended(stage, load, rounds: int) -> float:
    """End every session of both databases, over and over; the longest recovery, of the requests or of the flow to the reader."""
    longest = 0.0
    for number in range(rounds):
        ended = 0
        for database in stage.databases.values():
            admin = await asyncpg.connect(database.admin_dsn)
            ended += await admin.fetchval(_END_SESSIONS)
            await admin.close()
        cut = time.monotonic()
        await load.answered(len(load.ledger.answers) + 30)
        await _has_effect(stage, await _highest(stage))
        longest = max(longest, time.monotonic() - cut, load.ledger.failing_since(cut))
        progress(
            f"F11: {ended} sessions ended ({number + 1} of {rounds}), all flows after {time.monotonic() - cut:.1f} s"
        )
    return longest


async def _ended_over_and_over(stage, rounds: int) -> None:
    roles = await _all_roles(stage)
    async with Load(stage.address, stage.token, [uuid7() for _ in range(6)]) as load:
        await load.answered(30)
        longest = await _sessions_ended(stage, load, rounds)
    await stage.outbox_drained(RECOVERY)
    await stage.caught_up()
    await load.replay(10)
    await stage.holds(load.ledger)
    assert all(role.alive for role in roles)
    assert longest <= RECOVERY
    failed, calls = len(load.ledger.failed), len(load.ledger.calls)
    record(
        "F11",
        f"every session of both databases ended {rounds} times under load, {len(load.ledger.answers)} requests",
        0,
        longest,
        RECOVERY,
        f"{failed} of {calls} tries were answered 503 and sent again",
    )


@pytest.mark.requirement("F11", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_sessions_ended_over_and_over_lose_nothing(stage):
    await _ended_over_and_over(stage, 4)


@pytest.mark.long
@pytest.mark.requirement("F11", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_sessions_ended_fifty_times_lose_nothing(stage):
    await _ended_over_and_over(stage, 50)


async def _server_lost(broker, identity, folder, ways) -> None:
    async with stage_on_own_postgres(folder, broker.bootstrap, identity) as (stage, server):
        roles = await _all_roles(stage)
        longest = away = 0.0
        async with Load(stage.address, stage.token, [uuid7() for _ in range(6)]) as load:
            for way in ways:
                await load.answered(len(load.ledger.answers) + 40)
                assert server.child is not None
                lost = time.monotonic()
                # What `pg_ctl -m immediate` sends, or the death of the postmaster alone: its sessions see it and end.
                os.kill(server.child.pid, signal.SIGQUIT if way == "immediate" else signal.SIGKILL)
                await until(lambda child=server.child: _gone(child), 20, "the server is gone")
                await asyncio.to_thread(server.restart)
                back = time.monotonic()
                away = max(away, back - lost)
                await load.answered(len(load.ledger.answers) + 40)
                await _has_effect(stage, await _highest(stage))
                recovered = max(time.monotonic() - back, load.ledger.failing_since(back))
                longest = max(longest, recovered)
                progress(f"F11: server lost ({way}), away {back - lost:.1f} s, all flows {recovered:.1f} s later")
        await stage.outbox_drained(RECOVERY)
        await stage.caught_up()
        await load.replay(10)
        await stage.holds(load.ledger)
        assert all(role.alive for role in roles)
        assert load.ledger.failed, "nobody noticed that the server was away"
        assert all(call.retry_after for call in load.ledger.failed if call.status == 503)
        assert {call.status for call in load.ledger.failed} <= {503, None}
        assert longest <= RECOVERY
        record(
            "F11",
            f"the server stopped at once or its postmaster killed, {len(ways)} times under load,"
            f" {len(load.ledger.answers)} requests",
            0,
            longest,
            RECOVERY,
            f"counted from when the server accepts again; it was away for {away:.1f} s at most",
        )


async def _gone(child) -> bool:
    return child.poll() is not None


@pytest.mark.requirement("F11", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_a_server_stopped_at_once_or_killed_loses_no_committed_work(broker, identity, tmp_path):
    await _server_lost(broker, identity, tmp_path, ["immediate", "killed"])


@pytest.mark.long
@pytest.mark.requirement("F11", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_a_server_lost_ten_times_loses_no_committed_work(broker, identity, tmp_path):
    await _server_lost(broker, identity, tmp_path, ["immediate", "killed"] * 5)


@pytest.mark.requirement("F11", "I1", "I2", "I3", "I9")
async def test_a_commit_in_doubt_is_resolved_by_the_key_whoever_sends_it_again(stage):
    """The connection is cut at COMMIT, before or after the database did it; the API is left a database for its own retry, or not."""
    target = urlsplit(stage.databases["engagement"].admin_dsn)
    stage.start("engagement", "relay")
    stage.start("evaluation", "consumer")
    doubts = answered_at_once = retried = 0
    async with DatabaseProxy(target.hostname or "", target.port or 0) as proxy:
        database = stage.databases["engagement"]
        address = f"postgresql://127.0.0.1:{proxy.port}/{database.name}"
        await stage.change_database("engagement", replace(database, address=address))
        stage.start("engagement", "api")
        await stage.api_ready()
        headers = {"authorization": f"Bearer {stage.token}"}
        async with httpx.AsyncClient(base_url=stage.address, headers=headers, timeout=10) as http:
            for kind in ("create", "count"):
                for committed in (True, False):
                    for refuse in (True, False):
                        key = f"{kind}-{uuid4()}"
                        path = "/v1/meetings" if kind == "create" else f"/v1/meetings/{uuid7()}/count"
                        # A creation is one statement and holds the key; else it is COMMIT that is cut.
                        proxy.let_through, proxy.then_refuse = committed, refuse
                        proxy.cut_after = key.encode() if kind == "create" else b"COMMIT"
                        response = await http.post(path, headers={"idempotency-key": key})
                        assert proxy.cut_after is None, "nothing was cut"
                        doubts += 1
                        if refuse:
                            assert response.status_code == 503, response.text
                            assert int(response.headers["retry-after"]) >= 1
                            proxy.refusing = False
                            response = await http.post(path, headers={"idempotency-key": key})
                            retried += 1
                        else:
                            answered_at_once += 1
                        assert response.status_code < 300, response.text
                        assert ("idempotency-replayed" in response.headers) == committed
                        body = response.json()
                        assert body["version"] == 1
                        stage.ledger.note(key, UUID(body["meeting_id"]), 1)
                        again = await http.post(path, headers={"idempotency-key": key})
                        assert again.json() == body
        await stage.outbox_drained()
        await stage.caught_up()
        evidence = await stage.holds(stage.ledger)
        assert len(evidence.outbox) == doubts
    record(
        "F11",
        f"the connection lost during COMMIT {doubts} times, half of them after it was done",
        0,
        None,
        None,
        f"{answered_at_once} settled by the API itself, {retried} by the client's retry with the same key",
    )
