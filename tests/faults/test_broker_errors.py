"""The broker answers with errors: librdkafka's mock cluster gives the codes, the real relay and the real consumer bear them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from contracts import catalog
from figures import progress, record
from health_side import Watched
from kafka_side import DEAD_LETTERS, REDRIVE, STRAY_LETTERS, TOPIC
from mock_cluster import (
    FETCH,
    FIND_COORDINATOR,
    HEARTBEAT,
    INIT_PRODUCER_ID,
    JOIN_GROUP,
    OFFSET_COMMIT,
    OFFSET_FETCH,
    PRODUCE,
    SYNC_GROUP,
    MockCluster,
    mock_cluster,
)
from rig.ledger import commits_without_pause
from rig.services import uuid7
from stage import until

pytestmark = pytest.mark.wire

PRODUCING = (
    "NOT_LEADER_OR_FOLLOWER",
    "NOT_ENOUGH_REPLICAS",
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    "REQUEST_TIMED_OUT",
)
COORDINATING = ("COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR")
IN_A_ROW = 5


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    """A mock cluster with the rig's topics."""
    with mock_cluster() as made:
        for topic in catalog.all_kafka_topics():
            if topic.name in {TOPIC, DEAD_LETTERS, REDRIVE, STRAY_LETTERS}:
                made.create_topic(topic.name, topic.partitions)
        yield made


async def _served(cluster: MockCluster, request: int, errors: list[str], seconds: float = 30) -> float:
    """Answer the next requests of the kind with `errors`; wait until all were given out and one more was answered well."""
    cluster.forget_requests()
    cluster.answer_with(request, errors)

    async def all_given() -> bool:
        return cluster.requests()[request] > len(errors)

    return await until(all_given, seconds, f"{len(errors)} errors are given to requests of kind {request}")


async def _known(stage: Any, seconds: float = 30) -> float:
    """Wait until what is committed by now has had its effect; the seconds that took."""
    written = await stage.value("engagement", "SELECT count(*) FROM outbox")

    async def done() -> bool:
        return bool(await stage.value("evaluation", "SELECT count(*) FROM inbox") >= written)

    return await until(done, seconds, f"{written} events have their effect")


@pytest.mark.requirement("F6", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_errors_of_a_leader_delay_and_lose_nothing(stage, cluster):
    stage.kafka = cluster.bootstrap
    writer = stage.service("engagement")
    relay = stage.start("engagement", "relay")
    consumer = stage.start("evaluation", "consumer", RIG_HANDLERS="acts", RIG_SESSION_MS=6000)
    recovered = []
    async with commits_without_pause(writer, stage.ledger, [uuid7() for _ in range(5)], writers=2):
        await _known(stage)
        for error in PRODUCING:
            await _served(cluster, PRODUCE, [error] * IN_A_ROW)
            recovered.append(await _known(stage))
        for error in ("NOT_LEADER_OR_FOLLOWER", "REQUEST_TIMED_OUT"):
            await _served(cluster, FETCH, [error] * IN_A_ROW)
            recovered.append(await _known(stage))
    await stage.caught_up(20)
    await stage.holds(stage.ledger)
    assert relay.alive
    assert consumer.alive
    record(
        "F6",
        f"{' , '.join(PRODUCING).replace(' ,', ',')}, {IN_A_ROW} times in a row each, to what the relay sends and the consumer fetches",
        lost=0,
        recovery_seconds=max(recovered),
        bound_seconds=30,
        note="librdkafka's mock cluster",
    )


@pytest.mark.requirement("F6", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_errors_of_a_coordinator_to_a_member_delay_and_lose_nothing(stage, cluster):
    stage.kafka = cluster.bootstrap
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    consumer = stage.start("evaluation", "consumer", RIG_HANDLERS="acts", RIG_SESSION_MS=6000)
    recovered = []
    async with commits_without_pause(writer, stage.ledger, [uuid7() for _ in range(5)], pause=0.1):
        await _known(stage)
        for error in COORDINATING:
            # A broker answers heartbeats as if all were well while it loads a group.
            for request in (OFFSET_COMMIT, HEARTBEAT)[: 1 if error == "COORDINATOR_LOAD_IN_PROGRESS" else 2]:
                await _served(cluster, request, [error] * 2)
            recovered.append(await _known(stage))
            progress(f"F6: {error} to a member of the group, all is known after {recovered[-1]:.1f} s")
    await stage.caught_up(20)
    await stage.holds(stage.ledger)
    assert consumer.alive
    record(
        "F6",
        f"{', '.join(COORDINATING)} to commits and heartbeats of a member of the group",
        lost=0,
        recovery_seconds=max(recovered),
        bound_seconds=30,
        note="librdkafka's mock cluster",
    )


@pytest.mark.requirement("F6", "I1", "I2", "I3", "I4", "I5", "I9")
@pytest.mark.parametrize(
    "error", [COORDINATING[0], *(pytest.param(one, marks=pytest.mark.long) for one in COORDINATING[1:])]
)
async def test_errors_of_a_coordinator_to_a_newcomer_delay_and_lose_nothing(stage, cluster, error):
    """What is only asked when a relay begins or a consumer joins; the driver does not bear all of it and is started again."""
    stage.kafka = cluster.bootstrap
    writer = stage.service("engagement")
    asked = (FIND_COORDINATOR, JOIN_GROUP, SYNC_GROUP, OFFSET_FETCH, INIT_PRODUCER_ID)
    async with commits_without_pause(writer, stage.ledger, [uuid7() for _ in range(5)], pause=0.1):
        await until(lambda: _has_rows(stage), 20, "the first events are committed")
        for request in asked:
            cluster.answer_with(request, [error])
        began = time.monotonic()
        starts = 1
        stage.start("engagement", "relay")
        consumer = stage.start("evaluation", "consumer", RIG_HANDLERS="acts", RIG_SESSION_MS=6000)
        known = asyncio.create_task(_known(stage, 90))
        while not known.done():
            if not consumer.alive:
                starts += 1
                consumer = stage.start("evaluation", "consumer", RIG_HANDLERS="acts", RIG_SESSION_MS=6000)
            await asyncio.sleep(0.1)
        await known
        recovered = time.monotonic() - began
        progress(f"F6: {error} to a newcomer, all is known after {recovered:.1f} s and {starts} starts")
    counted = cluster.requests()
    assert all(counted[request] >= 2 for request in asked), counted
    await stage.caught_up(20)
    await stage.holds(stage.ledger)
    assert starts <= 2
    record(
        "F6",
        f"{error} to joining, the search for a coordinator, the first offsets and a producer's start",
        lost=0,
        recovery_seconds=recovered,
        bound_seconds=90,
        note="librdkafka's mock cluster" + ("; the consumer ended itself and was started again" if starts > 1 else ""),
    )


async def _has_rows(stage: Any) -> bool:
    return bool(await stage.value("engagement", "SELECT count(*) > 20 FROM outbox"))


@pytest.mark.requirement("F6", "F5", "I1", "I4")
async def test_a_leader_that_refuses_for_longer_than_a_request_may_take_breaks_no_order(stage, cluster):
    stage.kafka = cluster.bootstrap
    writer = stage.service("engagement")
    async with Watched() as watched:
        relay = stage.start("engagement", "relay", UPDRAFT_HTTP_PORT=watched.port)
        async with commits_without_pause(writer, stage.ledger, [uuid7() for _ in range(5)], writers=2, pause=0.1):
            await stage.outbox_drained(20)
            refused = asyncio.create_task(_served(cluster, PRODUCE, ["NOT_ENOUGH_REPLICAS"] * 180, 60))
            await until(lambda: watched.has_alarm("events-not-sent"), 40, "the alarm is raised")
            seconds = await refused
        drained = await stage.outbox_drained(30)
        await until(watched.is_quiet, 20, "the alarm is gone")
    stage.start("evaluation", "consumer", RIG_HANDLERS="acts", RIG_SESSION_MS=6000)
    await stage.caught_up(20)
    await stage.holds(stage.ledger)
    assert relay.alive
    assert seconds > 15
    record(
        "F6",
        f"NOT_ENOUGH_REPLICAS for {seconds:.0f} s",
        lost=0,
        recovery_seconds=drained,
        bound_seconds=30,
        note="librdkafka's mock cluster; the alarm was raised meanwhile",
    )


@pytest.mark.long
@pytest.mark.requirement("F6", "I1", "I3", "I9")
async def test_a_consumer_that_its_coordinator_has_broken_ends_and_its_successor_goes_on(stage, cluster):
    """aiokafka does not survive an error that its heartbeat does not expect: it would stand still for ever, and look alive."""
    stage.kafka = cluster.bootstrap
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    consumer = stage.start("evaluation", "consumer", RIG_HANDLERS="acts", RIG_SESSION_MS=6000)
    async with commits_without_pause(writer, stage.ledger, [uuid7() for _ in range(5)], pause=0.1):
        await _known(stage)
        await _served(cluster, HEARTBEAT, [])
        cluster.answer_with(HEARTBEAT, ["UNKNOWN_SERVER_ERROR"])
        ended = time.monotonic()
        assert await consumer.ended(60) > 0
        assert "NothingCanBeRead" in consumer.child.log.read_text()
        progress(f"F6: the consumer ended itself after {time.monotonic() - ended:.0f} s")
        stage.start("evaluation", "consumer", RIG_HANDLERS="acts", RIG_SESSION_MS=6000)
        recovered = await _known(stage)
    await stage.caught_up(20)
    await stage.holds(stage.ledger)
    record(
        "F6",
        "UNKNOWN_SERVER_ERROR to a heartbeat, which breaks the driver: the process ends and is started again",
        lost=0,
        recovery_seconds=time.monotonic() - ended,
        bound_seconds=90,
        note=f"librdkafka's mock cluster; all is known {recovered:.1f} s after the start",
    )
