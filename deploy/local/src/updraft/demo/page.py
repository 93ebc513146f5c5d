"""The demonstration's report: one self-contained page with plots drawn as SVG; nothing is loaded, nothing runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import altair
import vl_convert
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from updraft.demo.story import Story

_TEMPLATES = Path(__file__).parent
_INK, _ACCENT, _GOOD, _WARN, _BAD = "#334155", "#2563eb", "#059669", "#d97706", "#dc2626"
_OUTCOMES = {"held": _GOOD, "cancelled": _WARN, "missed": _BAD}


def write(story: Story, target: Path) -> None:
    """Render the page to `target`."""
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=select_autoescape(default=True))
    plots = {"funnel": _funnel(story), "rules": _rules(story), "months": _months(story), "pairs": _pairs(story)}
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(environment.get_template("page.html.jinja").render(story=story, plots=plots), encoding="utf-8")


def _svg(chart: Any) -> Markup:
    styled = (
        chart.configure_view(stroke=None)
        .configure(background="transparent", font="Helvetica, Arial, sans-serif", padding=14)
        .configure_axis(labelColor=_INK, titleColor=_INK, gridColor="#cbd5e155", domainColor="#94a3b8")
        .configure_legend(labelColor=_INK, titleColor=_INK, orient="top", title=None)
    )
    return Markup(vl_convert.vegalite_to_svg(styled.to_dict()))  # noqa: S704  our own drawing, of numbers and fixed words


def _data(rows: list[dict[str, Any]]) -> Any:
    return altair.InlineData(values=rows)


def _funnel(story: Story) -> Markup:
    stages = [
        ("applied", sum(story.applied.values())),
        ("admitted", sum(story.admitted.values())),
        ("in a pair", 2 * len(story.pairs)),
        ("kept to the end", 2 * story.completed),
    ]
    rows = [{"stage": stage, "people": number} for stage, number in stages]
    base = altair.Chart(_data(rows)).encode(
        y=altair.Y("stage:N", sort=[stage for stage, _ in stages], title=None), x=altair.X("people:Q", title="people")
    )
    bars = base.mark_bar(color=_ACCENT, cornerRadiusEnd=3)
    return _svg(
        (bars + base.mark_text(align="left", dx=4, color=_INK).encode(text="people:Q")).properties(
            width=420, height=130
        )
    )


def _rules(story: Story) -> Markup:
    rows = [
        {"rule": rule.replace("_", " "), "pairings": number}
        for rule, number in story.excluded_by_rule.items()
        if number
    ]
    base = altair.Chart(_data(rows)).encode(
        y=altair.Y("rule:N", sort="-x", title=None), x=altair.X("pairings:Q", title="possible pairings refused")
    )
    bars = base.mark_bar(color=_WARN, cornerRadiusEnd=3)
    return _svg(
        (bars + base.mark_text(align="left", dx=4, color=_INK).encode(text="pairings:Q")).properties(
            width=420, height=max(40, 26 * len(rows))
        )
    )


def _months(story: Story) -> Markup:
    counted = Counter((meeting.day // 30, meeting.outcome) for meeting in story.meetings)
    rows = [
        {"month": month + 1, "outcome": outcome, "meetings": number}
        for (month, outcome), number in sorted(counted.items())
    ]
    chart = (
        altair.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=altair.X("month:O", title="month of the cohort"),
            y=altair.Y("meetings:Q", title="meetings"),
            color=altair.Color("outcome:N", scale=altair.Scale(domain=list(_OUTCOMES), range=list(_OUTCOMES.values()))),
            order=altair.Order("outcome:N"),
        )
    )
    return _svg(chart.properties(width=520, height=200))


def _pairs(story: Story) -> Markup:
    rows = [{"pair": meeting.pair, "day": meeting.day, "outcome": meeting.outcome} for meeting in story.meetings]
    chart = (
        altair.Chart(_data(rows))
        .mark_circle(size=34, opacity=0.9)
        .encode(
            x=altair.X("day:Q", title="day of the cohort"),
            y=altair.Y("pair:N", title=None),
            color=altair.Color("outcome:N", scale=altair.Scale(domain=list(_OUTCOMES), range=list(_OUTCOMES.values()))),
        )
    )
    return _svg(chart.properties(width=720, height=max(120, 15 * len(story.pairs))))
