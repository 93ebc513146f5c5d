"""python tests/faults/page.py: writes docs/reliability.md from what the last `make test-faults` has measured."""

from __future__ import annotations

from chassis.alarms import ALARMS
from figures import REPOSITORY, Figure, recorded

PAGE = REPOSITORY / "docs" / "reliability.md"

_INTRO = """# What must never happen, and what was tried

Made by `make test-faults` from what its tests measured; do not edit.

Each row is a fault injected into real processes, a real PostgreSQL and a real Kafka (where it says so, librdkafka's mock
cluster). After each one the invariants of the wire tests are checked: every committed event is published and no other,
each has one inbox row and one effect, the order of every key holds, projections equal their replay, every answered
request is visible. *Lost* counts what broke one of them. Times are those of the machine that ran them, shared with
everything else on it; *within* is the bound that the test holds to.

| fault | what was tried | lost | recovered after | within | test |
|---|---|---|---|---|---|
"""


_ALARMS = """

## Alarms

A raised alarm is `updraft_alarm{alarm="..."} 1` among a worker's metrics, a name in the body of its `/health/ready` and a red
word in `updraft status`. It makes no process unready: a restart would not help.

| alarm | raised while | what it means |
|---|---|---|
"""


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:g} s"


def _row(figure: Figure) -> str:
    tried = figure.tried + (f"; {figure.note}" if figure.note else "")
    cells = (
        figure.fault,
        tried,
        str(figure.lost),
        _seconds(figure.recovery_seconds),
        _seconds(figure.bound_seconds),
        f"`{figure.test}`",
    )
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _still_there(figure: Figure) -> bool:
    path, _, name = figure.test.partition("::")
    file = REPOSITORY / path
    return file.exists() and f"def {name.partition('[')[0]}(" in file.read_text(encoding="utf-8")


def render(figures: list[Figure]) -> str:
    """The page."""
    rows = [_row(figure) for figure in figures if _still_there(figure)]
    alarms = [f"| `{alarm.name}` | `{alarm.metric}` > {alarm.threshold:g} | {alarm.meaning} |" for alarm in ALARMS]
    return _INTRO + "\n".join(rows) + _ALARMS + "\n".join(alarms) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(recorded()), encoding="utf-8")
