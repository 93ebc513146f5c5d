"""The catalog's topics on a real broker, read back by another library than the one that makes them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from uuid import uuid4

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    ResourceType,
)
from contracts.catalog import TOPICS, KafkaTopic, all_kafka_topics, event_topic
from updraft.errors import DeploymentError
from updraft.servers_for_tests import SharedKafka
from updraft.topics import Applied, apply_topics

pytestmark = pytest.mark.wire
PATIENCE = 60.0


@pytest.fixture(scope="module")
def admin(kafka: SharedKafka) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.bootstrap})


@pytest.fixture
def topic() -> KafkaTopic:
    """A topic of this test's own, set as one of the catalog's."""
    settings = event_topic(TOPICS["updraft.engagement.meetings"])
    return settings._replace(name=f"test.topics.{uuid4().hex}", partitions=2)


def partitions(admin: AdminClient) -> dict[str, int]:
    return {name: len(found.partitions) for name, found in admin.list_topics(timeout=PATIENCE).topics.items()}


def settings(admin: AdminClient, names: list[str]) -> dict[str, dict[str, ConfigEntry]]:
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    futures = admin.describe_configs(asked, request_timeout=PATIENCE)
    return {resource.name: future.result(PATIENCE) for resource, future in futures.items()}


def set_by_hand(admin: AdminClient, name: str, changes: Mapping[str, str]) -> None:
    resource = ConfigResource(
        ResourceType.TOPIC,
        name,
        incremental_configs=[
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in changes.items()
        ],
    )
    for future in admin.incremental_alter_configs([resource], request_timeout=PATIENCE).values():
        future.result(PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while any(settings(admin, [name])[name][key].value != value for key, value in changes.items()):
        assert time.monotonic() < deadline, "the broker does not show what was set by hand"
        time.sleep(0.05)


def test_every_topic_has_the_catalogs_partitions_and_every_one_of_its_settings(
    kafka: SharedKafka, admin: AdminClient
) -> None:
    apply_topics(kafka.bootstrap)
    wanted = {topic.name: topic for topic in all_kafka_topics()}
    there = partitions(admin)
    assert {name: there.get(name) for name in wanted} == {name: topic.partitions for name, topic in wanted.items()}
    found = settings(admin, list(wanted))
    read_back = {name: {key: found[name][key].value for key in topic.config} for name, topic in wanted.items()}
    assert read_back == {name: dict(topic.config) for name, topic in wanted.items()}
    # Set on the topic itself, not left to what the broker happens to do by default.
    loose = [
        (name, key)
        for name, topic in wanted.items()
        for key in topic.config
        if found[name][key].source != ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    ]
    assert loose == []


def test_facts_are_kept_for_ever(kafka: SharedKafka, admin: AdminClient) -> None:
    apply_topics(kafka.bootstrap)
    for name, found in settings(admin, list(TOPICS)).items():
        kept = (found["cleanup.policy"].value, found["retention.ms"].value, found["retention.bytes"].value)
        assert kept == (TOPICS[name].cleanup, "-1", "-1"), name


def test_a_setting_changed_by_hand_is_mended_and_others_go_back(
    kafka: SharedKafka, admin: AdminClient, topic: KafkaTopic
) -> None:
    assert apply_topics(kafka.bootstrap, [topic]) == Applied(made=[topic.name])
    assert apply_topics(kafka.bootstrap, [topic]) == Applied()
    set_by_hand(admin, topic.name, {"retention.ms": "60000", "cleanup.policy": "compact", "segment.ms": "3600000"})
    assert apply_topics(kafka.bootstrap, [topic]) == Applied(reconfigured=[topic.name])
    found = settings(admin, [topic.name])[topic.name]
    assert {key: found[key].value for key in topic.config} == dict(topic.config)
    assert found["segment.ms"].source != ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    assert apply_topics(kafka.bootstrap, [topic]) == Applied()


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_partitions_is_an_error_that_says_why_and_changes_nothing(
    kafka: SharedKafka, admin: AdminClient, topic: KafkaTopic, count: int
) -> None:
    apply_topics(kafka.bootstrap, [topic])
    absent = topic._replace(name=f"{topic.name}.next")
    other = topic._replace(partitions=count, config={**topic.config, "retention.ms": "60000"})
    with pytest.raises(DeploymentError, match=rf"{topic.name} has 2 instead of {count}\b.*order"):
        apply_topics(kafka.bootstrap, [absent, other])
    there = partitions(admin)
    assert there[topic.name] == 2
    assert absent.name not in there
    assert settings(admin, [topic.name])[topic.name]["retention.ms"].value == "-1"
