"""`python -m load.scoring_ours <encoded> <most> <threads>`: the best of each person by the kernels, in a process of its own.

Prints JSON: seconds, the megabytes the encoded snapshot and the pass added to what the process had, and the edges found.
"""

from __future__ import annotations

import json
import pickle
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from matching.domain.encoding import encode
from matching.domain.kernel import KernelEdges

from load.people_to_match import large_snapshot

_MEGABYTE = 1024 * 1024
_LOOK_EVERY = 0.005


class Peak:
    """The most memory of this process seen in a block, in megabytes above what it had before."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._before = self._most = self._process.memory_info().rss

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look every 5 ms; the kernels leave the interpreter's lock to this thread."""
        done = threading.Event()

        def look() -> None:
            while not done.wait(_LOOK_EVERY):
                self._most = max(self._most, self._process.memory_info().rss)

        watching = threading.Thread(target=look)
        watching.start()
        try:
            yield
        finally:
            done.set()
            watching.join()

    @property
    def megabytes(self) -> float:
        """What was added at the highest point."""
        return (self._most - self._before) / _MEGABYTE


def main() -> None:
    """Compile on a small cohort, then load and measure."""
    path, most, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    small = KernelEdges(encode(large_snapshot(64, 8), "warm"), threads=threads)
    small.best(most)
    small.exceeding(1, np.zeros(64, np.int64), np.zeros(64, np.int64), 1)
    small.survey()
    peak = Peak()
    with peak.watched():
        encoded = pickle.loads(path.read_bytes())
        began = time.perf_counter()
        source = KernelEdges(encoded, threads=threads)
        edges = source.best(most)
        scored = time.perf_counter() - began
    # Prices a little below half of everybody's best score, so that pairs good for both break them, as before a solver's last pass.
    mentor_prices = np.zeros(len(encoded.inner_mentors), np.int64)
    mentee_prices = np.zeros(len(encoded.inner_mentees), np.int64)
    for price, people in ((mentor_prices, edges.mentor), (mentee_prices, edges.mentee)):
        np.maximum.at(price, people, edges.score * 19 // 40)
    began = time.perf_counter()
    violated, _ = source.exceeding(1, mentor_prices, mentee_prices, 10)
    priced = time.perf_counter() - began
    began = time.perf_counter()
    survey = source.survey()
    surveyed = time.perf_counter() - began
    # The worst scores of a result in which about everybody has one of their ten best.
    worst = [np.zeros(len(prices), np.int64) for prices in (mentor_prices, mentee_prices)]
    for scores, people in zip(worst, (edges.mentor, edges.mentee), strict=True):
        np.maximum.at(scores, people, edges.score * 9 // 10)
    began = time.perf_counter()
    blocking = source.above(worst[0], worst[1])
    counted = time.perf_counter() - began
    first = edges.mentor < 8
    json.dump(
        {
            "seconds": scored,
            "megabytes": peak.megabytes,
            "edges": len(edges),
            "pricing_seconds": priced,
            "violated": len(violated),
            "survey_seconds": surveyed,
            "blocking_seconds": counted,
            "blocking": blocking,
            "allowed": survey.allowed,
            "best_of_first": [sorted(edges.score[edges.mentor == row].tolist())[-most:] for row in range(8)],
            "first_edges": int(first.sum()),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
