"""What a run leaves for a later one of the same cohort to begin from: the prices of its people's places.

They change how long solving takes, never what comes out, so they are no part of an input, a proof or a certificate.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matching.domain.canonical import canonical_json
from matching.domain.facts import Candidate
from matching.domain.objective import Start

_ID_BYTES = 16


def start_content(mentors: Sequence[Candidate], mentees: Sequence[Candidate], start: Start) -> bytes:
    """A start as bytes, without the level of ties, of which a later run makes no use: a line of canonical JSON that says the
    levels and how many people of each side follow, then their participations (16 bytes each), then per level their prices
    (64-bit integers, little-endian).
    """
    used = [place for place, level in enumerate(start.levels) if level != "ties"]
    head = {
        "floor": start.floor,
        "levels": [start.levels[place] for place in used],
        "mentors": len(mentors),
        "mentees": len(mentees),
    }
    ids = [one.participation_id.bytes for one in (*mentors, *mentees)]
    prices = [side[place].astype("<i8").tobytes() for place in used for side in (start.mentors, start.mentees)]
    return b"".join([canonical_json(head), b"\n", *ids, *prices])


def start_of(content: bytes, mentors: Sequence[Candidate], mentees: Sequence[Candidate]) -> Start:
    """The start that `start_content` wrote, for these people in their order; who is new has prices of 0."""
    head, _, rest = content.partition(b"\n")
    said = json.loads(head)
    people = said["mentors"] + said["mentees"]
    known = {rest[place * _ID_BYTES : (place + 1) * _ID_BYTES]: place for place in range(people)}
    prices = np.frombuffer(rest[people * _ID_BYTES :], dtype="<i8").reshape(len(said["levels"]), people)
    # A column of nothing for who is new.
    priced = np.hstack([prices, np.zeros((len(prices), 1), dtype=np.int64)]).astype(np.int64)

    def of(side: Sequence[Candidate]) -> tuple[NDArray[np.int64], ...]:
        places = np.array([known.get(one.participation_id.bytes, people) for one in side], dtype=np.int64)
        return tuple(level[places] for level in priced)

    return Start(tuple(said["levels"]), of(mentors), of(mentees), said["floor"])
