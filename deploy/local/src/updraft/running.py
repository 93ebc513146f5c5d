"""Where the command finds what it looks into: the stack of this machine, or the servers that the environment names."""

from __future__ import annotations

import os
from typing import Any

from updraft.errors import DeploymentError
from updraft.places import state_folder
from updraft.stack_state import read_state


class NotRunning(DeploymentError):
    """No stack runs, and nothing else was named."""

    def __init__(self) -> None:
        super().__init__("no stack is running; start one with: updraft up")


def running_stack() -> dict[str, Any]:
    """What the running stack says about itself. Raises `NotRunning`."""
    found = read_state(state_folder())
    if found is None or not found.get("kafka"):
        raise NotRunning
    return found


def kafka_address() -> str:
    """`UPDRAFT_KAFKA`, or the running stack's broker. Raises `NotRunning`."""
    return os.environ.get("UPDRAFT_KAFKA") or str(running_stack()["kafka"])


def gateway_address() -> str:
    """`UPDRAFT_GATEWAY`, or the running stack's gateway. Raises `NotRunning`."""
    return os.environ.get("UPDRAFT_GATEWAY") or str(running_stack()["gateway"])
