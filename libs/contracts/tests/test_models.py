"""Event models: nothing personal fits in, writers are strict, small groups stay hidden."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, get_args, get_origin
from uuid import UUID

import pytest
from annotated_types import Ge, Le, MaxLen
from contracts import catalog
from contracts.engagement import MeetingLogged, PairDissolved
from contracts.enrollment import ParticipantApplied, PersonJoined, ProgramChartered
from contracts.evaluation import CohortEvaluated, SurveyWaveOpened
from contracts.event import Event, Part
from contracts.examples import example
from contracts.fields import OpenEnum
from contracts.matching import PairDeclined
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

PERSONAL = {"name", "nickname", "surname", "mail", "email", "phone", "address", "birth", "birthday", "age", "gender"}
PERSONAL |= {"text", "note", "notes", "comment", "reason", "number", "title", "token", "secret", "answer"}
LONGEST_CODE = 131
ANYTHING = re.compile(r"\[\^|\\[DSWw]|(?<!\\)\.(?![^\[]*\])|(?<![\\(])[*+](?![^\[]*\])")
BOUNDED = (UUID, bool, date, AwareDatetime)


def leaves(annotation: Any, metadata: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Every simple type inside an annotation, with all the constraints on the way to it."""
    if get_origin(annotation) is Annotated:
        inner, *constraints = get_args(annotation)
        yield from leaves(inner, (*metadata, *constraints))
    elif get_origin(annotation) is None:
        yield annotation, metadata
    else:
        for inner in get_args(annotation):
            if inner is not type(None) and inner is not Ellipsis:
                yield from leaves(inner, metadata if get_origin(annotation) in (typing.Union, type(int | None)) else ())


def complaints(model: type[BaseModel]) -> Iterator[str]:
    """Why a model could carry personal data: a field's name, or a type that is not bounded."""
    if model.model_config.get("extra") != "forbid":
        yield f"{model.__name__} takes more fields"
    for name, field in model.model_fields.items():
        if PERSONAL & set(name.split("_")):
            yield f"{model.__name__}.{name} sounds personal"
        for leaf, metadata in leaves(field.annotation, tuple(field.metadata)):
            flat = [item for given in metadata for item in (given, *getattr(given, "metadata", ()))]
            if isinstance(leaf, type) and issubclass(leaf, BaseModel):
                yield from complaints(leaf)
            elif isinstance(leaf, type) and issubclass(leaf, Enum):
                if not issubclass(leaf, OpenEnum):
                    yield f"{model.__name__}.{name} is a closed enumeration"
            elif leaf is str:
                pattern = next((item.pattern for item in flat if getattr(item, "pattern", None)), "")
                longest = next((item.max_length for item in flat if isinstance(item, MaxLen)), LONGEST_CODE + 1)
                anchored = pattern.startswith("^") and pattern.endswith("$") and not ANYTHING.search(pattern)
                if not anchored or longest > LONGEST_CODE:
                    yield f"{model.__name__}.{name} is free text"
            elif leaf in (int, float):
                if not any(isinstance(item, Ge) for item in flat) or not any(isinstance(item, Le) for item in flat):
                    yield f"{model.__name__}.{name} is an unbounded number"
            elif leaf not in BOUNDED:
                yield f"{model.__name__}.{name} is a {leaf}"


@pytest.mark.requirement("S14")
@pytest.mark.parametrize("model", catalog.EVENTS, ids=lambda model: model.__name__)
def test_no_event_can_carry_personal_data(model: type[Event]) -> None:
    assert list(complaints(model)) == []


class Mood(Enum):
    SUNNY = "sunny"


class Diary(Part):
    entry: Annotated[str, "no pattern"]


class Indiscreet(Event):
    TOPIC = "updraft.engagement.pairs"
    KEY = "pair_id"
    pair_id: UUID
    nickname: UUID
    code: str
    diary: tuple[Diary, ...]
    endless: Annotated[str, Field(pattern="^[a-z]+$", max_length=16)]
    wide: Annotated[str, Field(pattern="^.{3}$", max_length=3)]
    long: Annotated[str, Field(pattern="^[a-z]{1,500}$", max_length=500)]
    mood: Mood
    counts: tuple[bytes, ...]
    amount: int | None


@pytest.mark.requirement("S14")
def test_the_check_for_personal_data_finds_each_kind_of_leak() -> None:
    found = "\n".join(complaints(Indiscreet))
    for complaint in (
        "Indiscreet.nickname sounds personal",
        "Indiscreet.code is free text",
        "Indiscreet.endless is free text",
        "Indiscreet.wide is free text",
        "Indiscreet.long is free text",
        "Diary.entry is free text",
        "Indiscreet.counts is a",
        "Indiscreet.amount is an unbounded number",
        "Indiscreet.mood is a closed enumeration",
    ):
        assert complaint in found


@pytest.mark.requirement("S14")
@pytest.mark.parametrize("value", ["Anna Keller, anna@example.org", "anna@example.org", "Zoë", "x" * 200, "a\nb", ""])
def test_codes_do_not_take_names_and_addresses(value: str) -> None:
    for field in ("function", "region", "country", "team_code", "grade"):
        with pytest.raises(ValidationError):
            example(PersonJoined, **{field: value})
    with pytest.raises(ValidationError):
        example(ParticipantApplied, offers=[{"topic": value, "level": 1}])


@pytest.mark.requirement("F15")
@pytest.mark.parametrize(
    "changes",
    [
        {"mood": "sunny"},
        {"channel": "hologram"},
        {"channel": "unknown"},
        {"minutes": 0},
        {"minutes": True},
        {"minutes": "50"},
        {"held_at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"named_unit_ids": ()},
        {"named_unit_ids": (UUID("01990000-0000-7000-8000-000000000001"),)},
        {"business_unit_id": None},
    ],
    ids=str,
)
def test_a_writer_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        example(MeetingLogged, **changes)


def test_an_event_cannot_be_changed_and_identifiers_are_given_once() -> None:
    event = example(MeetingLogged)
    with pytest.raises(ValidationError):
        event.minutes = 3  # type: ignore[misc]
    unit = event.business_unit_id
    with pytest.raises(ValidationError):
        example(MeetingLogged, named_unit_ids=(unit, unit))


@pytest.mark.requirement("RX-01", "R0-06", "R3-32")
def test_a_programs_events_record_every_contested_choice_and_never_age() -> None:
    recorded = set(ProgramChartered.model_fields)
    assert recorded >= {
        "type", "direction", "matching_mode", "formality", "voluntary", "cadence_days", "executive_floor_days",
        "duration_months", "training_required", "minimum_grade_gap", "silence_days", "suppression_threshold",
        "settings_version",
    }  # fmt: skip
    for model in catalog.EVENTS:
        assert not {"age", "birth_year", "generation"} & set(model.model_fields)


@pytest.mark.requirement("R4-15")
def test_the_three_types_of_pairs() -> None:
    for kind in ("traditional", "reverse", "reciprocal"):
        assert example(ProgramChartered, type=kind).type == kind


def test_an_ended_pair_does_not_say_who_ended_it_or_why() -> None:
    for model in (PairDissolved, PairDeclined):
        fields = set(model.model_fields)
        assert not {name for name in fields if "reason" in name or (name.endswith("_by") and name != "signed_by")}


@pytest.mark.requirement("S15")
def test_figures_about_small_groups_cannot_be_published() -> None:
    shown = {"measure": "skill", "baseline_answers": 9, "closing_answers": 5, "change": 0.5, "low": 0.1, "high": 0.9}
    example(CohortEvaluated, changes=[shown])
    example(CohortEvaluated, changes=[{"measure": "skill"}])
    for small in ({"closing_answers": 4}, {"baseline_answers": 1}, {"baseline_answers": None}):
        with pytest.raises(ValidationError):
            example(CohortEvaluated, changes=[shown | small])


@pytest.mark.requirement("S18")
def test_a_running_wave_does_not_count_its_answers() -> None:
    with pytest.raises(ValidationError):
        example(SurveyWaveOpened, answered_count=3)
