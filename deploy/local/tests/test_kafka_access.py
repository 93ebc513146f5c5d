"""Who may do what on a broker that asks: shown on a real one, with the rules made from the topic files."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import AuthenticationFailedError, KafkaConnectionError, TopicAuthorizationFailedError
from chassis.dead_letters import list_dead_letters
from chassis.settings import ServiceSettings
from confluent_kafka import Consumer, KafkaError
from contracts.catalog import SERVICES, TOPICS, all_kafka_topics, dead_letter_topic, redrive_topic
from typer.testing import CliRunner
from updraft.command import app
from updraft.errors import DeploymentError
from updraft.kafka import EmbeddedKafka
from updraft.kafka_access import ADMIN, DATA_TEAM, USERS, Rule, apply_access, password_file, rules
from updraft.processes import spawn
from updraft.topics import apply_topics

PEOPLE = "updraft.enrollment.people"  # internal; matching reads it
PAIRS = "updraft.matching.pairs"  # public
RUNS = "updraft.matching.runs"  # enrollment does not read it
PARTITIONS = {topic.name: topic.partitions for topic in all_kafka_topics()}


class Guarded:
    """A broker that asks, with topics and rules applied."""

    def __init__(self, broker: EmbeddedKafka, folder: Path) -> None:
        self.broker, self.folder = broker, folder

    def settings(self, user: str, *, at: str | None = None, mechanism: Any = "SCRAM-SHA-512") -> ServiceSettings:
        return ServiceSettings(
            kafka=at or self.broker.bootstrap,
            kafka_protocol="SASL_PLAINTEXT",
            kafka_sasl_mechanism=mechanism,
            kafka_username=user,
            kafka_password_file=self.folder / password_file(user),
        )

    def administration(self) -> ServiceSettings:
        return self.settings(ADMIN, at=self.broker.admin_bootstrap, mechanism="PLAIN")

    def passwords(self) -> dict[str, str]:
        return {user: (self.folder / password_file(user)).read_text() for user in USERS}

    def client(self, user: str) -> dict[str, Any]:
        settings = self.settings(user)
        return {"bootstrap_servers": settings.kafka, **settings.kafka_security()}

    @asynccontextmanager
    async def producer(self, user: str) -> Any:
        # Who may write nothing may not even become idempotent; here the topic is to be what is refused.
        producer = AIOKafkaProducer(acks="all", enable_idempotence=user != DATA_TEAM, **self.client(user))
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    async def write(self, user: str, topic: str, value: bytes = b"{}") -> None:
        async with self.producer(user) as producer:
            await producer.send_and_wait(topic, key=b"key", value=value)

    async def read(self, user: str, topic: str, *, group: str | None = None) -> list[bytes | None]:
        """What `user` finds on the topic, as the only member of `group` (one of its own unless given). Raises `Refused`."""
        own = DATA_TEAM if user == DATA_TEAM else f"updraft.{user}"
        return await asyncio.to_thread(self._read, user, topic, group or f"{own}.{uuid4().hex}")

    def _read(self, user: str, topic: str, group: str) -> list[bytes | None]:
        settings = self.settings(user)
        security = settings.kafka_security()
        consumer = Consumer(
            {
                "bootstrap.servers": settings.kafka,
                "security.protocol": settings.kafka_protocol,
                "sasl.mechanism": security["sasl_mechanism"],
                "sasl.username": user,
                "sasl.password": security["sasl_plain_password"],
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
            }
        )
        ended: set[int] = set()
        found: list[bytes | None] = []
        try:
            consumer.subscribe([topic])
            deadline = time.monotonic() + 60
            while len(ended) < PARTITIONS[topic]:
                assert time.monotonic() < deadline, f"{user} neither reads {topic} to its end nor is refused"
                message = consumer.poll(0.2)
                problem = message and message.error()
                if problem and problem.code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
                elif problem:
                    raise Refused(problem.name())
                elif message:
                    found.append(message.value())
        finally:
            consumer.close()
        return found


class Refused(Exception):
    """The broker's reason."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    passwords = folder / "passwords"
    passwords.mkdir()
    for user in USERS:
        (passwords / password_file(user)).write_text(secrets.token_urlsafe(24))
    broker = EmbeddedKafka(folder, access=passwords)
    broker.start()
    try:
        found = Guarded(broker, passwords)
        administration = found.administration()
        apply_topics(administration.kafka, security=administration.kafka_security())
        apply_access(administration, found.passwords())
        yield found
    finally:
        broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_rules_follow_from_the_topic_files():
    everything = rules()
    names = {topic.name for topic in all_kafka_topics()}
    assert {rule.name for rule in everything if rule.kind == "TOPIC"} == names
    assert {rule.user for rule in everything} == {*SERVICES, DATA_TEAM}
    for topic in TOPICS.values():
        assert {rule.user for rule in everything if rule[1:4] == ("WRITE", "TOPIC", topic.name)} == {topic.owner}
        readers = {*topic.consumers, *([DATA_TEAM] if topic.audience == "public" else [])}
        assert {rule.user for rule in everything if rule[1:4] == ("READ", "TOPIC", topic.name)} == readers
    assert not [rule for rule in everything if rule.user == DATA_TEAM and rule.operation == "WRITE"]
    assert not [rule for rule in everything if rule.name.endswith(".dlq") and rule.operation == "READ"]


def test_no_rule_for_a_reader_that_a_topic_file_does_not_name():
    alone = {PEOPLE: TOPICS[PEOPLE]}
    assert rules(alone) == {
        Rule("enrollment", "WRITE", "TOPIC", PEOPLE),
        Rule("matching", "READ", "TOPIC", PEOPLE),
        Rule("matching", "WRITE", "TOPIC", dead_letter_topic(PEOPLE, "matching")),
        Rule("matching", "READ", "TOPIC", redrive_topic("matching")),
        Rule("matching", "READ", "GROUP", "updraft.matching", prefix=True),
    }


@pytest.mark.wire
async def test_a_service_writes_its_own_topics_and_no_other(guarded: Guarded):
    await guarded.write("enrollment", PEOPLE)
    await guarded.write("matching", dead_letter_topic(PEOPLE, "matching"))
    for user, topic in (
        ("matching", PEOPLE),  # it reads it
        ("enrollment", PAIRS),
        ("evaluation", dead_letter_topic(PEOPLE, "matching")),
        ("matching", redrive_topic("matching")),
    ):
        with pytest.raises(TopicAuthorizationFailedError):
            await guarded.write(user, topic)


@pytest.mark.wire
async def test_a_service_reads_what_names_it_and_nothing_else(guarded: Guarded):
    await guarded.write("enrollment", PEOPLE, b"somebody joined")
    assert b"somebody joined" in await guarded.read("matching", PEOPLE)
    await guarded.read("matching", PEOPLE, group="updraft.matching")
    await guarded.read("matching", PEOPLE, group="updraft.matching.anew")
    for user, topic in (
        ("evaluation", PEOPLE),
        ("enrollment", RUNS),
        ("matching", dead_letter_topic(PEOPLE, "matching")),
    ):
        with pytest.raises(Refused, match="TOPIC_AUTHORIZATION_FAILED"):
            await guarded.read(user, topic)
    with pytest.raises(Refused, match="GROUP_AUTHORIZATION_FAILED"):
        await guarded.read("matching", PEOPLE, group="updraft.evaluation")


@pytest.mark.wire
async def test_the_data_team_reads_what_is_public_and_is_refused_the_rest(guarded: Guarded):
    await guarded.write("matching", PAIRS, b"a public fact")
    assert b"a public fact" in await guarded.read(DATA_TEAM, PAIRS)
    await guarded.read(DATA_TEAM, PAIRS, group="data-team.warehouse")
    for topic in (PEOPLE, dead_letter_topic(PAIRS, "evaluation"), redrive_topic("evaluation")):
        with pytest.raises(Refused, match="TOPIC_AUTHORIZATION_FAILED"):
            await guarded.read(DATA_TEAM, topic)
    with pytest.raises(Refused, match="GROUP_AUTHORIZATION_FAILED"):
        await guarded.read(DATA_TEAM, PAIRS, group="updraft.evaluation")
    for topic in (PAIRS, PEOPLE):
        with pytest.raises(TopicAuthorizationFailedError):
            await guarded.write(DATA_TEAM, topic)


@pytest.mark.wire
async def test_nobody_enters_without_a_password(guarded: Guarded):
    stranger = AIOKafkaProducer(bootstrap_servers=guarded.broker.bootstrap, request_timeout_ms=3000)
    with pytest.raises(KafkaConnectionError):
        await stranger.start()
    await stranger.stop()
    # The administrator's password given as somebody else's: known users are not interchangeable.
    wrong = guarded.client("enrollment") | {"sasl_plain_password": guarded.passwords()[ADMIN]}
    impostor = AIOKafkaProducer(**wrong)
    with pytest.raises((AuthenticationFailedError, KafkaConnectionError)):
        await impostor.start()
    await impostor.stop()


@pytest.mark.wire
async def test_applying_again_changes_nothing_takes_away_what_is_not_declared_and_sets_passwords(guarded: Guarded):
    administration, passwords = guarded.administration(), guarded.passwords()
    try:
        again = apply_access(administration, passwords)
        assert (again.made, again.removed, again.dismissed) == (0, 0, ())

        extra = {
            Rule("intruder", "READ", "TOPIC", PEOPLE),
            Rule("intruder", "READ", "GROUP", "updraft.intruder", prefix=True),
        }
        (guarded.folder / password_file("intruder")).write_text("let me in, please")
        widened = apply_access(administration, passwords | {"intruder": "let me in, please"}, rules() | extra)
        assert (widened.made, widened.removed) == (2, 0)
        await guarded.read("intruder", PEOPLE)
        narrowed = apply_access(administration, passwords)
        assert (narrowed.made, narrowed.removed, narrowed.dismissed) == (0, 2, ("intruder",))
        with pytest.raises((AuthenticationFailedError, KafkaConnectionError)):
            await guarded.write("intruder", PEOPLE)

        apply_access(administration, passwords | {"enrollment": "another password"})
        with pytest.raises((AuthenticationFailedError, KafkaConnectionError)):
            await guarded.write("enrollment", PEOPLE)
        (guarded.folder / password_file("enrollment")).write_text("another password")
        await guarded.write("enrollment", PEOPLE)
    finally:
        (guarded.folder / password_file("enrollment")).write_text(passwords["enrollment"])
        apply_access(administration, passwords)


@pytest.mark.wire
def test_a_user_who_is_no_administrator_cannot_change_the_rules(guarded: Guarded):
    with pytest.raises(DeploymentError, match="AUTHORIZATION"):
        apply_access(guarded.settings("enrollment"), guarded.passwords())


@pytest.mark.wire
async def test_the_processes_of_a_service_need_no_more_than_its_own_rights(
    guarded: Guarded, make_database: Callable[..., Any], tmp_path: Path
):
    database = make_database("engagement", migrated=True)
    settings = guarded.settings("engagement")
    worker = spawn(
        "guarded-worker",
        [sys.executable, "-m", "engagement", "worker"],
        run_dir=tmp_path / "run",
        log=tmp_path / "worker.log",
        env=database.environment()
        | {
            "PATH": "/usr/bin:/bin",
            "UPDRAFT_HTTP_PORT": "0",
            "UPDRAFT_KAFKA": settings.kafka,
            "UPDRAFT_KAFKA_PROTOCOL": settings.kafka_protocol,
            "UPDRAFT_KAFKA_SASL_MECHANISM": str(settings.kafka_sasl_mechanism),
            "UPDRAFT_KAFKA_USERNAME": "engagement",
            "UPDRAFT_KAFKA_PASSWORD_FILE": str(settings.kafka_password_file),
        },
    )
    admin = guarded.settings(ADMIN)
    value = uuid4().hex.encode()

    async def sent() -> bool:
        return value in await guarded.read(ADMIN, "updraft.engagement.pairs")

    async def set_aside() -> bool:
        letters = await list_dead_letters(admin.kafka, security=admin.kafka_security())
        return "engagement" in {letter.consumer for letter in letters if letter.topic == PAIRS}

    try:
        await _append(database.dsn("worker"), "updraft.engagement.pairs", value)
        await guarded.write("matching", PAIRS, b"no event at all")
        await _until(sent, "what is in the outbox is on its topic")
        await _until(set_aside, "what cannot be applied is among the dead letters")
    finally:
        worker.stop(15)


@pytest.mark.wire
def test_dead_letters_are_listed_with_the_credentials_of_the_environment(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("UPDRAFT_KAFKA", guarded.broker.bootstrap)
    monkeypatch.setenv("UPDRAFT_KAFKA_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("UPDRAFT_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
    monkeypatch.setenv("UPDRAFT_KAFKA_USERNAME", ADMIN)
    monkeypatch.setenv("UPDRAFT_KAFKA_PASSWORD_FILE", str(guarded.folder / password_file(ADMIN)))
    listed = CliRunner().invoke(app, ["dead-letters", "list", "--json"])
    assert listed.exit_code == 0, listed.output
    monkeypatch.setenv("UPDRAFT_KAFKA_PASSWORD_FILE", str(guarded.folder / password_file("matching")))
    assert CliRunner().invoke(app, ["dead-letters", "list", "--json"]).exit_code == 1


async def _append(dsn: str, topic: str, value: bytes) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "INSERT INTO outbox (business_unit_id, topic, key, headers, value) VALUES ($1, $2, $3, $4, $5)",
            *(uuid4(), topic, b"key", b"[]", value),
        )
    finally:
        await connection.close()


async def _until(holds: Callable[[], Awaitable[bool]], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}"
        await asyncio.sleep(0.3)
