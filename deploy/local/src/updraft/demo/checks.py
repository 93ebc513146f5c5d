"""The invariants on databases and topics (I1 to I5), checked on a whole deployment: its evidence read, its projections replayed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

from updraft.demo import invariants
from updraft.demo.deployment import Evidence
from updraft.demo.invariants import Finding, Sent
from updraft.errors import DeploymentError
from updraft.provision import create_database, drop_database

_PATIENCE_SECONDS = 120.0
_ENDING_SECONDS = 30.0


async def examine(
    evidence: Evidence, services: Sequence[str], *, seconds: float = 60.0
) -> tuple[list[Finding], list[Sent]]:
    """I1 to I5 of a deployment that nobody writes to, and every event on its topics.

    First waits up to `seconds` until all is sent and read; TimeoutError when that does not come to pass.
    """
    databases = {service: evidence.database(service) for service in services}
    await invariants.settled(databases, evidence.kafka, seconds=seconds, security=evidence.security)
    sent = await invariants.on_topics(evidence.kafka, security=evidence.security)
    outboxes = {service: await invariants.committed(dsn) for service, dsn in databases.items()}
    findings = invariants.compare(outboxes, sent)
    findings.append(await invariants.taken_once(databases, sent))
    live = {service: await invariants.fingerprint(dsn) for service, dsn in databases.items()}
    findings.append(invariants.same_projections(live, await _replayed(evidence, live)))
    return findings, sent


async def _replayed(evidence: Evidence, live: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """The hashes of every service's projections after a replay; waits two minutes for them to become those in `live`."""
    return dict(
        await asyncio.gather(
            *[asyncio.create_task(_replay(evidence, service, wanted)) for service, wanted in live.items()]
        )
    )


async def _replay(evidence: Evidence, service: str, wanted: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    name = f"{service}_replay"
    await asyncio.to_thread(drop_database, evidence.postgres, name)
    await asyncio.to_thread(create_database, evidence.postgres, service, name, evidence.secrets)
    environment = dict(evidence.environment(service)) | {
        "UPDRAFT_CONSUMER_GROUP": f"updraft.{service}.replay.{os.getpid()}.{time.time_ns()}",
        "UPDRAFT_HTTP_PORT": "0",
    }
    environment["UPDRAFT_DATABASE"] = environment["UPDRAFT_DATABASE"].rsplit("/", 1)[0] + f"/{name}"
    await asyncio.to_thread(_migrate, service, environment)
    found: dict[str, str] = {}
    with tempfile.TemporaryFile() as said:
        reader = await asyncio.create_subprocess_exec(
            sys.executable, "-m", service, "consumer", env=environment, stdout=said, stderr=said
        )
        try:
            give_up = time.monotonic() + _PATIENCE_SECONDS
            while found != wanted and time.monotonic() < give_up:
                await asyncio.sleep(0.3)
                found = await invariants.fingerprint(evidence.database(name))
                if reader.returncode is not None:
                    said.seek(0)
                    raise DeploymentError(f"{service}'s replay ended by itself:\n{said.read().decode()[-2000:]}")
        finally:
            ended = await end_reader(reader, seconds=_ENDING_SECONDS)
            await asyncio.to_thread(drop_database, evidence.postgres, name)
        if not ended:
            said.seek(0)
            raise DeploymentError(
                f"{service}'s replay was told to end, did not within {_ENDING_SECONDS:.0f} s, and was killed:\n"
                f"{said.read().decode()[-2000:]}"
            )
    return service, found


async def end_reader(reader: asyncio.subprocess.Process, *, seconds: float) -> bool:
    """Tell a process to end, and kill it where it has not within `seconds`; whether it ended without that."""
    with contextlib.suppress(ProcessLookupError):
        reader.terminate()
    try:
        await asyncio.wait_for(reader.wait(), seconds)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            reader.kill()
        await reader.wait()
        return False
    return True


def _migrate(service: str, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", service, "migrate"], env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise DeploymentError(f"the migrations of {service}'s replay failed:\n{(done.stdout + done.stderr)[-2000:]}")
