"""Questionnaires: what every version must ask, what an answer may be, what can be compared."""

from __future__ import annotations

import pytest
from chassis.ports import InvalidInput, NotVisible
from evaluation.domain.instruments import (
    Family,
    Instrument,
    Item,
    Role,
    WaveKind,
    comparable_items,
    current_instrument,
    instrument,
)


def item(code: str, family: Family, wording: int = 1) -> Item:
    return Item(code, family, wording, "to mentors", "to mentees", "about")


def full_answers(kind: WaveKind, value: int | None = 3) -> dict[str, int | None]:
    return {asked.code: value for asked in current_instrument(kind).items}


@pytest.mark.requirement("R0-43")
@pytest.mark.parametrize("kind", list(WaveKind))
def test_every_published_instrument_asks_what_is_learned_and_how_the_relationship_could_improve(kind: WaveKind) -> None:
    families = {asked.family for asked in current_instrument(kind).items}
    assert {Family.LEARNING, Family.IMPROVEMENT} <= families


@pytest.mark.requirement("R0-43")
@pytest.mark.parametrize("left_out", [Family.LEARNING, Family.IMPROVEMENT])
def test_an_instrument_without_a_mandatory_family_cannot_exist(left_out: Family) -> None:
    items = tuple(item(family.value, family) for family in Family if family is not left_out)
    with pytest.raises(InvalidInput, match=left_out.value):
        Instrument(WaveKind.BASELINE, 2, items)


@pytest.mark.requirement("R0-09", "R3-10", "R3-13")
@pytest.mark.parametrize("kind", list(WaveKind))
def test_confidence_intent_to_stay_connectedness_and_decisions_are_asked(kind: WaveKind) -> None:
    families = {asked.family for asked in current_instrument(kind).items}
    assert {Family.CONFIDENCE, Family.INTENT_TO_STAY, Family.CONNECTEDNESS, Family.DECISIONS} <= families


@pytest.mark.requirement("R0-09")
def test_the_closing_wave_asks_whether_decisions_and_performance_improved() -> None:
    codes = {asked.code for asked in current_instrument(WaveKind.CLOSING).items}
    assert {"decisions_improved", "performance_improved"} <= codes


def test_both_roles_read_every_item_in_words_of_their_own() -> None:
    confidence = next(i for i in current_instrument(WaveKind.BASELINE).items if i.code == "confidence")
    assert confidence.text_for(Role.MENTOR) != confidence.text_for(Role.MENTEE)
    assert all(i.text_for(role) for i in current_instrument(WaveKind.CLOSING).items for role in Role)


def test_an_item_is_asked_once() -> None:
    twice = (item("same", Family.LEARNING), item("same", Family.IMPROVEMENT))
    with pytest.raises(InvalidInput):
        Instrument(WaveKind.BASELINE, 2, twice)


def test_skipped_items_are_left_out() -> None:
    answers = full_answers(WaveKind.BASELINE, 4) | {"confidence": None}
    given = current_instrument(WaveKind.BASELINE).validate(answers)
    assert "confidence" not in given
    assert set(given.values()) == {4}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"confidence": 0}, "answers.confidence"),
        ({"confidence": 6}, "answers.confidence"),
        ({"favourite_colour": 3}, "answers.favourite_colour"),
        ({"decisions_improved": 3}, "answers.decisions_improved"),
    ],
)
def test_a_wrong_answer_is_refused_by_name(change: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        current_instrument(WaveKind.BASELINE).validate(full_answers(WaveKind.BASELINE) | change)
    assert refused.value.field == field


def test_a_lost_item_is_refused_by_name() -> None:
    answers = full_answers(WaveKind.BASELINE)
    del answers["connectedness"]
    with pytest.raises(InvalidInput) as refused:
        current_instrument(WaveKind.BASELINE).validate(answers)
    assert refused.value.field == "answers.connectedness"


def test_an_empty_response_is_refused() -> None:
    with pytest.raises(InvalidInput):
        current_instrument(WaveKind.BASELINE).validate(full_answers(WaveKind.BASELINE, None))


def test_only_items_asked_in_the_same_words_are_compared() -> None:
    before = Instrument(
        WaveKind.BASELINE, 2, (item("a", Family.LEARNING), item("b", Family.IMPROVEMENT), item("c", Family.DECISIONS))
    )
    after = Instrument(
        WaveKind.CLOSING,
        2,
        (item("a", Family.LEARNING), item("b", Family.IMPROVEMENT, wording=2), item("d", Family.DECISIONS)),
    )
    assert [compared.code for compared in comparable_items(before, after)] == ["a"]


def test_an_unpublished_version_is_unknown() -> None:
    with pytest.raises(NotVisible):
        instrument(WaveKind.BASELINE, 99)
