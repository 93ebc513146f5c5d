"""Named places where a test may end the process as `kill -9` would; without the environment variable they do nothing."""

from __future__ import annotations

import os
import signal
from collections import Counter

BEFORE_COMMIT = "before-commit"
AFTER_COMMIT = "after-commit"
AFTER_SEND = "after-send-before-cursor"
CONSUMER_BEFORE_COMMIT = "consumer-before-commit"
CONSUMER_AFTER_COMMIT = "consumer-after-commit"
CONSUMER_AFTER_DEAD_LETTERS = "consumer-after-dead-letters"

_chosen, _, _count = os.environ.get("UPDRAFT_CRASH_POINT", "").partition(":")
_passes: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """End the process at once when `UPDRAFT_CRASH_POINT` is `name` or `name:n` and this is the n-th pass (from 1)."""
    if name != _chosen:
        return
    _passes[name] += 1
    if _passes[name] >= int(_count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
