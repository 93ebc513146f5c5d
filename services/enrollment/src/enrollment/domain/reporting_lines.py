"""Reporting lines of any depth and across units: who stands above whom, and where the lines do not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class LineFault(StrEnum):
    """`cycle`: people who report to each other in a circle. `orphan`: somebody whose superior is unknown or has left."""

    CYCLE = "cycle"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class LineNode:
    """An employed person and the superior the HR system names. `manager_unknown`: it names one whom nobody can find."""

    business_unit_id: UUID
    manager_id: UUID | None
    manager_unknown: bool = False


@dataclass(frozen=True, slots=True)
class LineFinding:
    """A fault and the people it concerns: one for an orphan, all of a cycle in order of reporting, the smallest id first."""

    fault: LineFault
    person_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ReportingLines:
    """For each person everybody above them, nearest first, and the faults found.

    Somebody in a cycle has the others of the cycle above them, once each, never themself.
    """

    ancestors: Mapping[UUID, tuple[UUID, ...]]
    findings: tuple[LineFinding, ...]


def trace_lines(people: Mapping[UUID, LineNode]) -> ReportingLines:
    """Follow every line to its top. Managers who are not among `people` end the line and make an orphan. Linear in people times depth."""
    ancestors: dict[UUID, tuple[UUID, ...]] = {}
    findings: list[LineFinding] = []
    for start in people:
        path: list[UUID] = []
        place: dict[UUID, int] = {}
        here: UUID | None = start
        while here is not None and here in people and here not in ancestors and here not in place:
            place[here] = len(path)
            path.append(here)
            here = people[here].manager_id
        if here is not None and here in place:
            cycle = path[place[here] :]
            for index, member in enumerate(cycle):
                ancestors[member] = tuple(cycle[index + 1 :] + cycle[:index])
            smallest = cycle.index(min(cycle))
            findings.append(LineFinding(LineFault.CYCLE, tuple(cycle[smallest:] + cycle[:smallest])))
            path = path[: place[here]]
        for person_id in reversed(path):
            manager = people[person_id].manager_id
            ancestors[person_id] = (
                (manager, *ancestors[manager]) if manager is not None and manager in ancestors else ()
            )
    for person_id, node in people.items():
        if node.manager_unknown or (node.manager_id is not None and node.manager_id not in people):
            findings.append(LineFinding(LineFault.ORPHAN, (person_id,)))
    findings.sort(key=lambda finding: (finding.fault, finding.person_ids))
    return ReportingLines(ancestors, tuple(findings))
