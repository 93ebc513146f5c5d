"""Ends what a process started when that process dies without a chance to clean up (kill -9), on Linux and macOS alike.

Runs as a process of its own. Standard input is a pipe whose only writer is the guarded process; it sends lines
`+ <process group> <signal number>` and `- <process group>`. End of file means the writer is gone: every group still noted gets its
signal, and SIGKILL after a few seconds. Standard library only, run with `-I -S`, so that it starts in a few milliseconds.
"""

from __future__ import annotations

import os
import signal
import sys
import time

GRACE_SECONDS = 8.0


def alive(group: int) -> bool:
    """Whether the process group has a member that is not a zombie of somebody else's."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(groups: dict[int, int]) -> None:
    """Signal all groups, then kill those that stay longer than `GRACE_SECONDS`."""
    for group, number in groups.items():
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            continue
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(alive(group) for group in groups):
        time.sleep(0.05)
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def main() -> None:
    """Keep the list of groups until end of file, then end them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, int] = {}
    for line in sys.stdin:
        words = line.split()
        if words[0] == "+":
            groups[int(words[1])] = int(words[2])
        else:
            groups.pop(int(words[1]), None)
    end(groups)


if __name__ == "__main__":
    main()
