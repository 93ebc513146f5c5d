"""A figure as it may be shown: never without source, sample size, design, and interval or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evaluation.domain.estimates import Estimate, Interval


class Unit(StrEnum):
    """What a value counts or measures."""

    COUNT = "count"
    SHARE = "share"
    RATIO = "ratio"
    PERMILLE = "permille"
    POINTS = "points"


class Design(StrEnum):
    """How strongly a figure speaks for an effect of the program."""

    DESCRIPTION = "description"
    AFTER_ONLY = "after_only"
    BEFORE_AFTER = "before_after"


#: What each design can and cannot say, in words for the reader.
STRENGTH = {
    Design.DESCRIPTION: "A description of what happened; no comparison group.",
    Design.AFTER_ONLY: "Asked once, afterwards; no comparison group and no value before.",
    Design.BEFORE_AFTER: "Before and after, no comparison group: a change may have other causes than the program.",
}

COMPLETE_COUNT = "a complete count, not a sample"


@dataclass(frozen=True, slots=True)
class Figure:
    """One displayed statistic.

    Attributes:
        n: observations it rests on, `of` says what they are.
        source: where the observations come from.
        comparison_group: whether a comparison group existed.
        note: why there is no interval, or why nothing is shown.
        suppressed: the group is too small; then nothing of it is here, its size neither.

    Raises:
        ValueError: a figure lacks what has to stand beside it, or a suppressed one shows something.
    """

    code: str
    label: str
    unit: Unit
    source: str
    of: str
    design: Design
    value: float | None = None
    n: int | None = None
    interval: Interval | None = None
    comparison_group: bool = False
    note: str | None = None
    suppressed: bool = False

    def __post_init__(self) -> None:
        if not self.source or not self.of:
            raise ValueError(f"{self.code}: a figure names its source and what it counts")
        if self.suppressed and not (self.value is None and self.n is None and self.interval is None and self.note):
            raise ValueError(f"{self.code}: a suppressed figure shows nothing but the reason")
        if not self.suppressed and (self.n is None or (self.interval is None and not self.note)):
            raise ValueError(f"{self.code}: a figure shows its n, and its interval or why there is none")


def counted(code: str, label: str, value: int, *, n: int, of: str, source: str, people: int, threshold: int) -> Figure:
    """A complete count among `n` of something that belongs to `people` people; hidden when these are too few."""
    if people < threshold:
        return suppressed(code, label, Unit.COUNT, threshold, of=of, source=source)
    return Figure(code, label, Unit.COUNT, source, of, Design.DESCRIPTION, float(value), n, note=COMPLETE_COUNT)


def estimated(
    code: str, label: str, unit: Unit, estimate: Estimate, *, of: str, source: str, design: Design = Design.DESCRIPTION
) -> Figure:
    """A figure out of an estimate."""
    return Figure(
        code, label, unit, source, of, design, estimate.value, estimate.n, estimate.interval, note=estimate.because
    )


def suppressed(
    code: str, label: str, unit: Unit, threshold: int, *, of: str, source: str, design: Design = Design.DESCRIPTION
) -> Figure:
    """The place of a figure that would point at too few people."""
    return Figure(
        code,
        label,
        unit,
        source,
        of,
        design,
        note=f"not shown: this group, or what remains beside it, has fewer than {threshold} people",
        suppressed=True,
    )
