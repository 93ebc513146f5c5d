"""The organisation graph as integers: who stands above whom, who reviews whom, who may not meet, and who sits where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np

from matching.domain.encoded_groups import Groups, Shorts, groups, numbered
from matching.domain.facts import Candidate, Snapshot


class Organisation(NamedTuple):
    """Nodes are persons: every candidate and everybody named in a line.

    `manager` is each node's line manager (-1: none). `managers` and `managed` lead one step up and down from manager to
    manager, `up` and `down` by any line. `reviews` and `excluded` join both ways; `earlier` leads from mentors to mentees
    and is empty where repeated pairs are allowed. The other groups list the columns at a node, in a team, of a manager, of
    a unit and on a project; `projects` are those of a row.
    """

    manager: Shorts
    managers: Groups
    managed: Groups
    up: Groups
    down: Groups
    reviews: Groups
    excluded: Groups
    earlier: Groups
    at_node: Groups
    in_team: Groups
    under_manager: Groups
    in_unit: Groups
    on_project: Groups
    projects: Groups


class Placed(NamedTuple):
    """The node of each row and of each column."""

    mentors: Shorts
    mentees: Shorts


def encode_organisation(
    snapshot: Snapshot,
    mentors: Sequence[Candidate],
    mentees: Sequence[Candidate],
    units: Mapping[UUID, int],
    teams: Mapping[str, int],
) -> tuple[Organisation, Placed]:
    """The graph of the snapshot for both sides in their inner order; `units` and `teams` number those of both sides."""
    lines = {line.person_id.int: line for line in snapshot.lines}
    nodes = numbered(one.person_id.int for one in (*mentors, *mentees))
    for person, line in lines.items():
        nodes.setdefault(person, len(nodes))
        if line.manager_id is not None:
            nodes.setdefault(line.manager_id.int, len(nodes))
        for other in (*line.dotted_line_ids, *line.reviewer_ids):
            nodes.setdefault(other.int, len(nodes))
    manager = np.full(len(nodes), -1, np.int32)
    steps = _Steps()
    reviews = _Steps()
    for person, line in lines.items():
        node = nodes[person]
        if line.manager_id is not None:
            manager[node] = nodes[line.manager_id.int]
            steps.add(node, nodes[line.manager_id.int])
        for other in line.dotted_line_ids:
            steps.add(node, nodes[other.int])
        for other in line.reviewer_ids:
            reviews.add(node, nodes[other.int])
    excluded = _Steps.of(nodes, snapshot.excluded)
    earlier = _Steps.of(nodes, () if snapshot.rules.repeat_pairs else snapshot.earlier_pairs)
    placed = Placed(_nodes(mentors, nodes), _nodes(mentees, nodes))
    columns = range(len(mentees))
    project_codes = numbered(code for one in (*mentors, *mentees) for code in sorted(one.projects))
    on_project = [(project_codes[code], column) for column, one in enumerate(mentees) for code in one.projects]
    projects = [(row, project_codes[code]) for row, one in enumerate(mentors) for code in one.projects]
    return (
        Organisation(
            manager=manager,
            up=groups(steps.starts, steps.ends, len(nodes)),
            down=groups(steps.ends, steps.starts, len(nodes)),
            managers=groups(np.flatnonzero(manager >= 0).astype(np.int64), manager[manager >= 0], len(nodes)),
            managed=groups(manager, range(len(nodes)), len(nodes)),
            reviews=reviews.both_ways(len(nodes)),
            excluded=excluded.both_ways(len(nodes)),
            earlier=groups(earlier.starts, earlier.ends, len(nodes)),
            at_node=groups(placed.mentees, columns, len(nodes)),
            in_team=groups((-1 if one.team is None else teams[one.team] for one in mentees), columns, len(teams)),
            under_manager=groups(manager[placed.mentees], columns, len(nodes)),
            in_unit=groups((units[one.business_unit_id] for one in mentees), columns, len(units)),
            on_project=groups(
                (project for project, _ in on_project), (column for _, column in on_project), len(project_codes)
            ),
            projects=groups((row for row, _ in projects), (project for _, project in projects), len(mentors)),
        ),
        placed,
    )


class _Steps:
    """Directed joints between nodes."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    @classmethod
    def of(cls, nodes: Mapping[int, int], pairs: Iterable[tuple[UUID, UUID]]) -> _Steps:
        """The joints of pairs of persons who both have a node."""
        made = cls()
        for one, other in pairs:
            if one.int in nodes and other.int in nodes:
                made.add(nodes[one.int], nodes[other.int])
        return made

    def add(self, start: int, end: int) -> None:
        self.starts.append(start)
        self.ends.append(end)

    def both_ways(self, nodes: int) -> Groups:
        return groups(self.starts + self.ends, self.ends + self.starts, nodes)


def _nodes(candidates: Sequence[Candidate], nodes: Mapping[int, int]) -> Shorts:
    return np.fromiter((nodes[one.person_id.int] for one in candidates), np.int32, len(candidates))
