"""Compiled code is taken along from where it was compiled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_RANK = """
import json
import numpy
from matching.domain.ties import pair_rank
rank = int(pair_rank(numpy.uint64(3), numpy.uint64(5)))
print(json.dumps([rank, sum(pair_rank.stats.cache_hits.values())]))
"""


def _ranked(cache: Path, **environment: str) -> tuple[int, int]:
    """A rank, and how many loops were found compiled."""
    given = {name: value for name, value in os.environ.items() if name != "UPDRAFT_KERNELS"}
    done = subprocess.run(
        [sys.executable, "-c", _RANK],
        env={**given, "NUMBA_CACHE_DIR": str(cache), **environment},
        capture_output=True,
        timeout=120,
        check=True,
    )
    rank, hits = json.loads(done.stdout)
    return rank, hits


def test_what_an_image_keeps_compiled_is_not_compiled_again(tmp_path: Path) -> None:
    rank, hits = _ranked(tmp_path / "image")
    assert hits == 0
    assert _ranked(tmp_path / "container", UPDRAFT_KERNELS=str(tmp_path / "image" / "kernels")) == (rank, 1)
    assert _ranked(tmp_path / "container") == (rank, 1)


def test_code_of_other_sources_is_left_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "image" / "0123456789abcdef").mkdir(parents=True)
    _, hits = _ranked(tmp_path / "container", UPDRAFT_KERNELS=str(tmp_path / "image"))
    assert hits == 0
    (folder,) = (tmp_path / "container" / "kernels").iterdir()
    assert folder.name != "0123456789abcdef"
