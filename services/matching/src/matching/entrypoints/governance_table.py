"""The figures of a pack about groups, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

COLUMNS = (
    "side", "dimension", "group", "people", "others", "measure", "n", "value", "low", "high", "difference",
    "difference_low", "difference_high", "p_adjusted", "finding", "withheld",
)  # fmt: skip


def table_of(pack: Mapping[str, Any]) -> str:
    """One row a group and measure; a dimension that is withheld has one row that says why."""
    out = io.StringIO()
    rows = csv.DictWriter(out, COLUMNS, restval="")
    rows.writeheader()
    for side in pack["sides"]:
        for cut in side["dimensions"]:
            where = {"side": side["role"], "dimension": cut["dimension"]}
            if cut["withheld"] is not None:
                rows.writerow({**where, "withheld": cut["withheld"]})
            for group in cut["groups"]:
                who = {**where, "group": group["group"], "people": group["people"], "others": group["others"]}
                for name, figures in group["measures"].items():
                    rows.writerow({**who, "measure": name, **_figures(figures)})
    return out.getvalue()


def _figures(figures: Mapping[str, Any]) -> dict[str, Any]:
    if "withheld" in figures:
        return {"withheld": figures["withheld"]}
    difference = figures["difference"]
    return {
        **{name: figures[name] for name in ("n", "value", "low", "high", "p_adjusted", "finding")},
        "difference": difference["value"],
        "difference_low": difference["low"],
        "difference_high": difference["high"],
    }
