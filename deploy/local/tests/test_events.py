"""`updraft events tail` on a real broker, with records of every kind on it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from contracts.engagement import MeetingLogged
from contracts.enrollment import BusinessUnitRegistered, PersonJoined
from contracts.envelope import Envelope, encode
from contracts.examples import example, example_envelope
from contracts.identifiers import uuid7
from contracts.matching import PairFormed
from typer.testing import CliRunner, Result
from updraft.command import app
from updraft.kafka import embedded_kafka
from updraft.processes import wait_until
from updraft.provision import blocking
from updraft.topics import apply_topics

pytestmark = pytest.mark.wire
Tail = Callable[..., list[str]]
HOUR = 3600


@dataclass(frozen=True)
class Sent:
    """What lies on the broker: the old one was published two hours ago, and one record is no event."""

    kafka: str
    old: Envelope[Any]
    registered: Envelope[Any]
    joined: Envelope[Any]
    met: Envelope[Any]
    formed: Envelope[Any]

    @property
    def events(self) -> list[Envelope[Any]]:
        return [self.old, self.registered, self.joined, self.met, self.formed]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    unit, other, person = uuid7(), uuid7(), uuid7()
    with embedded_kafka(tmp_path_factory.mktemp("broker")) as broker:
        apply_topics(broker.bootstrap)
        made = Sent(
            broker.bootstrap,
            old=example_envelope(PersonJoined),
            registered=example_envelope(BusinessUnitRegistered, business_unit_id=unit, code="energy-south"),
            joined=example_envelope(PersonJoined, person_id=person, business_unit_id=unit),
            # Another unit's, on which the first is named.
            met=example_envelope(MeetingLogged, business_unit_id=other, named_unit_ids=(other, unit), minutes=47),
            formed=example_envelope(PairFormed),
        )
        blocking(_send(broker.bootstrap, made.old, ago=2 * HOUR))
        blocking(_send(broker.bootstrap, *made.events[1:]))
        blocking(_send_poison(broker.bootstrap))
        yield made


async def _send(kafka: str, *events: Envelope[Any], ago: int = 0) -> None:
    """Publish events, so many seconds ago."""
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for event in events:
            topic, key, value, headers = encode(event)
            moment = int((time.time() - ago) * 1000)
            await producer.send_and_wait(topic, value, key=key, headers=list(headers), timestamp_ms=moment)


async def _send_poison(kafka: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(MeetingLogged.TOPIC, b"[red]no event[/]", key=b"poison")


def _invoke(kafka: str, *words: str, code: int = 0, **environment: str) -> Result:
    result = CliRunner(env={"UPDRAFT_KAFKA": kafka} | environment).invoke(app, ["events", "tail", *words])
    assert result.exit_code == code, f"{words}: {result.exit_code}\n{result.output}"
    return result


def _process(kafka: str, *words: str, **environment: str) -> dict[str, Any]:
    """Arguments of subprocess' functions: for what a process of its own alone can show."""
    command = [sys.executable, "-m", "updraft", "events", "tail", *words]
    return {"args": command, "env": os.environ | {"UPDRAFT_KAFKA": kafka} | environment, "text": True}


@pytest.fixture(scope="module")
def tail(sent: Sent) -> Tail:
    """The lines that `updraft events tail --no-follow` prints."""
    return lambda *words: _invoke(sent.kafka, "--no-follow", *words).stdout.splitlines()


def _ids(lines: list[str]) -> set[UUID]:
    return {UUID(json.loads(line)["id"]) for line in lines}


def test_everything_is_there_decoded_and_what_is_no_event_is_said_to_be_none(sent: Sent, tail: Tail) -> None:
    documents = [json.loads(line) for line in tail("--from-start", "--json")]
    unreadable = [document["unreadable"] for document in documents if "unreadable" in document]
    assert [record["topic"] for record in unreadable] == [MeetingLogged.TOPIC]
    found = {document["id"]: document for document in documents if "unreadable" not in document}
    assert set(found) == {str(event.id) for event in sent.events}
    assert found[str(sent.met.id)]["data"]["minutes"] == 47
    assert found[str(sent.met.id)]["sequence"] == sent.met.sequence


def test_what_is_chosen_is_shown_and_nothing_else(sent: Sent, tail: Tail) -> None:
    def chosen(*words: str) -> set[UUID]:
        return _ids(tail("--from-start", "--json", *words))

    assert chosen("--type", "PersonJoined") == {sent.old.id, sent.joined.id}
    assert chosen("--type", sent.met.type, "--type", "PairFormed") == {sent.met.id, sent.formed.id}
    unit = sent.registered.business_unit_id
    seen = {sent.registered.id, sent.joined.id, sent.met.id}
    assert chosen("--unit", str(unit)) == seen
    assert chosen("--unit", "energy-south") == seen
    assert chosen("--key", str(sent.joined.subject)) == {sent.joined.id}
    assert chosen("--key", str(sent.joined.subject)[-8:].upper()) == {sent.joined.id}
    assert chosen("--service", "matching") == {sent.formed.id}
    assert chosen("--topic", "enrollment.people", "--topic", BusinessUnitRegistered.TOPIC) == {
        sent.old.id,
        sent.registered.id,
        sent.joined.id,
    }
    assert chosen("--public", "--type", "MeetingLogged", "--type", "PersonJoined") == {sent.met.id}


def test_only_what_was_published_since_then(sent: Sent, tail: Tail) -> None:
    assert _ids(tail("--since", "1h", "--json", "--type", "PersonJoined")) == {sent.joined.id}
    assert _ids(tail("--since", "3h", "--json", "--type", "PersonJoined")) == {sent.old.id, sent.joined.id}
    assert tail("--json") == []


def test_a_line_is_for_people_and_has_no_colour_unless_somebody_sees_it(sent: Sent, tail: Tail) -> None:
    line = next(line for line in tail("--from-start") if "MeetingLogged" in line)
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d MeetingLogged +…" + str(sent.met.subject)[-8:] + " #", line)
    assert "minutes=47" in line
    assert f"pair=…{str(sent.met.data.pair_id)[-8:]}" in line
    assert "\x1b[" not in line
    poison = next(line for line in tail("--from-start") if "no event" in line)
    assert poison.startswith(f"{MeetingLogged.TOPIC}/")


def test_each_service_has_its_colour_where_somebody_sees_it(sent: Sent) -> None:
    def seen(**environment: str) -> str:
        command = _process(sent.kafka, "--from-start", "--no-follow", FORCE_COLOR="1", TERM="xterm", **environment)
        return subprocess.run(**command, capture_output=True, timeout=120, check=True).stdout

    colours = dict(re.findall(r"\x1b\[1;(3\dm) (BusinessUnitRegistered|MeetingLogged|PairFormed) ", seen()))
    assert len(colours) == 3, "one of three services each"
    assert "MeetingLogged" in (plain := seen(NO_COLOR="1"))
    assert not re.search(r"\x1b\[[\d;]*3\dm", plain)


def test_what_there_is_not_is_an_error_that_helps(sent: Sent, tmp_path: Path) -> None:
    assert "MeetingLogged" in _invoke(sent.kafka, "--type", "meetinglogged", code=2).stderr
    assert "updraft.matching.pairs" in _invoke(sent.kafka, "--topic", "pairs", code=2).stderr
    assert "engagement" in _invoke(sent.kafka, "--service", "payroll", code=2).stderr
    assert "10m" in _invoke(sent.kafka, "--since", "yesterday", code=2).stderr
    assert "energy-south" in _invoke(sent.kafka, "--unit", "energy-north", code=1).stderr
    refused = {
        "UPDRAFT_KAFKA_PROTOCOL": "SASL_PLAINTEXT",
        "UPDRAFT_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "UPDRAFT_KAFKA_USERNAME": "data-team",
        "UPDRAFT_KAFKA_PASSWORD_FILE": str(tmp_path / "absent"),
    }
    assert "credentials" in _invoke(sent.kafka, code=1, **refused).stderr


def test_it_follows_until_ctrl_c_and_then_ends_quietly(sent: Sent, tmp_path: Path) -> None:
    # A shell lets what it starts in the background ignore Ctrl-C, and every child inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    shown = tmp_path / "shown"
    with shown.open("w") as output, (tmp_path / "errors").open("w") as errors:
        command = _process(sent.kafka, "--json", "--service", "evaluation", "--service", "enrollment")
        following = subprocess.Popen(**command, stdout=output, stderr=errors)
    try:
        later: list[str] = []

        def arrived() -> bool:
            # It shows what comes after it began; when that is, nobody tells.
            event = Envelope.of(
                example(PersonJoined, person_id=uuid7()), sequence=1, time=sent.joined.time, event_id=uuid7()
            )
            later.append(str(event.id))
            blocking(_send(sent.kafka, event))
            return shown.read_text() != ""

        assert wait_until(arrived, 60.0, every=0.5), (tmp_path / "errors").read_text()
        following.send_signal(signal.SIGINT)
        assert following.wait(30) == 0
    finally:
        following.kill()
        following.wait()
    assert (tmp_path / "errors").read_text() == ""
    assert {json.loads(line)["id"] for line in shown.read_text().splitlines()} <= set(later)
