"""The fault tests stand on the rig of the wire tests: its broker, its identity, its stage."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_WIRE = _HERE.parent / "wire"
# The tests' own modules are run as processes too and are found by their plain names.
sys.path[:0] = [str(_HERE), str(_WIRE)]

_spec = importlib.util.spec_from_file_location("wire_fixtures", _WIRE / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_wire = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_wire)

broker, identity, stage = _wire.broker, _wire.identity, _wire.stage
