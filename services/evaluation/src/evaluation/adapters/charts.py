"""The report's plots, as inline SVG: drawn by Vega, without scripts, in the colours of the page's style sheet.

Vega only knows fixed colours, so each is drawn in a stand-in and replaced by a custom property, which follows light,
dark and print.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import vl_convert as vlc

from evaluation.domain.estimates import Conclusion
from evaluation.domain.operation import FunnelStage, Histogram, Month
from evaluation.domain.survey import FamilyChange, Group

_INK, _MUTED, _GRID, _FIRST, _SECOND, _THIRD, _PAPER = (f"#0badc{digit}" for digit in range(7))
_PROPERTIES = {
    _INK: "var(--ink)",
    _MUTED: "var(--muted)",
    _GRID: "var(--grid)",
    _FIRST: "var(--first)",
    _SECOND: "var(--second)",
    _THIRD: "var(--third)",
    _PAPER: "var(--paper)",
}
_STAND_IN = re.compile("|".join(_PROPERTIES), re.IGNORECASE)
_SIZE = re.compile(r'<svg ([^>]*?)width="([0-9.]+)" height="([0-9.]+)"')
_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif"
_WIDTH = 560
_WIDE = 820

_CONFIG: dict[str, Any] = {
    "background": "transparent",
    "padding": {"left": 12, "right": 8, "top": 4, "bottom": 4},
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": _INK, "titleColor": _MUTED, "domainColor": _GRID, "tickColor": _GRID, "gridColor": _GRID,
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 8,
    },
    "legend": {
        "labelColor": _INK, "titleColor": _MUTED, "labelFontSize": 12, "orient": "top", "title": None, "symbolType": "square",
    },
    "text": {"color": _INK, "fontSize": 12},
}  # fmt: skip


def _svg(chart: Any, label: str) -> str:
    """The plot as an SVG element that a screen reader takes as one picture with the given label."""
    svg: str = vlc.vegalite_to_svg(chart.configure(**_CONFIG).to_dict())
    svg = _STAND_IN.sub(lambda found: _PROPERTIES[found[0].lower()], svg)
    svg = _SIZE.sub(r'<svg \1style="max-width:\2px"', svg, count=1)
    # The table behind the plot is what a screen reader reads; inner labels of Vega would be read mark by mark.
    svg = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", svg)
    escaped = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escaped}" focusable="false" ', 1)


def _data(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"values": [dict(row) for row in rows]}


def funnel(stages: Sequence[FunnelStage], label: str) -> str:
    """How many people reached each stage; mentors and mentees side by side in one bar where the roles may be shown."""
    order = [row.stage.value.capitalize() for row in stages]
    colors = {"Mentors": _SECOND, "Mentees": _THIRD}
    if any(row.mentors.suppressed for row in stages):
        colors = {"People": _FIRST}
    rows = [
        {"stage": row.stage.value.capitalize(), "role": role, "people": figure.value, "place": place}
        for row in stages
        for place, (role, figure) in enumerate(
            (("Mentors", row.mentors), ("Mentees", row.mentees), ("People", row.everybody))
        )
        if role in colors
    ]
    totals = [{"stage": row.stage.value.capitalize(), "people": row.everybody.value} for row in stages]
    y = alt.Y("stage:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=8))
    bars = (
        alt.Chart(_data(rows))
        .mark_bar(height=20)
        .encode(
            y=y,
            x=alt.X("people:Q", title="People", axis=alt.Axis(grid=True, tickMinStep=1, tickCount=6)),
            color=alt.Color("role:N", scale=alt.Scale(domain=list(colors), range=list(colors.values()))),
            order="place:O",
        )
    )
    text = alt.Chart(_data(totals)).mark_text(align="left", dx=6).encode(y=y, x="people:Q", text=alt.Text("people:Q"))
    return _svg(alt.layer(bars, text).properties(width=_WIDTH - 90, height=len(order) * 30), label)


def histogram(
    found: Histogram, label: str, *, title: str, as_agreed: float | None = None, percent: bool = False
) -> str:
    """Counts between edges; `as_agreed` draws a line at the value that was promised."""
    rows = [
        {"from": low, "to": high, "pairs": count}
        for low, high, count in zip(found.edges, found.edges[1:], found.counts, strict=False)
    ]
    x_axis = alt.Axis(grid=False, values=list(found.edges), format=".0%" if percent else "d")
    bars = (
        alt.Chart(_data(rows))
        .mark_bar(color=_FIRST, stroke=_PAPER, strokeWidth=1)
        .encode(
            x=alt.X(
                "from:Q",
                bin="binned",
                title=title,
                axis=x_axis,
                scale=alt.Scale(domain=[found.edges[0], found.edges[-1]]),
            ),
            x2="to:Q",
            y=alt.Y("pairs:Q", title="Pairs", axis=alt.Axis(tickMinStep=1, tickCount=5)),
        )
    )
    layers = [bars]
    if as_agreed is not None:
        at = _data([{"at": as_agreed, "text": "as agreed"}])
        layers.append(alt.Chart(at).mark_rule(color=_INK, strokeDash=[4, 3], strokeWidth=1.5).encode(x="at:Q"))
        layers.append(alt.Chart(at).mark_text(align="center", baseline="bottom", y=-4).encode(x="at:Q", text="text:N"))
    return _svg(alt.layer(*layers).properties(width=_WIDTH - 60, height=180), label)


def meetings(months: Sequence[Month], label: str) -> str:
    """Meetings by month and what became of them."""
    names = ["Held", "Missed", "Cancelled"]
    rows = [
        {"month": month.month, "outcome": name, "meetings": count, "place": place}
        for month in months
        for place, (name, count) in enumerate(zip(names, (month.held, month.missed, month.cancelled), strict=True))
    ]
    chart = (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelExpr="slice(datum.label, 2)")),
            y=alt.Y("sum(meetings):Q", title="Meetings", axis=alt.Axis(tickMinStep=1, tickCount=5)),
            color=alt.Color("outcome:N", scale=alt.Scale(domain=names, range=[_FIRST, _SECOND, _THIRD])),
            order="place:O",
        )
        .properties(width=_WIDTH - 60, height=180)
    )
    return _svg(chart, label)


_GROUPS = {Group.EVERYBODY: "Everybody", Group.MENTORS: "Mentors", Group.MENTEES: "Mentees"}


def changes(found: Sequence[FamilyChange], label: str) -> str:
    """Differences with their intervals, around zero. Filled where a conclusion is drawn, hollow where it is not."""
    order = list(dict.fromkeys(change.about for change in found))
    rows = [
        {
            "about": change.about,
            "group": _GROUPS[change.group],
            "difference": change.difference.value,
            "low": change.difference.interval.low if change.difference.interval else change.difference.value,
            "high": change.difference.interval.high if change.difference.interval else change.difference.value,
            "concluded": change.conclusion in (Conclusion.ROSE, Conclusion.FELL),
        }
        for change in found
        if not change.difference.suppressed
    ]
    shown = [name for name in _GROUPS.values() if any(row["group"] == name for row in rows)]
    base = alt.Chart(_data(rows))
    y = alt.Y(
        "about:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=230, labelPadding=8)
    )
    offset = alt.YOffset("group:N", sort=shown)
    scale = alt.Scale(domain=list(_GROUPS.values()), range=[_FIRST, _SECOND, _THIRD])
    color = alt.Color("group:N", scale=scale, legend=alt.Legend(values=shown))
    x_axis = alt.Axis(format="+.1f", tickCount=7)
    zero = alt.Chart(_data([{"zero": 0}])).mark_rule(color=_INK, strokeWidth=1).encode(x="zero:Q")
    lines = base.mark_rule(strokeWidth=2).encode(
        y=y, yOffset=offset, x=alt.X("low:Q", title="Change in points of 5, with 95 % interval", axis=x_axis), x2="high:Q", color=color
    )  # fmt: skip
    points = base.mark_point(size=60, strokeWidth=2, opacity=1, filled=False).encode(
        y=y,
        yOffset=offset,
        x="difference:Q",
        color=color,
        fill=alt.condition("datum.concluded", color, alt.value(_PAPER)),
    )
    step = 18 * max(1, len(shown)) + 8
    return _svg(alt.layer(zero, lines, points).properties(width=_WIDE, height=step * len(order)), label)
