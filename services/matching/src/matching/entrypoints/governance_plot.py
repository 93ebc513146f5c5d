"""Drawings of intervals, small enough for a cell of a table."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

_WIDTH, _HEIGHT, _MARGIN = 180.0, 22.0, 6.0


def interval(figures: Mapping[str, Any], reach: float, words: str, *, bad: bool = False) -> str:
    """A point with its interval on a line from -`reach` to `reach`, cut off there, with a mark at 0; `words` say the same."""

    def place(value: float) -> float:
        inside = max(-reach, min(reach, value))
        return _WIDTH / 2 + inside / reach * (_WIDTH / 2 - _MARGIN)

    low, point, high = (place(figures[name]) for name in ("low", "value", "high"))
    middle = _HEIGHT / 2
    kind = ' class="bad"' if bad else ""
    return (
        f'<svg{kind} viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" focusable="false" aria-label="{escape(words, quote=True)}">'
        f'<line class="zero" x1="{_WIDTH / 2:.1f}" x2="{_WIDTH / 2:.1f}" y1="1" y2="{_HEIGHT - 1:.0f}"/>'
        f'<line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>'
        f'<circle class="point" cx="{point:.1f}" cy="{middle}" r="4"/></svg>'
    )
