"""What the anonymous answers say: levels of each wave, and the change between the two where it may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from evaluation.domain import estimates
from evaluation.domain.estimates import Change, Conclusion, Interval
from evaluation.domain.facts import Answers, WaveFact
from evaluation.domain.figures import Design, Figure, Unit, estimated, suppressed
from evaluation.domain.instruments import (
    LOWEST_AGREEING_ANSWER,
    Family,
    Item,
    Role,
    WaveKind,
    comparable_items,
    instrument,
)
from evaluation.domain.suppression import showable


class Group(StrEnum):
    """Whose answers: everybody's, or one role's."""

    EVERYBODY = "everybody"
    MENTORS = "mentors"
    MENTEES = "mentees"


_ROLE_GROUPS = {Role.MENTOR: Group.MENTORS, Role.MENTEE: Group.MENTEES}

FAMILY_LABELS: Mapping[Family, str] = {
    Family.LEARNING: "Learning across levels",
    Family.IMPROVEMENT: "Wish to improve the relationship",
    Family.CONFIDENCE: "Confidence across levels",
    Family.INTENT_TO_STAY: "Intent to stay two years",
    Family.CONNECTEDNESS: "Connectedness",
    Family.DECISIONS: "Decisions seen from other levels",
}


@dataclass(frozen=True, slots=True)
class WaveSummary:
    """A closed wave: who was asked, how many answered."""

    kind: WaveKind
    instrument_version: int
    opened_on: date
    closed_on: date
    response_rate: Figure


@dataclass(frozen=True, slots=True)
class ItemLevel:
    """How one item was answered by one group in one wave."""

    wave: WaveKind
    group: Group
    item: str
    family: Family
    about: str
    mean: Figure
    agreeing: Figure


@dataclass(frozen=True, slots=True)
class FamilyChange:
    """How a family of items changed in one group, with the word that the comparison earns.

    `difference` carries the difference in points; effect sizes are in standard deviations (Hedges' g).
    """

    family: Family
    about: str
    group: Group
    higher_is_better: bool
    difference: Figure
    n_before: int | None
    n_after: int | None
    effect: float | None
    effect_interval: Interval | None
    detectable_effect: float | None
    adjusted_p: float | None
    conclusion: Conclusion


@dataclass(frozen=True, slots=True)
class Survey:
    """Both waves and what lies between them."""

    waves: tuple[WaveSummary, ...]
    changes: tuple[FamilyChange, ...]
    levels: tuple[ItemLevel, ...]


def _source(kinds: Sequence[WaveKind], version: int) -> str:
    waves = " and ".join(kind.value for kind in kinds)
    return f"evaluation: anonymous answers, {waves} wave, questionnaire version {version}"


def _values(answers: Sequence[Answers], items: Sequence[Item]) -> dict[Role, list[float]]:
    """Per role, each person's mean over the items of `items` they answered."""
    values: dict[Role, list[float]] = {role: [] for role in Role}
    for answer in answers:
        given = [answer.items[item.code] for item in items if item.code in answer.items]
        if given:
            values[answer.role].append(sum(given) / len(given))
    return values


def _shown(values: Mapping[Role, Sequence[float]], threshold: int) -> frozenset[Group]:
    counts = {role: len(given) for role, given in values.items()}
    whole, parts = showable(sum(counts.values()), counts, threshold)
    return frozenset({_ROLE_GROUPS[role] for role in parts} | ({Group.EVERYBODY} if whole else set()))


def _of_group(values: Mapping[Role, Sequence[float]], group: Group) -> list[float]:
    return [
        value for role, given in values.items() if group in (Group.EVERYBODY, _ROLE_GROUPS[role]) for value in given
    ]


def _summary(wave: WaveFact) -> WaveSummary:
    source = _source([wave.kind], wave.instrument_version)
    label = f"Answered, {wave.kind.value}"
    code = f"response_rate.{wave.kind}"
    answered = len(wave.answers)
    if answered < wave.suppression_threshold or wave.invited < answered:
        rate = suppressed(code, label, Unit.SHARE, wave.suppression_threshold, of="people asked", source=source)
    else:
        rate = estimated(
            code, label, Unit.SHARE, estimates.share(answered, wave.invited), of="people asked", source=source
        )
    return WaveSummary(wave.kind, wave.instrument_version, wave.opened_on, wave.closed_on, rate)


def _levels(wave: WaveFact) -> list[ItemLevel]:
    levels = []
    source = _source([wave.kind], wave.instrument_version)
    design = Design.AFTER_ONLY if wave.kind is WaveKind.CLOSING else Design.DESCRIPTION
    for item in instrument(wave.kind, wave.instrument_version).items:
        values = _values(wave.answers, [item])
        shown = _shown(values, wave.suppression_threshold)
        for group in Group:
            code = f"{wave.kind}.{item.code}.{group}"
            if group not in shown:
                mean, agreeing = (
                    suppressed(
                        f"{code}.{what}", f"{item.about}, {what}", unit, wave.suppression_threshold, of="answers",
                        source=source, design=design,
                    )
                    for what, unit in (("mean", Unit.POINTS), ("agreeing", Unit.SHARE))
                )  # fmt: skip
            else:
                given = _of_group(values, group)
                agree = sum(value >= LOWEST_AGREEING_ANSWER for value in given)
                mean = estimated(
                    f"{code}.mean", f"{item.about}, mean", Unit.POINTS, estimates.mean(given), of="answers",
                    source=source, design=design,
                )  # fmt: skip
                agreeing = estimated(
                    f"{code}.agreeing", f"{item.about}, agreeing", Unit.SHARE, estimates.share(agree, len(given)),
                    of="answers", source=source, design=design,
                )  # fmt: skip
            levels.append(ItemLevel(wave.kind, group, item.code, item.family, item.about, mean, agreeing))
    return levels


def _changes(baseline: WaveFact, closing: WaveFact) -> list[FamilyChange]:
    asked_in_both = comparable_items(
        instrument(WaveKind.BASELINE, baseline.instrument_version),
        instrument(WaveKind.CLOSING, closing.instrument_version),
    )
    families: dict[Family, list[Item]] = {}
    for item in asked_in_both:
        families.setdefault(item.family, []).append(item)
    threshold = max(baseline.suppression_threshold, closing.suppression_threshold)
    source = _source([WaveKind.BASELINE, WaveKind.CLOSING], closing.instrument_version)
    results: list[FamilyChange] = []
    for group in Group:
        compared: dict[Family, Change] = {}
        for family, items in families.items():
            before, after = _values(baseline.answers, items), _values(closing.answers, items)
            if group in _shown(before, threshold) and group in _shown(after, threshold):
                compared[family] = estimates.change(_of_group(before, group), _of_group(after, group))
        testable = {family: found.p for family, found in compared.items() if found.p is not None}
        adjusted = dict(zip(testable, estimates.holm(list(testable.values())), strict=True))
        for family, items in families.items():
            results.append(
                _family_change(
                    family, items, group, compared.get(family), adjusted.get(family), threshold=threshold, source=source
                )
            )
    return results


def _family_change(
    family: Family,
    items: Sequence[Item],
    group: Group,
    found: Change | None,
    adjusted_p: float | None,
    *,
    threshold: int,
    source: str,
) -> FamilyChange:
    about = FAMILY_LABELS[family]
    better = all(item.higher_is_better for item in items)
    code, of, design = f"change.{family}.{group}", "answers in both waves", Design.BEFORE_AFTER
    if found is None:
        figure = suppressed(code, about, Unit.POINTS, threshold, of=of, source=source, design=design)
        return FamilyChange(
            family, about, group, better, figure, None, None, None, None, None, None, Conclusion.SUPPRESSED
        )
    figure = Figure(
        code,
        about,
        Unit.POINTS,
        source,
        of,
        design,
        found.difference,
        found.n_before + found.n_after,
        found.interval,
        note=None if found.interval else "the answers have no spread",
    )
    return FamilyChange(
        family,
        about,
        group,
        better,
        figure,
        found.n_before,
        found.n_after,
        found.effect,
        found.effect_interval,
        found.detectable_effect,
        adjusted_p,
        estimates.conclude(found, adjusted_p),
    )


def survey(waves: Sequence[WaveFact]) -> Survey:
    """Levels of every closed wave, and the changes once both are closed."""
    by_kind = {wave.kind: wave for wave in waves}
    ordered = [by_kind[kind] for kind in WaveKind if kind in by_kind]
    baseline, closing = by_kind.get(WaveKind.BASELINE), by_kind.get(WaveKind.CLOSING)
    return Survey(
        waves=tuple(_summary(wave) for wave in ordered),
        changes=tuple(_changes(baseline, closing)) if baseline and closing else (),
        levels=tuple(level for wave in ordered for level in _levels(wave)),
    )
