"""What a run is given: the snapshot of its cohort, and the pairs a program manager has locked."""

from __future__ import annotations

import hmac
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from matching.domain.canonical import HashKey, canonical_json, snapshot_lines, snapshot_of
from matching.domain.facts import Snapshot
from matching.domain.what_if import ContradictsRule, locked_in

Pairs = tuple[tuple[UUID, UUID], ...]

FASTEST = 1
"""The level of zlib."""
_LINES_AT_ONCE = 1000


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
        return b"".join(self._stretches())

    def written(self, key: HashKey) -> WrittenInput:
        """The input as it is kept, and its hash; the whole of its bytes is never held."""
        digest, packing, packed = hmac.new(key.secret, digestmod="sha256"), zlib.compressobj(FASTEST), []
        for stretch in self._stretches():
            digest.update(stretch)
            packed.append(packing.compress(stretch))
        packed.append(packing.flush())
        return WrittenInput(digest.hexdigest(), b"".join(packed))

    def _stretches(self) -> Iterator[bytes]:
        """The bytes, about a megabyte at a time."""
        head = {"locked": _written(self.locked), "broken_locks": _written(self.broken_locks)}
        lines = [canonical_json(head)]
        for line in snapshot_lines(self.snapshot):
            lines.append(line)
            if len(lines) > _LINES_AT_ONCE:
                yield b"\n".join([*lines[:-1], b""])
                lines = [line]
        yield b"\n".join(lines)


@dataclass(frozen=True, slots=True)
class WrittenInput:
    """The keyed hash of an input's bytes (hexadecimal HMAC-SHA-256), and the bytes packed by zlib."""

    digest: str
    packed: bytes


def packed(content: bytes) -> bytes:
    """Bytes as they are kept of a run."""
    return zlib.compress(content, FASTEST)


def unpacked(kept: bytes) -> bytes:
    """What `packed` or `RunInput.written` has packed."""
    return zlib.decompress(kept)


def with_locks(snapshot: Snapshot, locks: Iterable[tuple[UUID, UUID]]) -> RunInput:
    """The input in which these pairs are locked, one after the other in ascending order; a lock never overrides a rule."""
    wanted = tuple(sorted(locks))
    if not wanted:
        return RunInput(snapshot)
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
