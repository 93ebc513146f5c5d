"""Topics, types and consumers agree with the models and with each other."""

from __future__ import annotations

import re

import pytest
from contracts import catalog, engagement, generate
from contracts.event import Event
from contracts.examples import example


def every_subclass(model: type[Event]) -> set[type[Event]]:
    found = set(model.__subclasses__())
    return found.union(*(every_subclass(sub) for sub in found)) if found else found


def test_every_event_model_of_the_modules_is_in_the_catalog() -> None:
    leaves = {model for model in every_subclass(Event) if not model.__subclasses__() and model.__module__ != __name__}
    assert {model for model in leaves if model.__module__.startswith("contracts.")} == set(catalog.EVENTS)
    assert len(catalog.EVENTS) == len(set(catalog.EVENTS))


@pytest.mark.parametrize("topic", catalog.TOPICS.values(), ids=lambda topic: topic.name)
def test_a_topic_file_agrees_with_the_models_on_it(topic: catalog.Topic) -> None:
    models = [model for model in catalog.EVENTS if topic.name == model.TOPIC]
    assert list(dict.fromkeys(map(catalog.name_of, models))) == list(topic.events)
    for model in models:
        assert topic.key == model.KEY
        assert model.__module__ == f"contracts.{topic.owner}"
        assert catalog.service_of(model) == topic.owner
        assert catalog.topic_of(model) is topic
        assert catalog.model_of(catalog.type_of(model)) is model
        assert catalog.subject_of(example(model)) == getattr(example(model), topic.key)
        assert model.__doc__


@pytest.mark.parametrize("topic", catalog.TOPICS.values(), ids=lambda topic: topic.name)
def test_a_topic_is_kept_for_ever_has_one_writer_and_known_readers(topic: catalog.Topic) -> None:
    assert topic.owner in catalog.SERVICES
    assert set(topic.consumers) <= set(catalog.SERVICES) - {topic.owner}
    assert topic.audience in {"public", "internal"}
    assert topic.classification in {"organisation", "pseudonymous"}
    kafka = catalog.event_topic(topic)
    consented = topic.name == "updraft.enrollment.consented-attributes"
    assert kafka.config["cleanup.policy"] == ("compact" if consented else "delete")
    assert kafka.config["retention.ms"] == "-1"
    assert kafka.partitions == 6
    assert int(kafka.config["max.message.bytes"]) > catalog.MAX_EVENT_BYTES


@pytest.mark.requirement("N7", "R3-17")
def test_what_people_consented_to_is_read_by_matching_alone_and_forgotten_when_superseded() -> None:
    topic = catalog.TOPICS["updraft.enrollment.consented-attributes"]
    assert (topic.audience, topic.consumers) == ("internal", ("matching",))
    config = catalog.event_topic(topic).config
    assert int(config["segment.ms"]) + int(config["max.compaction.lag.ms"]) <= 2 * 24 * 60 * 60 * 1000
    others = [other for other in catalog.TOPICS.values() if other is not topic]
    assert all("segment.ms" not in catalog.event_topic(other).config for other in others)


@pytest.mark.parametrize("model", catalog.EVENTS, ids=lambda model: model.__name__)
def test_only_the_class_of_a_later_version_says_its_number(model: type[Event]) -> None:
    suffix = "" if model.VERSION == 1 else f"V{model.VERSION}"
    assert model.__name__ == catalog.name_of(model) + suffix
    assert not re.search(r"V\d+$", catalog.name_of(model))
    assert catalog.type_of(model).endswith(f".{catalog.name_of(model)}.v{model.VERSION}")


def test_every_model_has_its_topic() -> None:
    assert {model.TOPIC for model in catalog.EVENTS} == set(catalog.TOPICS)


def test_the_compiled_topics_are_the_topic_files() -> None:
    assert [row["name"] for row in generate.topic_files()] == list(catalog.TOPICS)


def test_dead_letters_and_redrive_exist_for_every_consumer_of_every_topic() -> None:
    topics = {topic.name: topic for topic in catalog.all_kafka_topics()}
    assert len(topics) == len(catalog.all_kafka_topics())
    for topic in catalog.TOPICS.values():
        assert topic.name in topics
        for consumer in topic.consumers:
            dead = topics[catalog.dead_letter_topic(topic.name, consumer)]
            assert dead.config["cleanup.policy"] == "compact"
            assert dead.partitions == 1
            assert int(dead.config["max.message.bytes"]) > int(topics[topic.name].config["max.message.bytes"])
            assert catalog.redrive_topic(consumer) in topics
            assert topic in catalog.topics_read_by(consumer)
    assert "updraft.engagement.meetings.evaluation.dlq" in topics
    assert "updraft.evaluation.redrive" in topics


def test_types_are_looked_up_by_exact_version() -> None:
    assert catalog.model_of("updraft.engagement.MeetingLogged.v1") is engagement.MeetingLogged
    with pytest.raises(catalog.UnsupportedVersionError):
        catalog.model_of("updraft.engagement.MeetingLogged.v99")
    for unknown in ("", "updraft.engagement.MeetingLogged", "updraft.matching.MeetingLogged.v1", ".v1"):
        with pytest.raises(KeyError):
            catalog.model_of(unknown)
