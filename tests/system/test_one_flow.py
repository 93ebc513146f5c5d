"""A small cohort through the gateway: the one flow, its trace, and who may see it."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from contracts.identifiers import uuid7
from updraft.demo.caller import Caller, until
from updraft.demo.cast import choose
from updraft.demo.play import Options, enroll_organisation
from updraft.demo.story import Story
from updraft.demo.year import Year
from updraft.stack import Stack

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
async def year(stack: Stack) -> AsyncIterator[Year]:
    """A cohort of a few active pairs, run by the first of four units."""
    options = Options(size=240, mentees=4, mentors=5, waiting=0, seed=11)
    caller = Caller(stack.gateway_url)
    played = Year(caller, stack, stack.clock, Story("a test", True, options.seed), seed=options.seed)
    people = await enroll_organisation(played, options)
    mentees, mentors = choose(people, mentees=options.mentees, mentors=options.mentors, seed=options.seed)
    await played.match(await played.enroll([*mentees, *mentors]))
    await played.prepare()
    stack.clock.move_to(datetime.now(UTC) + timedelta(days=3))
    yield played
    await caller.close()


def _spans(folder: Path, trace_id: str) -> list[dict[str, Any]]:
    found = []
    for file in folder.glob("*.jsonl"):
        for line in file.read_text().splitlines():
            try:
                span = json.loads(line)
            except ValueError:
                continue
            if span["trace_id"] == trace_id:
                found.append(span)
    return found


_HOURS = itertools.count()


async def _log_meeting(
    stack: Stack, year: Year, *, key: str, trace_id: str | None = None, held_at: datetime | None = None
) -> httpx.Response:
    couple = year.couples[0]
    held_at = held_at or datetime.now(UTC) + timedelta(days=1, hours=next(_HOURS))
    async with httpx.AsyncClient(base_url=stack.gateway_url) as client:
        headers = {"authorization": f"Bearer {year.as_person(couple.mentor)}", "idempotency-key": key}
        if trace_id is not None:
            headers["traceparent"] = f"00-{trace_id}-00f067aa0ba902b7-01"
        return await client.post(
            f"/engagement/v1/pairs/{couple.pair_id}/meetings/log",
            headers=headers,
            json={"held_at": held_at.replace(microsecond=0, second=0).isoformat(), "minutes": 45, "channel": "video"},
        )


async def _known_meetings(year: Year) -> dict[str, Any]:
    path = f"/evaluation/v1/cohorts/{year.cohort_id}/meetings"
    return {row["meeting_id"]: row async for row in year.caller.pages(year.manager, path)}


async def test_one_trace_from_the_post_of_a_meeting_to_evaluations_projection(stack: Stack, year: Year) -> None:
    """HTTP at engagement, its relay and evaluation's consumer are one trace, and the GET shows the meeting."""
    trace_id = uuid7().hex
    logged = await _log_meeting(stack, year, key=str(uuid7()), trace_id=trace_id)
    assert logged.status_code == 201, logged.text
    meeting_id = logged.json()["meeting_id"]

    async def ask() -> Any:
        return (await _known_meetings(year)).get(meeting_id)

    known = await until("the meeting at evaluation", ask, seconds=20)
    assert (known["state"], known["minutes"]) == ("held", 45)

    async def spans() -> list[dict[str, Any]]:
        return await asyncio.to_thread(_spans, stack.traces_dir, trace_id)

    found = await until(
        "the spans",
        spans,
        lambda spans: (
            {("engagement", "server"), ("engagement", "producer"), ("evaluation", "consumer")}
            <= {(span["service"], span["kind"]) for span in spans}
        ),
        seconds=20,
    )
    by_kind = {(span["service"], span["kind"]): span for span in found}
    server = by_kind["engagement", "server"]
    assert server["parent_span_id"] == "00f067aa0ba902b7"
    assert by_kind["engagement", "producer"]["parent_span_id"] == server["span_id"]
    assert by_kind["evaluation", "consumer"]["parent_span_id"] == server["span_id"]
    assert "MeetingLogged" in by_kind["evaluation", "consumer"]["name"]


@pytest.mark.requirement("I9")
async def test_the_same_key_logs_one_meeting(stack: Stack, year: Year) -> None:
    """Sent three times at once, answered three times alike, logged once."""
    key = str(uuid7())
    held_at = datetime.now(UTC) + timedelta(days=2, hours=6)
    answers = await asyncio.gather(*[_log_meeting(stack, year, key=key, held_at=held_at) for _ in range(3)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["meeting_id"] for answer in answers}) == 1


@pytest.mark.requirement("S1", "I7")
async def test_another_units_pair_is_as_unknown_as_one_that_does_not_exist(stack: Stack, year: Year) -> None:
    """Byte for byte the same answer, at every service."""
    stranger = stack.token(roles=["program_manager"], business_unit_id=uuid7(), subject="stranger")
    paths = {
        "engagement": ("pairs", year.couples[0].pair_id),
        "matching": ("pairs", year.couples[0].pair_id),
        "enrollment": ("cohorts", year.cohort_id),
        "evaluation": ("cohorts", year.cohort_id),
    }
    async with httpx.AsyncClient(base_url=stack.gateway_url, headers={"authorization": f"Bearer {stranger}"}) as client:
        for service, (kind, identifier) in paths.items():
            tail = "/report" if service == "evaluation" else ""
            theirs = await client.get(f"/{service}/v1/{kind}/{identifier}{tail}")
            nobodys = await client.get(f"/{service}/v1/{kind}/{uuid7()}{tail}")
            assert theirs.status_code == nobodys.status_code == 404, service
            assert theirs.content == nobodys.content, service


async def test_a_unit_named_on_the_cohort_sees_it(year: Year) -> None:
    """What several units run together is visible to each of them, and the host owns it."""
    other = list(year.units.values())[1]
    cohort = await year.caller.get(year.manager_of(other), f"/enrollment/v1/cohorts/{year.cohort_id}")
    assert cohort["business_unit_id"] == str(year.host)
    assert str(other) in cohort["named_unit_ids"]


@pytest.mark.requirement("S5", "S8")
async def test_no_token_and_the_wrong_role_are_turned_away(stack: Stack, year: Year) -> None:
    """The gateway asks for a token; the service for a role."""
    path = f"/matching/v1/cohorts/{year.cohort_id}/runs"
    async with httpx.AsyncClient(base_url=stack.gateway_url) as client:
        nobody = await client.post(path, headers={"idempotency-key": "x"})
        assert nobody.status_code == 401
        assert nobody.headers["content-type"].startswith("application/problem+json")
        mentor = {"authorization": f"Bearer {year.as_person(year.couples[0].mentor)}", "idempotency-key": "y"}
        assert (await client.post(path, headers=mentor)).status_code == 403


@pytest.mark.requirement("R1-09")
async def test_a_pair_exists_only_after_both_have_accepted(year: Year) -> None:
    """The declined proposal became no pair at engagement; all others did."""
    pairs = {row["pair_id"] async for row in year.caller.pages(year.manager, "/engagement/v1/pairs")}
    assert pairs == {str(couple.pair_id) for couple in year.couples}


@pytest.mark.requirement("F1", "I1", "I9")
async def test_a_killed_worker_delays_and_loses_nothing(stack: Stack, year: Year) -> None:
    """Meetings are logged while engagement's relay is dead; all of them reach evaluation when it is back."""
    await asyncio.to_thread(stack.kill, "engagement-worker", hold=True)
    answers = [await _log_meeting(stack, year, key=str(uuid7())) for _ in range(5)]
    promised = {answer.json()["meeting_id"] for answer in answers}
    assert {answer.status_code for answer in answers} == {201}
    assert not promised & set(await _known_meetings(year))
    begun = time.monotonic()
    await asyncio.to_thread(stack.release, "engagement-worker")

    async def ask() -> Any:
        return promised <= set(await _known_meetings(year))

    await until("the delayed meetings", ask, seconds=40)
    assert time.monotonic() - begun < 40
