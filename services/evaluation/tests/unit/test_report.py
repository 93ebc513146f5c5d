"""The report: every figure with what belongs beside it, small groups hidden, conclusions only where earned."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from evaluation.domain.estimates import Conclusion
from evaluation.domain.facts import CohortFact, MeetingOutcome, PauseFact, Stage
from evaluation.domain.figures import Design, Figure, Unit
from evaluation.domain.instruments import Family, Role, WaveKind
from evaluation.domain.operation import cadence, expected_meetings, pair_life
from evaluation.domain.report import CohortReport, build_report, hash_of, to_json
from evaluation.domain.survey import Group, survey
from hypothesis import given, settings
from hypothesis import strategies as st

from .cohorts import AS_OF, CADENCE_DAYS, END, START, answers, cohort, pair, wave


def report(facts: CohortFact | None = None, *, final: bool = True) -> CohortReport:
    return build_report(facts or cohort(), as_of=AS_OF, final=final)


def figures(value: Any) -> Iterator[Figure]:
    """Every figure anywhere in the report."""
    if isinstance(value, Figure):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from figures(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from figures(item)


@pytest.mark.requirement("RX-02")
def test_every_figure_has_source_n_interval_and_says_whether_a_comparison_group_existed() -> None:
    found = list(figures(report()))
    assert len(found) > 80
    for figure in found:
        assert figure.source
        assert figure.comparison_group is False
        assert figure.suppressed or figure.n is not None
        assert figure.interval is not None or figure.note


@pytest.mark.requirement("RX-02")
@pytest.mark.parametrize(
    "wrong",
    [
        {"source": ""},
        {"n": None},
        {"interval": None, "note": None},
        {"suppressed": True, "note": "small"},
    ],
)
def test_a_figure_without_them_cannot_exist(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"source": "s", "n": 9, "value": 1.0, "note": "complete"}
    Figure("code", "label", Unit.COUNT, of="people", design=Design.DESCRIPTION, **right)
    with pytest.raises(ValueError, match="code"):
        Figure("code", "label", Unit.COUNT, of="people", design=Design.DESCRIPTION, **(right | wrong))


@pytest.mark.requirement("RX-02")
def test_the_design_is_said_to_be_without_comparison_group() -> None:
    found = report()
    assert found.evidence.realised is Design.BEFORE_AFTER
    assert found.evidence.comparison_group is False
    assert "no comparison group" in found.evidence.strength
    assert any("no comparison group" in line for line in found.headlines)


@pytest.mark.requirement("RX-02")
def test_a_planned_comparison_without_data_is_admitted() -> None:
    found = report(replace(cohort(), planned_design="waitlist_comparison"))
    assert found.evidence.planned == "waitlist_comparison"
    assert found.evidence.comparison_group is False
    assert any("waitlist_comparison" in limit for limit in found.limits)


@pytest.mark.requirement("RX-01")
def test_the_program_s_choices_stand_in_the_report() -> None:
    found = report()
    assert found.settings_version == 1
    assert found.settings is not None
    assert found.settings["formality"] == "standard"


def test_a_real_lift_is_found_and_no_lift_is_not() -> None:
    lifted = {c.family: c for c in report().survey.changes if c.group is Group.EVERYBODY}
    assert lifted[Family.CONFIDENCE].conclusion is Conclusion.ROSE
    assert lifted[Family.IMPROVEMENT].conclusion is Conclusion.FELL
    flat = [c for c in report(cohort(lift=0.0)).survey.changes if c.group is Group.EVERYBODY]
    assert {c.conclusion for c in flat} == {Conclusion.NO_CHANGE_SHOWN}


def test_a_small_cohort_is_told_that_it_cannot_conclude() -> None:
    found = report(cohort(pairs=8, before=(7, 7), after=(6, 7), lift=1.0))
    conclusions = {c.conclusion for c in found.survey.changes if c.group is Group.EVERYBODY}
    assert conclusions == {Conclusion.UNDERPOWERED}
    assert any("too small to conclude" in line for line in found.headlines)


@pytest.mark.requirement("S15")
def test_a_small_role_hides_the_split_but_not_the_whole() -> None:
    found = report(cohort(before=(4, 26), after=(25, 26)))
    by_group = {group: {c.conclusion for c in found.survey.changes if c.group is group} for group in Group}
    assert by_group[Group.MENTORS] == by_group[Group.MENTEES] == {Conclusion.SUPPRESSED}
    assert Conclusion.SUPPRESSED not in by_group[Group.EVERYBODY]
    baseline = [level for level in found.survey.levels if level.wave is WaveKind.BASELINE]
    assert all(level.mean.suppressed == (level.group is not Group.EVERYBODY) for level in baseline)


@pytest.mark.requirement("S15")
@settings(max_examples=60, deadline=None)
@given(
    baseline=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    closing=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    threshold=st.integers(3, 7),
)
def test_no_survey_figure_rests_on_fewer_than_the_threshold_nor_gives_one_by_subtraction(
    baseline: tuple[int, int], closing: tuple[int, int], threshold: int
) -> None:
    found = survey(
        [
            wave(WaveKind.BASELINE, answers(1, WaveKind.BASELINE, *baseline), threshold=threshold),
            wave(WaveKind.CLOSING, answers(2, WaveKind.CLOSING, *closing), threshold=threshold),
        ]
    )
    true_counts = {WaveKind.BASELINE: baseline, WaveKind.CLOSING: closing}
    for level in found.levels:
        mentors, mentees = true_counts[level.wave]
        n = {Group.EVERYBODY: mentors + mentees, Group.MENTORS: mentors, Group.MENTEES: mentees}[level.group]
        for figure in (level.mean, level.agreeing):
            if figure.suppressed:
                continue
            assert figure.n == n >= threshold
            if level.group is not Group.EVERYBODY:
                assert mentors + mentees - n >= threshold
    for change in found.changes:
        if change.conclusion is Conclusion.SUPPRESSED:
            assert change.n_before is change.n_after is change.effect is change.difference.value is None
        else:
            assert min(change.n_before or 0, change.n_after or 0) >= threshold


@pytest.mark.requirement("S15")
def test_a_skipped_item_counts_where_it_is_skipped() -> None:
    given_answers = answers(1, WaveKind.BASELINE, 5, 5)
    skipper = replace(given_answers[0], items={k: v for k, v in given_answers[0].items.items() if k != "confidence"})
    found = survey([wave(WaveKind.BASELINE, (skipper, *given_answers[1:]))])
    shown = {(level.item, level.group) for level in found.levels if not level.mean.suppressed}
    assert ("connectedness", Group.MENTORS) in shown
    assert ("confidence", Group.EVERYBODY) in shown
    assert ("confidence", Group.MENTORS) not in shown
    assert ("confidence", Group.MENTEES) not in shown


def test_before_both_waves_are_closed_nothing_is_compared() -> None:
    found = report(replace(cohort(), waves=cohort().waves[:1]), final=False)
    assert found.survey.changes == ()
    assert found.evidence.realised is Design.DESCRIPTION


def test_the_funnel_counts_who_reached_each_stage() -> None:
    found = {row.stage: row for row in report().funnel}
    assert found[Stage.APPLIED].everybody.value == 72
    assert found[Stage.ADMITTED].mentors.value == 32
    assert found[Stage.MATCHED].everybody.value == 60
    assert found[Stage.COMPLETED].mentees.value == 28
    assert found[Stage.APPLIED].of_previous is None
    screened = found[Stage.SCREENED].of_previous
    assert screened is not None
    assert screened.value == pytest.approx(68 / 72)


@pytest.mark.requirement("R3-33")
def test_a_year_at_21_days_expects_17_meetings() -> None:
    assert expected_meetings(pair(1), AS_OF) == 17


def test_nothing_is_expected_after_the_end_before_activation_or_without_cadence() -> None:
    whole = pair(1)
    early = replace(whole, ended_at=START + timedelta(days=2 * CADENCE_DAYS + 3))
    assert expected_meetings(early, AS_OF) == 2
    assert expected_meetings(replace(whole, activated_at=None), AS_OF) == 0
    assert expected_meetings(replace(whole, cadence_days=None), AS_OF) == 0
    running = replace(whole, ended_at=None, ended=None, ends_on=END)
    assert expected_meetings(running, START + timedelta(days=CADENCE_DAYS - 1)) == 0


@pytest.mark.requirement("N2")
def test_days_of_a_check_expect_no_meeting() -> None:
    def days(number: int) -> date:
        return START.date() + timedelta(days=number)

    whole = pair(1)
    for pauses, expected in (
        ((PauseFact(days(30), days(30 + 2 * CADENCE_DAYS)),), 15),
        ((PauseFact(days(30), days(30 + CADENCE_DAYS)), PauseFact(days(90), days(90 + CADENCE_DAYS))), 15),
        ((PauseFact(days(-40), days(CADENCE_DAYS)),), 16),
        ((PauseFact(days(30), None),), 1),
        ((PauseFact(days(900), None),), 17),
    ):
        assert expected_meetings(replace(whole, pauses=pauses), AS_OF) == expected
    # engagement moves the end on by what the pause took, so the year is still asked for whole
    later = timedelta(days=2 * CADENCE_DAYS)
    assert whole.ended_at is not None
    moved = replace(
        whole,
        pauses=(PauseFact(days(30), days(30) + later),),
        ended_at=whole.ended_at + later,
        ends_on=END + later,
    )
    assert expected_meetings(moved, AS_OF + later) == 17


@pytest.mark.requirement("S15")
def test_a_report_about_four_people_shows_no_figure() -> None:
    facts = cohort(pairs=2, before=(2, 2), after=(2, 2))
    found = report(replace(facts, participations=facts.participations[:2] + facts.participations[-2:]))
    assert all(figure.suppressed for figure in figures(found))
    assert found.meetings.by_month == ()
    assert not any(character.isdigit() for line in found.headlines for character in line)


@pytest.mark.requirement("S15")
def test_the_funnel_by_role_hides_both_roles_when_one_is_small() -> None:
    facts = cohort()
    mentors = [p for p in facts.participations if p.role is Role.MENTOR][:4]
    mentees = [p for p in facts.participations if p.role is Role.MENTEE]
    for row in report(replace(facts, participations=(*mentors, *mentees))).funnel:
        assert not row.everybody.suppressed
        assert row.mentors.suppressed
        assert row.mentees.suppressed


def test_a_busy_pair_does_not_make_up_for_a_silent_one() -> None:
    twice = replace(pair(1, held_share=1.0), meetings=pair(1, held_share=1.0).meetings * 2)
    silent = pair(2, held_share=0.0)
    found = cadence([twice, silent, silent], AS_OF, 5)
    assert found.kept.value == pytest.approx(1 / 3)
    assert found.median_ratio.value == 0.0


@pytest.mark.requirement("S15")
def test_cadence_of_two_pairs_is_hidden_and_of_three_is_shown() -> None:
    assert cadence([pair(1), pair(2)], AS_OF, 5).kept.suppressed
    assert cadence([pair(1), pair(2)], AS_OF, 5).ratios is None
    assert not cadence([pair(1), pair(2), pair(3)], AS_OF, 5).kept.suppressed


def test_a_pair_is_rescued_when_it_met_again_after_it_fell_silent() -> None:
    found = pair_life([pair(1, stalls=1), pair(2, stalls=2, recovered=2), pair(3)], 5)
    assert (found.stalled.value, found.rescued.value) == (2, 1)
    assert found.share_rescued.value == 0.5
    assert found.share_rescued.n == 2


def test_meetings_by_month_add_up_to_the_totals() -> None:
    found = report().meetings
    assert sum(month.held for month in found.by_month) == found.held.value
    assert sum(month.missed for month in found.by_month) == found.missed.value
    total = (found.held.value or 0) + (found.missed.value or 0) + (found.cancelled.value or 0)
    assert found.held.n == total == 30 * 17
    assert sum(p.count(MeetingOutcome.HELD) for p in cohort().pairs) == found.held.value


def test_the_json_is_whole_and_always_the_same() -> None:
    text = to_json(report())
    assert text == to_json(report())
    assert hash_of(text) == hash_of(to_json(report()))
    parsed = json.loads(text)
    assert parsed["funnel"][0]["everybody"]["n"] == 72
    assert parsed["survey"]["changes"][0]["conclusion"] in set(Conclusion)


def test_an_empty_cohort_still_has_a_report() -> None:
    empty = replace(cohort(), participations=(), pairs=(), waves=(), matching=None)
    found = report(empty, final=False)
    assert all(figure.suppressed for figure in figures(found))
    assert found.match_quality.mean_score.suppressed
    assert "No survey wave has closed yet." in found.headlines
    assert all(p.role in Role for p in empty.participations)
