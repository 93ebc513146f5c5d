"""Topics on a broker, applied from the contracts: made when absent, their settings mended, their partitions never touched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from contracts.catalog import KafkaTopic, all_kafka_topics

from updraft.errors import DeploymentError
from updraft.provision import blocking

_MOST_COPIES = 3
_PATIENCE_SECONDS = 20.0


@dataclass(slots=True)
class Applied:
    """What an application of topics changed, by topic name; nothing of it when the broker was up to date."""

    made: list[str] = field(default_factory=list)
    reconfigured: list[str] = field(default_factory=list)


def apply_topics(
    bootstrap: str, topics: Iterable[KafkaTopic] | None = None, *, security: Mapping[str, Any] | None = None
) -> Applied:
    """Make the broker hold the catalog's topics (or `topics`). Repeatable.

    `security` are an administrator's credentials as keyword arguments of aiokafka's clients.
    Raises `DeploymentError` when the broker cannot be reached or refuses, and before anything is changed when a topic has another
    number of partitions: with it an aggregate's later events would go to another partition than its earlier ones.
    """
    wanted = list(all_kafka_topics() if topics is None else topics)
    try:
        return blocking(_apply(bootstrap, wanted, security or {}))
    except (KafkaError, OSError) as problem:
        raise DeploymentError(f"cannot apply topics to Kafka at {bootstrap}: {problem}") from problem


async def _apply(bootstrap: str, wanted: list[KafkaTopic], security: Mapping[str, Any]) -> Applied:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=30_000, **security)
    await admin.start()
    try:
        applied = Applied()
        existing = {
            topic["topic"]: len(topic["partitions"])
            for topic in await admin.describe_topics()
            if not topic["error_code"]
        }
        other = [topic for topic in wanted if existing.get(topic.name, topic.partitions) != topic.partitions]
        if other:
            counts = ", ".join(f"{one.name} has {existing[one.name]} instead of {one.partitions}" for one in other)
            raise DeploymentError(
                f"partitions differ from the catalog's: {counts}. They are not changed here, since the order of an aggregate's "
                "events would be lost: say the number that there is in the topic's file, or publish to a new topic."
            )
        absent = [topic for topic in wanted if topic.name not in existing]
        if absent:
            await _make(admin, absent)
            applied.made = [topic.name for topic in absent]
        known = [topic for topic in wanted if topic.name in existing]
        different = await _otherwise(admin, known)
        if different:
            # Replaces all settings of the topic: what the catalog does not name goes back to the broker's default.
            answers = await admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic.name, dict(topic.config)) for topic in different]
            )
            for answer in answers:
                for code, message, _, name in answer.resources:
                    if code:
                        raise DeploymentError(f"Kafka refused the settings of {name}: {message}")
            # As with new topics, the broker's own view follows the controller's answer.
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while late := await _otherwise(admin, different):
                if time.monotonic() > deadline:
                    names = ", ".join(sorted(topic.name for topic in late))
                    raise DeploymentError(f"Kafka does not show the settings it took for: {names}")
                await asyncio.sleep(0.05)
            applied.reconfigured = [topic.name for topic in different]
        return applied
    finally:
        await admin.close()


async def _make(admin: AIOKafkaAdminClient, topics: list[KafkaTopic]) -> None:
    brokers = len((await admin.describe_cluster())["brokers"])
    copies = min(_MOST_COPIES, brokers)
    new = [NewTopic(topic.name, topic.partitions, copies, topic_configs=dict(topic.config)) for topic in topics]
    answer = await admin.create_topics(new)
    for name, code, *rest in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise DeploymentError(f"Kafka refused to make {name}: {for_code(code).__name__} {rest[0] if rest else ''}")
    # The controller has answered; the broker's own view follows within milliseconds.
    names = {topic.name for topic in topics}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while names - {topic["topic"] for topic in await admin.describe_topics(list(names)) if topic["partitions"]}:
        if time.monotonic() > deadline:
            raise DeploymentError(f"Kafka does not show the topics it made: {', '.join(sorted(names))}")
        await asyncio.sleep(0.05)


async def _otherwise(admin: AIOKafkaAdminClient, topics: list[KafkaTopic]) -> list[KafkaTopic]:
    """Those of `topics` that have another setting on the broker than in the catalog."""
    current = await _settings(admin, [topic.name for topic in topics])
    return [
        topic for topic in topics if any(current[topic.name].get(key) != value for key, value in topic.config.items())
    ]


async def _settings(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str | None]]:
    if not names:
        return {}
    found: dict[str, dict[str, str | None]] = {}
    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names]):
        for _code, _message, _type, name, entries in answer.resources:
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found
