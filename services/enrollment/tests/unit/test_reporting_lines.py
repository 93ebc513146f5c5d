from __future__ import annotations

import random
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from enrollment.domain.reporting_lines import LineFault, LineNode, trace_lines
from hypothesis import given
from hypothesis import strategies as st

UNIT = UUID(int=1)
ID = [UUID(int=100 + number) for number in range(50)]


def lines(**managers: int | None) -> dict[UUID, LineNode]:
    return {ID[int(name[1:])]: LineNode(UNIT, None if above is None else ID[above]) for name, above in managers.items()}


def test_ancestors_go_to_the_top_nearest_first_and_across_units() -> None:
    people = lines(p0=None, p1=0, p2=1)
    people[ID[3]] = LineNode(UUID(int=2), ID[2])
    found = trace_lines(people)
    assert found.ancestors[ID[3]] == (ID[2], ID[1], ID[0])
    assert found.ancestors[ID[0]] == ()
    assert found.findings == ()


def test_a_cycle_is_reported_once_with_everybody_in_it_and_nobody_is_their_own_ancestor() -> None:
    found = trace_lines(lines(p5=3, p3=4, p4=5, p6=4))
    assert [(finding.fault, finding.person_ids) for finding in found.findings] == [
        (LineFault.CYCLE, (ID[3], ID[4], ID[5]))
    ]
    assert found.ancestors[ID[3]] == (ID[4], ID[5])
    assert found.ancestors[ID[6]] == (ID[4], ID[5], ID[3])


def test_orphans_are_those_whose_superior_has_left_or_was_never_found_not_those_at_the_top() -> None:
    people = lines(p0=None, p1=40)
    people[ID[2]] = LineNode(UNIT, None, manager_unknown=True)
    assert [(finding.fault, finding.person_ids) for finding in trace_lines(people).findings] == [
        (LineFault.ORPHAN, (ID[1],)),
        (LineFault.ORPHAN, (ID[2],)),
    ]


def test_a_line_of_any_depth_is_traced() -> None:
    people = {ID[0]: LineNode(UNIT, None)}
    chain = [ID[0], *(uuid4() for _ in range(3000))]
    people |= {person: LineNode(UNIT, above) for above, person in pairwise(chain)}
    shuffled = list(people.items())
    random.Random(1).shuffle(shuffled)
    assert trace_lines(dict(shuffled)).ancestors[chain[-1]] == tuple(reversed(chain[:-1]))


@given(st.dictionaries(st.integers(0, 11), st.one_of(st.none(), st.integers(0, 13)), max_size=12))
def test_any_graph_agrees_with_walking_it_step_by_step(managers: dict[int, int | None]) -> None:
    people = {ID[person]: LineNode(UNIT, None if above is None else ID[above]) for person, above in managers.items()}
    found = trace_lines(people)
    in_cycle = set()
    for person, node in people.items():
        walked: list[UUID] = []
        here = node.manager_id
        while here in people and here not in walked and here != person:
            walked.append(here)
            here = people[here].manager_id
        assert found.ancestors[person] == tuple(walked)
        if here == person:
            in_cycle.add(person)
    reported = [
        member for finding in found.findings if finding.fault is LineFault.CYCLE for member in finding.person_ids
    ]
    assert sorted(reported) == sorted(in_cycle)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_circle_of_any_size(size: int) -> None:
    people = {ID[number]: LineNode(UNIT, ID[(number + 1) % size]) for number in range(size)}
    (finding,) = trace_lines(people).findings
    assert finding.person_ids == tuple(ID[:size])
