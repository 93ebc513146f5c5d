from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.ports import Conflict, InvalidInput
from enrollment.domain.languages import LanguageLevel
from enrollment.domain.program_settings import (
    RANGES,
    AskingSide,
    Direction,
    Formality,
    ProgramSettings,
    ProgramType,
    ScoreWeights,
    UnitPolicy,
    differences,
    plain_settings,
    settings_from,
)
from enrollment.domain.programs import EvaluationDesign, Metric, Objective, Program, ProgramState

OWNER = uuid4()
WHOLE: dict[str, Any] = {
    "objectives": (Objective.DIGITAL_SKILLS,),
    "metrics": (Metric.SKILL_CHANGE,),
    "evaluation_design": EvaluationDesign.BEFORE_AFTER,
    "accountable_owner_id": OWNER,
    "proposer_id": None,
}


def proposed(**settings: Any) -> Program:
    return Program.propose(
        uuid4(), uuid4(), title="Reverse", settings=ProgramSettings().changed(settings), sponsor_id=None
    )


@pytest.mark.requirement("R3-33")
def test_the_defaults_are_twelve_months_and_a_cadence_of_three_weeks() -> None:
    settings = ProgramSettings()
    assert (settings.duration_months, settings.cadence_days) == (12, 21)
    assert round(365 / (settings.cadence_days or 0), 1) == 17.4
    assert (settings.acceptance_days, settings.reminder_days, settings.silence_days, settings.executive_floor_days) == (
        14,
        7,
        21,
        30,
    )
    assert settings.suppression_threshold == 5
    assert settings.voluntary
    assert settings.minimum_language_level is LanguageLevel.B1


@pytest.mark.requirement("R3-32")
@pytest.mark.parametrize("name", RANGES)
def test_every_number_has_a_range_and_is_refused_outside_of_it(name: str) -> None:
    low, high = RANGES[name]
    for allowed in (low, high):
        changes = {name: allowed}
        if name == "reminder_days":
            changes["acceptance_days"] = 90
        if name == "acceptance_days":
            changes["reminder_days"] = 0
        if name == "request_reminder_days":
            changes["request_days"] = 90
        if name == "request_days":
            changes["request_reminder_days"] = 0
        assert getattr(ProgramSettings().changed(changes), name) == allowed
    for refused in (low - 1, high + 1):
        with pytest.raises(InvalidInput) as problem:
            ProgramSettings().changed({name: refused})
        assert problem.value.field == name
        assert str(low) in str(problem.value.remedy)


@pytest.mark.requirement("RX-01")
def test_the_formality_dial_decides_cadence_and_training() -> None:
    light = ProgramSettings().changed({"formality": Formality.LIGHT})
    assert light.cadence_days is None
    assert not light.training_required
    structured = light.changed({"formality": Formality.STRUCTURED})
    assert structured.cadence_days == 21
    assert structured.training_required
    with pytest.raises(InvalidInput, match="light"):
        ProgramSettings().changed({"formality": Formality.LIGHT, "cadence_days": 21})
    with pytest.raises(InvalidInput, match="light"):
        ProgramSettings().changed({"cadence_days": None})


def test_the_reminder_comes_before_the_expiry() -> None:
    with pytest.raises(InvalidInput, match="reminder"):
        ProgramSettings().changed({"acceptance_days": 7})
    with pytest.raises(InvalidInput, match="reminder") as problem:
        ProgramSettings().changed({"request_days": 7})
    assert problem.value.field == "request_reminder_days"


def test_a_pair_needs_topics_in_common_whatever_else_counts() -> None:
    weights = ScoreWeights()
    rest = (weights.values, weights.style, weights.preferences, weights.channel, weights.language, weights.hours)
    assert weights.topics > weights.reciprocity > weights.distance >= max(rest)
    for name in ("values", "style", "preferences", "channel"):
        with pytest.raises(InvalidInput) as problem:
            ScoreWeights(**{name: 101})
        assert problem.value.field == f"score_weights.{name}"


def test_settings_stored_before_a_setting_existed_keep_what_they_said() -> None:
    stored = plain_settings(ProgramSettings())
    assert settings_from(stored) == ProgramSettings()
    newer = ("unit_policy", "repeat_pairs", "preference_limit", "mentors_per_mentee", "trial_days", "request_days")
    for name in (*newer, "request_reminder_days", "asking_side", "trial_reminder_days"):
        del stored[name]
    stored["score_weights"] = {"topics": 60, "reciprocity": 10, "distance": 10, "language": 10, "hours": 10}
    read = settings_from(stored)
    assert read.score_weights == ScoreWeights(60, 10, 10, 10, 10, 0, 0, 0, 0)
    assert (read.unit_policy, read.preference_limit, read.mentors_per_mentee, read.trial_days) == (
        UnitPolicy.ANY,
        5,
        1,
        0,
    )
    assert (read.asking_side, read.trial_reminder_days) == (None, 3)


@pytest.mark.requirement("R0-30", "RX-01")
@pytest.mark.parametrize("side", [None, *AskingSide])
def test_who_asks_is_stored_as_it_was_chosen(side: AskingSide | None) -> None:
    chosen = ProgramSettings().changed({} if side is None else {"asking_side": side})
    stored = plain_settings(chosen)
    assert stored["asking_side"] == (None if side is None else side.value)
    assert settings_from(stored) == chosen
    assert differences(ProgramSettings(), chosen)[1] == ({} if side is None else {"asking_side": side.value})


@pytest.mark.requirement("R0-06")
def test_direction_is_a_setting_and_goes_by_grade_or_expertise() -> None:
    assert {direction.value for direction in Direction} == {"grade", "expertise"}
    assert ProgramSettings().direction is Direction.GRADE
    assert ProgramSettings().changed({"direction": Direction.EXPERTISE}).direction is Direction.EXPERTISE


@pytest.mark.requirement("R4-15")
def test_there_are_three_pair_types() -> None:
    assert {kind.value for kind in ProgramType} == {"traditional", "reverse", "reciprocal"}


def test_a_score_without_topics_is_refused() -> None:
    with pytest.raises(InvalidInput, match="topics"):
        ScoreWeights(topics=0)


@pytest.mark.requirement("R3-22")
@pytest.mark.parametrize(
    ("lacks", "field"),
    [
        ({"objectives": ()}, "objectives"),
        ({"metrics": ()}, "metrics"),
        ({"evaluation_design": None}, "evaluation_design"),
        ({"accountable_owner_id": None}, "accountable_owner_id"),
    ],
)
def test_without_goals_metrics_plan_and_owner_there_is_no_charter_and_without_charter_no_launch(
    lacks: dict[str, Any], field: str
) -> None:
    program = proposed()
    with pytest.raises(InvalidInput) as problem:
        program.grant_charter(**(WHOLE | lacks))
    assert problem.value.field == field
    assert (program.state, program.version) == (ProgramState.PROPOSED, 1)
    with pytest.raises(Conflict, match="no charter"):
        program.require_chartered()
    program.grant_charter(**WHOLE)
    program.require_chartered()
    assert program.version == 2


@pytest.mark.requirement("R2-10")
def test_a_program_of_one_pair_is_chartered_by_defaults_which_it_says() -> None:
    program = proposed(planned_pairs=1)
    program.grant_charter(
        objectives=(), metrics=(), evaluation_design=None, accountable_owner_id=None, proposer_id=OWNER
    )
    assert program.charter is not None
    assert program.charter.automatic
    assert program.charter.accountable_owner_id == OWNER
    assert program.charter.metrics
    with pytest.raises(Conflict, match="single pair"):
        program.revise({"planned_pairs": 2})


def test_a_second_charter_is_refused() -> None:
    program = proposed()
    program.grant_charter(**WHOLE)
    with pytest.raises(Conflict):
        program.grant_charter(**WHOLE)


@pytest.mark.requirement("RX-01")
def test_a_changed_setting_raises_both_versions_and_is_told_apart_from_what_stayed() -> None:
    program = proposed()
    before = program.settings
    assert program.revise({"cadence_days": 28, "duration_months": 12})
    assert (program.settings_version, program.version) == (2, 2)
    assert differences(before, program.settings) == ({"cadence_days": 21}, {"cadence_days": 28})
    assert not program.revise({"cadence_days": 28})
    assert (program.settings_version, program.version) == (2, 2)


def test_settings_survive_storage() -> None:
    settings = ProgramSettings().changed(
        {
            "formality": Formality.LIGHT,
            "type": ProgramType.RECIPROCAL,
            "score_weights": ScoreWeights(topics=9),
            "voluntary": False,
        }
    )
    assert settings_from(plain_settings(settings)) == settings


@pytest.mark.requirement("R3-20")
def test_facilitators_are_named_once_and_can_be_dismissed() -> None:
    program, person = proposed(), uuid4()
    assert program.appoint_facilitator(person)
    assert not program.appoint_facilitator(person)
    assert (program.facilitator_ids, program.version, program.settings_version) == ((person,), 2, 1)
    assert program.dismiss_facilitator(person)
    assert not program.dismiss_facilitator(UUID(int=5))
    assert (program.facilitator_ids, program.version) == ((), 3)


@pytest.mark.requirement("R0-06", "R2-13")
def test_no_setting_is_about_age() -> None:
    assert not [
        name
        for name in plain_settings(ProgramSettings())
        if "age" in name.replace("language", "").split("_") or "birth" in name
    ]
