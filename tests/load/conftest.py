"""The bench is a package that is run as `python -m load`; its tests import it the same way."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
