"""`updraft demo`: the year of one cohort, on a stack of its own or on a deployment that runs elsewhere."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from updraft.errors import DeploymentError
from updraft.places import state_folder

if TYPE_CHECKING:
    from updraft.demo import Options

_console = Console()
# Elsewhere, every step waits for the rules about time by patience: fewer steps.
_STEP_DAYS_ELSEWHERE = 14


def demo(
    people: Annotated[
        Path | None,
        typer.Option("--people", exists=True, help="A folder with senior.csv and junior.csv of an organogram."),
    ] = None,
    size: Annotated[int, typer.Option("--size", min=200, help="People of the made-up multinational.")] = 1500,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds play the same year.")] = 7,
    gateway: Annotated[
        str | None, typer.Option("--gateway", help="Address of a running deployment to play on, instead of a stack.")
    ] = None,
    secrets: Annotated[
        Path | None,
        typer.Option("--secrets", exists=True, file_okay=False, help="With --gateway: the deployment's secrets."),
    ] = None,
    clock: Annotated[
        Path | None, typer.Option("--clock", help="With --gateway: the file that moves the deployment's rules' clock.")
    ] = None,
    kafka: Annotated[
        str | None, typer.Option("--kafka", help="With --gateway: host:port of its broker, to check I1 to I5.")
    ] = None,
    postgres: Annotated[
        str | None, typer.Option("--postgres", help="With --gateway: host:port of its PostgreSQL, to check I1 to I5.")
    ] = None,
) -> None:
    """Play a whole year of one cohort, check what must hold, write the report. Exit code 1 when it does not.

    Without --gateway on a stack of its own, which is started and stopped. With --gateway on a deployment that knows the development
    issuer and reads the rules' clock from a file: see deploy/compose/demonstration.yml.
    """
    # Imported here: it brings the plotting packages, which no other command needs.
    from updraft.demo import Options, run  # noqa: PLC0415

    def ended(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    # Like Ctrl-C: the stack is stopped on the way out.
    signal.signal(signal.SIGTERM, ended)
    if gateway is not None:
        options = Options(people=people, size=size, seed=seed, step_days=_STEP_DAYS_ELSEWHERE)
        raise typer.Exit(_elsewhere(gateway, secrets, clock, kafka, postgres, options))
    if (secrets, clock, kafka, postgres) != (None, None, None, None):
        raise typer.BadParameter("--secrets, --clock, --kafka and --postgres belong to a deployment named by --gateway")
    raise typer.Exit(run(state_folder() / "demo", Options(people=people, size=size, seed=seed), _console))


def _elsewhere(
    gateway: str, secrets: Path | None, clock: Path | None, kafka: str | None, postgres: str | None, options: Options
) -> int:
    from updraft.demo import UNCHECKED, RemoteDeployment, run_on  # noqa: PLC0415
    from updraft.demo.caller import Refused  # noqa: PLC0415

    if secrets is None:
        raise typer.BadParameter("name the deployment's secrets with --secrets: the demonstration signs its own tokens")
    if clock is None:
        raise typer.BadParameter("name the clock's file with --clock: a year cannot be played where time does not move")
    deployment = RemoteDeployment(gateway, secrets, clock=clock, kafka=kafka, postgres=postgres)
    asyncio.run(deployment.reach())
    if deployment.evidence is None:
        _console.print(f"[yellow]Will not be checked:[/yellow] {UNCHECKED}")
    try:
        return run_on(deployment, state_folder() / "demo", options, _console)
    except Refused as problem:
        raise DeploymentError(f"the platform refused what the year needs: {problem}") from problem
