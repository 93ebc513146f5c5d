"""The one error that the local deployment shows to people: what is wrong and what to do about it."""

from __future__ import annotations


class DeploymentError(Exception):
    """Something outside the program prevents it from working; the text says what and, where known, the remedy."""


class PortTaken(DeploymentError):
    """A port that was named explicitly is in use by somebody else."""

    def __init__(self, purpose: str, port: int) -> None:
        super().__init__(f"port {port}, named for {purpose}, is taken; free it or name another one")
        self.purpose = purpose
        self.port = port
