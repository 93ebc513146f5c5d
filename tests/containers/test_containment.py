"""What a container and a Kafka user may not do: be root, write its own files, show a password, read what is not public."""

from __future__ import annotations

import json
import logging
from typing import Any

import aiokafka
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import GroupAuthorizationFailedError
from aiokafka.errors import KafkaError as Refused
from composed import Composed
from confluent_kafka import Consumer, KafkaError, Producer
from contracts.catalog import SERVICES, TOPICS, dead_letter_topic
from updraft.kafka_access import DATA_TEAM, password_file

pytestmark = [pytest.mark.containers, pytest.mark.timeout(2400)]

PUBLIC = next(name for name, topic in TOPICS.items() if topic.audience == "public")
READER = TOPICS[PUBLIC].consumers[0]
INTERNAL = next(name for name, topic in TOPICS.items() if topic.audience != "public")

_PATIENCE_SECONDS = 60.0
_MECHANISM = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-512"}


def _login(composed: Composed, user: str, **settings: Any) -> dict[str, Any]:
    return settings | {
        "bootstrap.servers": composed.kafka,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": composed.secret(password_file(user)),
        "logger": logging.getLogger("containment"),
    }


def _read(composed: Composed, user: str, topic: str) -> int | None:
    """The broker's error code when `user` reads the topic from its beginning; None when that gives a record or the topic's end."""
    settings = {"group.id": f"{DATA_TEAM}.check", "auto.offset.reset": "earliest", "enable.partition.eof": True}
    consumer = Consumer(_login(composed, user, **settings))
    try:
        consumer.subscribe([topic])
        found = consumer.poll(_PATIENCE_SECONDS)
        assert found is not None, f"no answer about {topic}"
        error = found.error()
        return None if error is None or error.code() == KafkaError._PARTITION_EOF else error.code()
    finally:
        consumer.close()


async def _commit(composed: Composed, user: str, group: str) -> None:
    """Store an offset of a group as `user`."""
    login = {"sasl_plain_username": user, "sasl_plain_password": composed.secret(password_file(user))}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=composed.kafka, group_id=group, enable_auto_commit=False, **_MECHANISM, **login
    )
    await consumer.start()
    try:
        place = aiokafka.TopicPartition(PUBLIC, 0)
        consumer.assign([place])
        await consumer.commit({place: 0})
    finally:
        await consumer.stop()


def _write(composed: Composed, user: str, topic: str) -> int | None:
    """The broker's error code when `user` writes to the topic; None when the record is acknowledged."""
    told: list[Any] = []
    producer = Producer(_login(composed, user))
    producer.produce(topic, b"{}", key=b"nobody", on_delivery=lambda error, _: told.append(error))
    producer.flush(_PATIENCE_SECONDS)
    assert told, f"no answer about {topic}"
    return None if told[0] is None else told[0].code()


@pytest.mark.requirement("S12")
async def test_the_data_team_reads_what_is_public_and_is_refused_everything_else(composed: Composed) -> None:
    """On the broker of the compose file, by the rules made from the topic files."""
    assert _read(composed, DATA_TEAM, PUBLIC) is None
    assert _read(composed, DATA_TEAM, INTERNAL) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert _read(composed, DATA_TEAM, dead_letter_topic(PUBLIC, READER)) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    for topic in (PUBLIC, INTERNAL):
        assert _write(composed, DATA_TEAM, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    await _commit(composed, DATA_TEAM, f"{DATA_TEAM}.check")
    with pytest.raises(GroupAuthorizationFailedError):
        await _commit(composed, DATA_TEAM, f"updraft.{READER}")


def test_a_service_writes_no_topic_of_another(composed: Composed) -> None:
    """Each is refused at the first topic that somebody else owns."""
    for service in SERVICES:
        foreign = next(name for name, topic in TOPICS.items() if topic.owner != service)
        assert _write(composed, service, foreign) == KafkaError.TOPIC_AUTHORIZATION_FAILED, service


async def test_a_stranger_enters_nowhere(composed: Composed) -> None:
    """Without a login, and with a wrong password."""
    login = _MECHANISM | {"sasl_plain_username": DATA_TEAM, "sasl_plain_password": "wrong"}
    for attempt in ({}, login):
        consumer = AIOKafkaConsumer(bootstrap_servers=composed.kafka, request_timeout_ms=5000, **attempt)
        with pytest.raises(Refused):
            await consumer.start()
        await consumer.stop()


def test_no_container_runs_as_root_or_writes_its_own_files(composed: Composed) -> None:
    """By what the engine says of the container, and by the users of the processes in it."""
    containers = composed.containers()
    assert len(containers) >= 15
    for found in containers:
        host = found.inspected["HostConfig"]
        assert host["ReadonlyRootfs"], f"{found.service} can write its root file system"
        assert not host["Privileged"], found.service
        assert host["CapDrop"] == ["ALL"], found.service
        assert "no-new-privileges:true" in host["SecurityOpt"], found.service
        assert host["Memory"] > 0, f"{found.service} has no limit"
        users = composed.docker("top", found.name, "-eo", "pid,uid,comm").split("\n")[1:]
        assert users, found.service
        assert not [line for line in users if line.split()[1:2] == ["0"]], f"{found.service} runs as root: {users}"


def test_no_password_is_to_be_seen_from_outside_of_a_container(composed: Composed) -> None:
    """Not in its environment, its command or its labels; images hold none either."""
    passwords = composed.passwords()
    assert len(passwords) >= 19
    seen = [json.dumps(found.inspected) for found in composed.containers()]
    seen += [composed.docker("image", "inspect", image) for image in composed.compose("config", "--images").split()]
    seen.append(composed.compose("config"))
    assert len(seen) > 15
    for name, password in passwords.items():
        assert not [text for text in seen if password in text], f"{name} is to be seen"


def test_no_process_of_ours_carries_a_password_in_its_environment(composed: Composed) -> None:
    """As somebody inside of the container would see it; PostgreSQL's own image hands its first password on in that way."""
    passwords = composed.passwords()
    for found in composed.containers():
        if found.service == "postgres":
            continue
        environment = composed.docker("exec", found.name, "cat", "/proc/1/environ")
        assert "PATH=" in environment, found.service
        assert not [name for name, password in passwords.items() if password in environment], found.service
