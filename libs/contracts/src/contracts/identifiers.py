"""Identifiers and codes that may travel in an event: opaque, made here, free of meaning about a person."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
import unicodedata
from uuid import UUID

_RANDOM_BITS = 74
_RANDOM_BYTES = 10
_DRAWN_AT_ONCE = 64
"""Random parts that one call of the operating system yields; a call costs more than all else in a new identifier."""


class _Generator:
    """Where the process stands: the last millisecond and the last random part."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = 0
        self._random = 0
        self._drawn: list[int] = []

    def next(self) -> UUID:
        now = time.time_ns() // 1_000_000
        with self._lock:
            if not self._drawn:
                self._draw()
            drawn = self._drawn.pop()
            if now > self._millisecond:
                self._millisecond, self._random = now, drawn
            else:
                self._random += 1 + (drawn & 0xFFFF_FFFF)
                if self._random >> _RANDOM_BITS:
                    self._millisecond, self._random = self._millisecond + 1, drawn
            millisecond, random = self._millisecond, self._random
        low = random & ((1 << 62) - 1)
        return UUID(int=(millisecond << 80) | (0x7 << 76) | ((random >> 62) << 64) | (0b10 << 62) | low)

    def _draw(self) -> None:
        drawn = os.urandom(_RANDOM_BYTES * _DRAWN_AT_ONCE)
        self._drawn = [
            int.from_bytes(drawn[at : at + _RANDOM_BYTES]) >> 6 for at in range(0, len(drawn), _RANDOM_BYTES)
        ]

    def forget(self) -> None:
        """In a forked child: with its parent's random parts it would continue the parent's row of numbers."""
        self._lock = threading.Lock()
        self._draw()
        self._random = self._drawn.pop()


_generator = _Generator()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_generator.forget)


def uuid7() -> UUID:
    """A UUID version 7 (RFC 9562), greater than every one made before it by this process.

    The first 48 bits are Unix milliseconds. Within one millisecond, or when the clock goes back, the random part of the
    last one is raised by a random step, so that order holds and the next value cannot be guessed.
    """
    return _generator.next()


def opaque_code(*parts: str) -> str:
    """A stable code of 16 hexadecimal digits for names that must not travel, such as (business unit, team name).

    Equal parts give equal codes; the parts cannot be read back without guessing them. Matches `fields.OpaqueCode`.
    """
    digest = hashlib.sha256()
    for part in parts:
        raw = part.strip().casefold().encode()
        digest.update(len(raw).to_bytes(4) + raw)
    return digest.hexdigest()[:16]


def code_of(text: str) -> str | None:
    """The coarse code of a word such as a function or a region: `Human Resources` becomes `human_resources`.

    At most 32 characters of lower-case ASCII, digits and underscores, beginning with a letter; None when nothing of
    `text` remains. Matches `fields.Code`.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    code = re.sub(r"[^a-z0-9]+", "_", plain).strip("_").lstrip("0123456789_")[:32].rstrip("_")
    return code or None
