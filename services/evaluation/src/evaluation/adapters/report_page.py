"""The report as one self-contained HTML page: no script, nothing loaded from elsewhere, a table behind every plot.

As a module it reads a report as JSON on standard input and writes the page to standard output:

    python -m evaluation.adapters.report_page [--synthetic] < report.json
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evaluation.adapters import charts
from evaluation.adapters.codec import from_json
from evaluation.domain.estimates import Conclusion, Interval
from evaluation.domain.figures import Unit
from evaluation.domain.report import CohortReport, signed
from evaluation.domain.survey import FamilyChange, Group

_TEMPLATES = Path(__file__).parent / "templates"

_CONCLUSIONS = {
    Conclusion.ROSE: "rose",
    Conclusion.FELL: "fell",
    Conclusion.NO_CHANGE_SHOWN: "no change shown",
    Conclusion.UNDERPOWERED: "too few answers to conclude",
    Conclusion.SUPPRESSED: "not shown",
}
_MISSING = "–"


def number(value: float | None, unit: Unit) -> str:
    """A value as a reader takes it in."""
    if value is None:
        return _MISSING
    match unit:
        case Unit.COUNT:
            return f"{value:,.0f}".replace(",", " ")
        case Unit.SHARE | Unit.RATIO:
            return f"{value * 100:.0f} %"
        case Unit.PERMILLE:
            return f"{value:.0f}"
        case Unit.POINTS:
            return f"{value:.2f}"


def interval(found: Interval | None, unit: Unit, *, difference: bool = False) -> str:
    """An interval in the unit of its value; says its level when that is not 95 %."""
    if found is None:
        return _MISSING
    low, high = (number(value, unit) for value in (found.low, found.high))
    if difference:
        low, high = signed(found.low), signed(found.high)
    level = "" if round(found.level, 2) == 0.95 else f" ({found.level * 100:.0f} %)"
    return f"{low.removesuffix(' %')} to {high}{level}"


def day(value: date | datetime | None) -> str:
    """A date in words: 3 March 2026."""
    return _MISSING if value is None else f"{value.day} {value.strftime('%B %Y')}"


def words(code: str) -> str:
    """A code as words."""
    return code.replace("_", " ")


def conclusion(change: FamilyChange) -> str:
    """What the comparison says, in words."""
    return _CONCLUSIONS[change.conclusion]


def tone(change: FamilyChange) -> str:
    """Whether a change is for the better: `good`, `bad` or `plain`."""
    if change.conclusion not in (Conclusion.ROSE, Conclusion.FELL):
        return "plain"
    return "good" if (change.conclusion is Conclusion.ROSE) == change.higher_is_better else "bad"


def _setting(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return words(str(value))


def _plots(report: CohortReport) -> Mapping[str, Markup]:
    plots: dict[str, str] = {}
    stages = ", ".join(f"{row.stage.value} {number(row.everybody.value, Unit.COUNT)}" for row in report.funnel)
    if any(row.everybody.value for row in report.funnel if not row.everybody.suppressed):
        plots["funnel"] = charts.funnel(report.funnel, f"Bar chart of people who reached each stage: {stages}.")
    if report.match_quality.scores:
        plots["scores"] = charts.histogram(
            report.match_quality.scores,
            f"Histogram of match scores of {report.match_quality.mean_score.n} pairs.",
            title="Score of the match, out of 1,000",
        )
    if report.cadence.ratios:
        plots["ratios"] = charts.histogram(
            report.cadence.ratios,
            f"Histogram of meetings held per meeting agreed, {report.cadence.median_ratio.n} pairs.",
            title="Meetings held, of those agreed",
            as_agreed=1.0,
            percent=True,
        )
    if report.meetings.by_month:
        plots["meetings"] = charts.meetings(
            report.meetings.by_month,
            f"Stacked bars of meetings by month: {number(report.meetings.held.value, Unit.COUNT)} held, "
            f"{number(report.meetings.missed.value, Unit.COUNT)} missed, "
            f"{number(report.meetings.cancelled.value, Unit.COUNT)} cancelled.",
        )
    shown = [change for change in report.survey.changes if not change.difference.suppressed]
    if shown:
        everybody = ", ".join(
            f"{change.about} {signed(change.difference.value or 0)}"
            for change in shown
            if change.group is Group.EVERYBODY
        )
        plots["changes"] = charts.changes(shown, f"Changes between the two surveys with intervals: {everybody}.")
    # Drawn from numbers and our own words alone, and escaped where they meet.
    return {name: Markup(svg) for name, svg in plots.items()}  # noqa: S704


def render(report: CohortReport, *, synthetic: bool = False) -> str:
    """The page. Takes about a second of a core the first time in a process, and does not let go of the interpreter."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    environment.filters.update(day=day, words=words, setting=_setting, conclusion=conclusion, tone=tone)
    environment.globals.update(number=number, interval=interval, signed=signed, Unit=Unit, Group=Group)
    return environment.get_template("report.html").render(
        report=report,
        plots=_plots(report),
        synthetic=synthetic,
        style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
    )


if __name__ == "__main__":
    sys.stdout.write(render(from_json(sys.stdin.buffer.read()), synthetic="--synthetic" in sys.argv[1:]))
