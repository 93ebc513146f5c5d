"""Where the command finds what it looks into: the stack of this machine, or the servers that the environment names."""

from __future__ import annotations

import os
from typing import Any

from chassis.settings import ServiceSettings

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


def kafka_security() -> dict[str, Any]:
    """Who reads from the broker that `UPDRAFT_KAFKA` names, as keyword arguments of aiokafka's clients; nobody at the stack's own.

    Named as for the services: `UPDRAFT_KAFKA_PROTOCOL`, `_SASL_MECHANISM`, `_USERNAME`, `_PASSWORD_FILE`, `_CA`.
    Raises `DeploymentError` when they do not fit together.
    """
    if not os.environ.get("UPDRAFT_KAFKA"):
        return {}
    try:
        return ServiceSettings().kafka_security()
    except (ValueError, OSError) as problem:
        raise DeploymentError(f"the credentials for Kafka cannot be used: {problem}") from problem


def gateway_address() -> str:
    """`UPDRAFT_GATEWAY`, or the running stack's gateway. Raises `NotRunning`."""
    return os.environ.get("UPDRAFT_GATEWAY") or str(running_stack()["gateway"])
