"""What a run is given: the snapshot of its cohort, and the pairs a program manager has locked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from matching.domain.canonical import canonical_json, snapshot_bytes, snapshot_of
from matching.domain.facts import Snapshot
from matching.domain.what_if import ContradictsRule, locked_in

Pairs = tuple[tuple[UUID, UUID], ...]


@dataclass(frozen=True, slots=True)
class RunInput:
    """A snapshot in which `locked` pairs (mentor participation, mentee participation; ascending) hold their places already:
    they are proposed whatever else is. `broken_locks` are those that a hard rule forbids or that have no place any more.
    """

    snapshot: Snapshot
    locked: Pairs = ()
    broken_locks: Pairs = ()

    @property
    def content(self) -> bytes:
        """The input as bytes; the same for the same facts in any order."""
        head = {"locked": _written(self.locked), "broken_locks": _written(self.broken_locks)}
        return canonical_json(head) + b"\n" + snapshot_bytes(self.snapshot)


def with_locks(snapshot: Snapshot, locks: Iterable[tuple[UUID, UUID]]) -> RunInput:
    """The input in which these pairs are locked, one after the other in ascending order; a lock never overrides a rule."""
    wanted = tuple(sorted(locks))
    try:
        return RunInput(locked_in(snapshot, wanted).snapshot, wanted)
    except ContradictsRule:
        pass
    locked: list[tuple[UUID, UUID]] = []
    broken: list[tuple[UUID, UUID]] = []
    for pair in wanted:
        try:
            snapshot = locked_in(snapshot, [pair]).snapshot
            locked.append(pair)
        except ContradictsRule:
            broken.append(pair)
    return RunInput(snapshot, tuple(locked), tuple(broken))


def input_of(content: bytes) -> RunInput:
    """The input that `RunInput.content` wrote."""
    head, _, rest = content.partition(b"\n")
    document = json.loads(head)
    return RunInput(snapshot_of(rest), _read(document["locked"]), _read(document["broken_locks"]))


def _written(pairs: Pairs) -> list[list[str]]:
    return [[str(mentor), str(mentee)] for mentor, mentee in pairs]


def _read(pairs: list[list[str]]) -> Pairs:
    return tuple((UUID(mentor), UUID(mentee)) for mentor, mentee in pairs)
