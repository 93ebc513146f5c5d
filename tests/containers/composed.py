"""The project's own compose file, brought up under a name and on ports of its own, with secrets made for the occasion."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from updraft.clock import MovedClock
from updraft.command_secrets import make_secrets
from updraft.places import LOCAL_HOST, REPOSITORY, choose_port

FILES = ("docker-compose.yml", "deploy/compose/demonstration.yml")
_BUILD_SECONDS = 1800
_UP_SECONDS = 600
_HEALTHY_SECONDS = 180


def progress(text: str) -> None:
    """One live line."""
    sys.stdout.write(f"[{time.strftime('%H:%M:%S')}] {text}\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the project; `inspected` is what the engine says about it."""

    name: str
    service: str
    inspected: dict[str, Any]

    @property
    def state(self) -> dict[str, Any]:
        return self.inspected["State"]

    @property
    def is_well(self) -> bool:
        """Whether it runs and, where it says so of itself, is healthy."""
        health = self.state.get("Health")
        return self.state["Running"] and (health is None or health["Status"] == "healthy")


class Composed:
    """See the module. Everything lies in `folder`, which the engine must be able to mount."""

    def __init__(self, folder: Path) -> None:
        self.project = f"updraft-test-{os.getpid()}"
        self.secrets = folder / "secrets"
        self.clock = folder / "clock" / "clock.json"
        self._ports = {
            "UPDRAFT_PORT": choose_port("the gateway"),
            "UPDRAFT_POSTGRES_PORT": choose_port("PostgreSQL"),
            "UPDRAFT_KAFKA_PORT": choose_port("Kafka"),
        }
        make_secrets(self.secrets, development=True)
        MovedClock(self.clock).reset()

    @property
    def gateway(self) -> str:
        return f"http://{LOCAL_HOST}:{self._ports['UPDRAFT_PORT']}"

    @property
    def postgres(self) -> str:
        return f"{LOCAL_HOST}:{self._ports['UPDRAFT_POSTGRES_PORT']}"

    @property
    def kafka(self) -> str:
        return f"{LOCAL_HOST}:{self._ports['UPDRAFT_KAFKA_PORT']}"

    def secret(self, name: str) -> str:
        """The content of a secret file."""
        return (self.secrets / name).read_text().strip()

    def passwords(self) -> dict[str, str]:
        """The content of every password file by its name."""
        return {file.name: file.read_text().strip() for file in self.secrets.glob("*_password")}

    def compose(self, *arguments: str, seconds: float = 120, check: bool = True) -> str:
        """Run `docker compose` on the project; its standard output. AssertionError with what it said when it fails."""
        named = [word for file in FILES for word in ("-f", str(REPOSITORY / file))]
        environment = os.environ | {
            "UPDRAFT_SECRETS": str(self.secrets),
            "UPDRAFT_CLOCK": str(self.clock.parent),
            **{name: str(port) for name, port in self._ports.items()},
        }
        return _run(["docker", "compose", *named, "-p", self.project, *arguments], environment, seconds, check)

    def docker(self, *arguments: str, seconds: float = 60, check: bool = True) -> str:
        """Run `docker`; its standard output."""
        return _run(["docker", *arguments], dict(os.environ), seconds, check)

    def up(self) -> float:
        """Build the images, start everything and wait until it is healthy; the seconds that the start took.

        UPDRAFT_TEST_BUILD=no takes the images that are there.
        """
        if os.environ.get("UPDRAFT_TEST_BUILD") != "no":
            progress("building the images")
            self.compose("build", "--quiet", seconds=_BUILD_SECONDS)
        begun = time.monotonic()
        self.compose("up", "--wait", "--wait-timeout", str(_UP_SECONDS), "--no-build", seconds=_UP_SECONDS + 60)
        return time.monotonic() - begun

    def down(self) -> None:
        """Stop it and throw its data away."""
        self.compose("down", "-v", "--remove-orphans", "--timeout", "15", seconds=240, check=False)

    def containers(self) -> list[Container]:
        """Everything that keeps running, one-shot containers left out."""
        names = self.docker(
            "ps", "--filter", f"label=com.docker.compose.project={self.project}", "--format", "{{.Names}}"
        ).split()
        return [self.container(name) for name in sorted(names)]

    def container(self, name: str) -> Container:
        """What the engine says of a container."""
        inspected = json.loads(self.docker("inspect", name))[0]
        return Container(name, inspected["Config"]["Labels"]["com.docker.compose.service"], inspected)

    def kill_and_start(self, name: str, *, down_for: float = 1.0) -> float:
        """Kill -9 a container, start it again after a while; the seconds from the start until it is well."""
        self.docker("kill", name)
        time.sleep(down_for)
        begun = time.monotonic()
        # A kill by hand counts as a stop by hand: no restart policy fires.
        self.docker("start", name)
        self.wait_well([name])
        return time.monotonic() - begun

    def wait_well(self, names: list[str]) -> None:
        """Wait until these containers are well. AssertionError with the log of one that is not in time."""
        deadline = time.monotonic() + _HEALTHY_SECONDS
        for name in names:
            while not self.container(name).is_well:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{name} is not well:\n{self.docker('logs', '--tail', '30', name)}")
                time.sleep(0.3)


def _run(command: list[str], environment: dict[str, str], seconds: float, check: bool) -> str:
    done = subprocess.run(
        command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=seconds, check=False
    )
    if check and done.returncode != 0:
        raise AssertionError(
            f"{' '.join(command)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}"
        )
    return done.stdout


def engine_is_missing() -> str:
    """Why there is no container engine to use; empty when there is one."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    asked = subprocess.run(["docker", "compose", "version"], capture_output=True, text=True, timeout=30, check=False)
    if asked.returncode != 0:
        return "docker has no compose plugin"
    asked = subprocess.run(["docker", "info"], capture_output=True, text=True, timeout=30, check=False)
    return "" if asked.returncode == 0 else f"no engine answers: {asked.stderr.strip()[-200:]}"
