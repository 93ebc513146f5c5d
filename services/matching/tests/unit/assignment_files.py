"""Assignment problems in the format of the OR-Library (Beasley 1990): the number of rows, then all costs row by row, as
integers over any number of lines.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


def read(path: Path) -> np.ndarray:
    """The square matrix of costs (int64). ValueError where the file does not hold as many numbers as it says."""
    numbers = np.array(path.read_text().split(), dtype=np.int64)
    if not len(numbers) or len(numbers) != 1 + numbers[0] ** 2:
        raise ValueError(f"{path.name} does not hold a square matrix")
    return numbers[1:].reshape(numbers[0], numbers[0])


def write(path: Path, costs: np.ndarray) -> None:
    """The costs as a file of that format, ten numbers a line."""
    lines = [f" {len(costs)}"]
    for row in costs.tolist():
        lines += [" " + " ".join(map(str, row[start : start + 10])) for start in range(0, len(row), 10)]
    path.write_text("\n".join(lines) + "\n")
