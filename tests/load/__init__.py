"""Figures against named peers: `make bench`. One module a subject, the harness in `rows.py`, the servers in `servers.py`."""

import sys
from pathlib import Path

# What the wire tests know of the broker is found by its plain name.
sys.path.append(str(Path(__file__).resolve().parents[1] / "wire"))
