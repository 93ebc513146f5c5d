"""Every role is stopped over and over while others work: what was under way is finished, nothing is sent or done again."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from behind_gateway import answers, apis_behind_gateway
from figures import progress, record
from rig.ledger import Ledger, Load, commits_without_pause
from rig.services import uuid7
from stage import Actor, until
from updraft.places import LOCAL_HOST, choose_port

pytestmark = pytest.mark.wire

LONGEST_STOP = 10.0


async def _stopped(actor: Actor) -> float:
    """SIGTERM; the seconds until it has ended, cleanly."""
    began = time.monotonic()
    assert await actor.stop() == 0, actor.child.tail(30)
    taken = time.monotonic() - began
    assert taken <= LONGEST_STOP
    return taken


async def _apis_stopped(stage, identity, folder, rounds: int, way: str) -> None:
    stage.start("engagement", "relay")
    stage.start("evaluation", "consumer")
    longest = 0.0
    async with apis_behind_gateway(stage, identity, folder, 2) as apis:
        meetings = [uuid7() for _ in range(8)]
        async with Load(apis.address, stage.token, meetings, clients=8, timeout=25) as load:
            await load.answered(50)
            for number in range(rounds):
                port = apis.ports[number % 2]
                if way == "stopped":
                    longest = max(longest, await _stopped(apis.actors[port]))
                else:
                    apis.actors[port].kill()
                await load.answered(len(load.ledger.answers) + 30)
                await apis.start(port)
                progress(f"F20: API {way} ({number + 1} of {rounds}), {len(load.ledger.failed)} requests failed")
                await load.answered(len(load.ledger.answers) + 30)
        await stage.caught_up()
        await load.replay(10)
    evidence = await stage.holds(load.ledger)
    if way == "stopped":
        assert load.ledger.failed == []
    # An answer that had begun breaks off when its process is killed; its client asks again under the key.
    assert len(load.ledger.failed) <= rounds
    assert evidence.duplicates == 0
    slowest = max(call.seconds for call in load.ledger.calls)
    record(
        "F20",
        f"one of two APIs behind the gateway {way} {rounds} times under load, {len(load.ledger.answers)} requests",
        0,
        longest if way == "stopped" else None,
        LONGEST_STOP if way == "stopped" else None,
        f"{len(load.ledger.failed) or 'no'} request(s) broke off, the slowest took {slowest:.1f} s",
    )


@pytest.mark.requirement("F20", "I1", "I2", "I3", "I4", "I9")
async def test_an_api_stopped_beside_another_fails_no_request(stage, identity, tmp_path):
    await _apis_stopped(stage, identity, tmp_path, 4, "stopped")


@pytest.mark.requirement("F1", "F20", "I1", "I2", "I3", "I4", "I9")
async def test_an_api_killed_beside_another_fails_no_request(stage, identity, tmp_path):
    """A request with a key whose connection broke is sent again by the gateway; the key makes one effect of both."""
    await _apis_stopped(stage, identity, tmp_path, 2, "killed")


@pytest.mark.long
@pytest.mark.requirement("F20", "I1", "I2", "I3", "I4", "I9")
@pytest.mark.parametrize("way", ["stopped", "killed"])
async def test_an_api_stopped_over_and_over_beside_another_fails_no_request(stage, identity, tmp_path, way):
    await _apis_stopped(stage, identity, tmp_path, 20, way)


@pytest.mark.requirement("F20", "I1", "I2", "I3", "I9")
async def test_the_only_api_stopped_leaves_no_request_without_an_answer(stage, identity, tmp_path):
    """While there is none, requests wait at the gateway; at worst they are told to try again."""
    stage.start("engagement", "relay")
    stage.start("evaluation", "consumer")
    longest = away = 0.0
    async with apis_behind_gateway(stage, identity, tmp_path, 1) as apis:
        (port,) = apis.ports
        async with Load(apis.address, stage.token, [uuid7() for _ in range(4)], timeout=25) as load:
            for _ in range(2):
                await load.answered(len(load.ledger.answers) + 40)
                longest = max(longest, await _stopped(apis.actors[port]))
                away = max(away, await apis.start(port))
            await load.answered(len(load.ledger.answers) + 40)
        await stage.caught_up()
    await stage.holds(load.ledger)
    assert {call.status for call in load.ledger.failed} <= {503}
    assert all(call.retry_after for call in load.ledger.failed)
    record(
        "F20",
        f"the only API behind the gateway stopped twice under load, {len(load.ledger.answers)} requests",
        0,
        longest,
        LONGEST_STOP,
        f"away for {away:.1f} s at most; {len(load.ledger.failed)} requests were told to try again, none was cut",
    )


async def _taken_again(port: int) -> int:
    """How many events a consumer was given that had been applied before."""
    async with httpx.AsyncClient(timeout=5) as http:
        text = (await http.get(f"http://{LOCAL_HOST}:{port}/metrics")).text
    marked = [line for line in text.splitlines() if line.startswith("updraft_events_total{")]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in marked if 'outcome="duplicate"' in line)


async def _flow_stopped(stage, rounds: int) -> None:
    """Relay and consumer, now alone and now as a worker, stopped in turn while writers commit."""
    ports = {"engagement": choose_port("health"), "evaluation": choose_port("health")}
    alone = {"engagement": "relay", "evaluation": "consumer"}
    ledger, longest, stops, again = Ledger(), 0.0, 0, 0
    running: dict[str, Actor] = {}

    async def start(service: str, role: str) -> None:
        running[service] = stage.start(service, role, UPDRAFT_HTTP_PORT=ports[service])
        await answers(f"http://{LOCAL_HOST}:{ports[service]}/health/ready", 40)

    await asyncio.gather(*(start(service, role) for service, role in alone.items()))
    async with commits_without_pause(stage.service("engagement"), ledger, [uuid7() for _ in range(8)], writers=2):
        for number in range(rounds):
            for service, role in alone.items():
                before = await stage.value("evaluation", "SELECT count(*) FROM inbox")
                await _has_grown(stage, before)
                if service == "evaluation":
                    again += await _taken_again(ports[service])
                longest = max(longest, await _stopped(running[service]))
                stops += 1
                await start(service, "worker" if number % 2 == 0 else role)
            progress(f"F20: relay and consumer stopped ({number + 1} of {rounds}), the slowest in {longest:.1f} s")
    await stage.outbox_drained(20)
    await stage.caught_up(30)
    again += await _taken_again(ports["evaluation"])
    evidence = await stage.holds(ledger)
    assert evidence.duplicates == 0
    assert again == 0
    record(
        "F20",
        f"relay, consumer and worker stopped {stops} times while {len(evidence.outbox)} events were committed",
        0,
        longest,
        LONGEST_STOP,
        "no event was on the topic twice, none was given to a consumer twice",
    )


async def _has_grown(stage, before: int) -> None:
    async def grown() -> bool:
        return bool(await stage.value("evaluation", "SELECT count(*) FROM inbox") > before + 20)

    await until(grown, 30, "events flow")


@pytest.mark.requirement("F20", "I1", "I2", "I3", "I4", "I5")
async def test_relay_and_consumer_stopped_send_and_take_nothing_twice(stage):
    await _flow_stopped(stage, 2)


@pytest.mark.long
@pytest.mark.requirement("F20", "I1", "I2", "I3", "I4", "I5")
async def test_relay_and_consumer_stopped_over_and_over_send_and_take_nothing_twice(stage):
    await _flow_stopped(stage, 20)
