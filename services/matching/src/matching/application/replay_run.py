"""The proof that a result can be had again: what the run was given is solved once more and compared byte for byte."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict

from matching.application.views import RunView
from matching.domain.canonical import canonical_json, sha256_hex


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found. `replayable` is false after somebody in the run was erased; then nothing was compared."""

    run_id: UUID
    replayable: bool
    identical: bool | None
    certificate_hash: str
    replayed_hash: str | None


async def replay_run(run: RunView, given: bytes | None, certify: Callable[[bytes], Awaitable[bytes]]) -> Replay:
    """Compare the certificate of a run with that of its input solved again; `certify` gives the bytes of that one.

    :raises Conflict: the run has no certificate to compare, or ended at its deadline, which no second solving shares.
    """
    if run.certificate is None or run.certificate_hash is None or run.outcome == "failed":
        raise Conflict("The run has no result that could be had again.")
    if run.outcome == "bounded":
        raise Conflict(
            "The run ended at its deadline; how far a solver comes in a given time differs from time to time.",
            remedy="Start a run without a deadline.",
        )
    if given is None:
        return Replay(run.run_id, False, None, run.certificate_hash, None)
    again = await certify(given)
    identical = again == canonical_json(run.certificate)
    return Replay(run.run_id, True, identical, run.certificate_hash, sha256_hex(again))
