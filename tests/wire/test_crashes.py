"""Processes killed at the named places and at random: nothing lost, nothing invented, nothing twice."""

from __future__ import annotations

import asyncio
import random

import pytest
from figures import record
from invariants import offsets_are_behind_effects
from rig.ledger import Load, commit_load, commits_without_pause
from rig.services import uuid7
from stage import until

pytestmark = pytest.mark.wire


@pytest.mark.requirement("F1", "I1", "I2", "I3", "I4", "I5", "I9")
@pytest.mark.parametrize("point", ["before-commit", "after-commit"])
async def test_an_api_killed_around_its_commit_loses_and_invents_nothing(stage, point, record_property):
    stage.start("evaluation", "consumer")
    relay = stage.start("engagement", "relay")
    api = stage.start("engagement", "api", crash=f"{point}:40")
    await stage.api_ready()
    async with Load(stage.address, stage.token, [uuid7() for _ in range(4)]) as load:
        for crashes_again in (True, False):
            assert await api.ended() == -9
            # What was committed and not yet sent dies with the relay too: it lives in the outbox alone.
            relay.kill()
            api = stage.start("engagement", "api", crash=f"{point}:40" if crashes_again else "")
            relay = stage.start("engagement", "relay")
        await load.answered(len(load.ledger.answers) + 30)
    drained = await stage.outbox_drained(10)
    record_property("outbox drained after (s)", drained)
    await stage.caught_up()
    await load.replay(10)
    await stage.holds(load.ledger)
    assert load.ledger.retries > 0
    record("F1", f"API killed {point.replace('-', ' ')} and the relay with it, twice under load", 0, drained, 10)


@pytest.mark.requirement("F2", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_a_relay_killed_between_send_and_cursor_sends_twice_and_nothing_counts_twice(stage, record_property):
    writer = stage.service("engagement")
    stage.start("evaluation", "consumer")
    meetings = [uuid7() for _ in range(5)]
    async with commits_without_pause(writer, stage.ledger, meetings, writers=3):
        for passes in (1, 2, 3):
            assert await stage.start("engagement", "relay", crash=f"after-send-before-cursor:{passes}").ended() == -9
        stage.start("engagement", "relay")
        await until(stage.relayed, 20, "the relay has caught up with the load")
    drained = await stage.outbox_drained(10)
    record_property("outbox drained after (s)", drained)
    await stage.caught_up()
    evidence = await stage.holds(stage.ledger)
    record_property("duplicates on the topic", evidence.duplicates)
    assert evidence.duplicates > 0
    note = f"{evidence.duplicates} events sent twice, none had two effects"
    record("F2", "relay killed between sending and moving its cursor, 3 times under load", 0, drained, 10, note)


@pytest.mark.requirement("F3", "F1", "I1", "I2", "I3", "I4", "I5", "I9")
@pytest.mark.parametrize(
    ("point", "kind"),
    [("consumer-before-commit", "acts"), ("consumer-after-commit", "batch"), ("after-commit", "projects")],
)
async def test_a_consumer_killed_around_its_commit_has_each_effect_once(stage, point, kind, record_property):
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    meetings = [uuid7() for _ in range(6)]
    for turn in range(2):
        load = asyncio.create_task(commit_load(writer, stage.ledger, meetings, writers=3, rounds=5))
        crash = stage.start("evaluation", "consumer", crash=f"{point}:{turn + 1}", RIG_HANDLERS=kind, RIG_BATCH=40)
        assert await crash.ended(30) == -9
        await load
        assert not offsets_are_behind_effects(await stage.evidence())
    stage.start("evaluation", "consumer", RIG_HANDLERS=kind)
    caught_up = await stage.caught_up(15)
    record_property("caught up after (s)", caught_up)
    await stage.holds(stage.ledger)
    record("F3", f"consumer killed at {point}, twice under load", 0, caught_up, 15)


@pytest.mark.requirement("F3", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_consumers_killed_at_random_moments_never_run_ahead_of_their_effects(stage, record_property):
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    chance = random.Random(3)
    meetings = [uuid7() for _ in range(8)]
    async with commits_without_pause(writer, stage.ledger, meetings):
        for _ in range(4):
            before = await stage.value("evaluation", "SELECT count(*) FROM inbox")
            consumer = stage.start(
                "evaluation", "consumer", RIG_SLOW="0.005", RIG_BATCH=15, RIG_HANDLERS="acts", RIG_SESSION_MS=1500
            )
            await until(lambda before=before: _has_grown(stage, before), 25, "the consumer has begun")
            await asyncio.sleep(chance.random() * 0.4)
            consumer.kill()
            assert not offsets_are_behind_effects(await stage.evidence())
    stage.start("evaluation", "consumer", RIG_HANDLERS="acts", RIG_SESSION_MS=1500)
    caught_up = await stage.caught_up(15)
    record_property("caught up after (s)", caught_up)
    await stage.holds(stage.ledger)
    record("F3", "consumer killed at random moments, 4 times under load", 0, caught_up, 15)


async def _has_grown(stage, before: int) -> bool:
    return bool(await stage.value("evaluation", "SELECT count(*) FROM inbox") > before)
