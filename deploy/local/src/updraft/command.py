"""The `updraft` command.

Exit codes: 0 done, 1 failed (the reason is printed), 2 wrong use, 3 no stack runs where one is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text
from typer.core import TyperGroup

from updraft import command_apply, command_dead_letters, command_demo, command_events, command_import, command_secrets
from updraft.errors import DeploymentError
from updraft.identity import ROLES, DevelopmentIdentity
from updraft.places import state_folder
from updraft.running import NotRunning
from updraft.stack import Report, Stack
from updraft.stack_state import read_state, remove_data
from updraft.supervisor import options_from_environment, start_detached, stop_running, supervise

NOT_RUNNING = 3

_console = Console()
_errors = Console(stderr=True)


class _Reporting(TyperGroup):
    """Errors of the deployment become one line on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except NotRunning as problem:
            fail(problem, NOT_RUNNING)
        except DeploymentError as problem:
            fail(problem)


app = typer.Typer(
    cls=_Reporting,
    help="Runs Updraft on this machine and looks into it.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
app.add_typer(command_events.app, name="events", help="The events on the topics.")
app.add_typer(command_dead_letters.app, name="dead-letters", help="Records that could not be applied.")
app.command("import")(command_import.import_people)
app.command()(command_demo.demo)
app.add_typer(command_apply.app, name="apply", help="Bring servers up to what this repository says.")
app.command("secrets")(command_secrets.make)


def fail(problem: object, code: int = 1) -> NoReturn:
    """Print what is wrong and end with `code`."""
    _errors.print("[bold red]error[/]", Text(str(problem)), soft_wrap=True)
    raise typer.Exit(code)


@contextmanager
def _shown_steps() -> Iterator[Report]:
    columns = (SpinnerColumn(finished_text="[green]✓[/]"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=_console) as progress:
        tasks: dict[str, Any] = {}

        def report(step: str, state: str) -> None:
            # The count within a step ("jars 3/46") is one line that changes, not a line each.
            name = step.rsplit(" ", 1)[0] if "/" in step else step
            if name not in tasks:
                tasks[name] = progress.add_task(step, total=1)
            progress.update(tasks[name], description=step)
            if state == "done":
                progress.update(tasks[name], completed=1)

        yield report


@app.command()
def up(
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay, and stop everything at Ctrl-C.")] = False,
) -> None:
    """Start everything and say where it is.

    Named in the environment: UPDRAFT_GATEWAY_PORT, UPDRAFT_POSTGRES_PORT, UPDRAFT_KAFKA_PORT; outside servers instead of embedded ones:
    UPDRAFT_POSTGRES (a superuser's address) and UPDRAFT_KAFKA (host:port); UPDRAFT_STATE (folder) and UPDRAFT_TRACE_RATIO (0 to 1).
    """
    state_dir = state_folder()
    found = read_state(state_dir)
    if found is not None:
        _console.print(
            f"It is already running: gateway {found['gateway']}, supervisor process {found['pid']}.", highlight=False
        )
        return
    options = options_from_environment()
    if foreground:
        with _shown_steps() as report:
            supervise(Stack(state_dir, report=report, **options), ready=lambda stack: _say_where(stack.state_dir))
        return
    with _shown_steps() as report:
        start_detached(state_dir, report, options)
    _say_where(state_dir)


def _say_where(state_dir: Path) -> None:
    found = read_state(state_dir)
    if found is None:
        fail("the stack has ended again; see " + str(state_dir / "logs"))
    gateway = found["gateway"]
    _console.print(f"\n[bold]Gateway[/]  {gateway}", highlight=False)
    _console.print(f"[bold]API documentation[/]  {gateway}/docs", highlight=False)
    identity = DevelopmentIdentity(state_dir / "identity")
    _console.print("\n[bold]Sample token[/] of a platform administrator, for an hour:", highlight=False)
    # Not through rich: a token has to stay one line to be copied.
    print(identity.token(roles=["platform_admin"]))
    _console.print(
        "Others: [cyan]updraft token --role program_manager --unit UUID[/], "
        "[cyan]updraft token --role participant --person UUID --unit UUID[/]\n"
        "Then:   [cyan]updraft status[/], [cyan]updraft events tail[/], [cyan]updraft down[/]",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def down() -> None:
    """Stop everything; the data stays."""
    with _console.status("stopping"):
        stopped = stop_running(state_folder())
    _console.print("Stopped; the data stays." if stopped else "Nothing was running.")


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop everything and throw the data away: databases, topics, keys, passwords, logs."""
    state_dir = state_folder()
    if not yes:
        typer.confirm(f"Throw away all data below {state_dir}?", abort=True)
    with _console.status("stopping and removing"):
        stop_running(state_dir)
        remove_data(state_dir)
    _console.print("The data is gone.")


@app.command()
def status(
    json_output: Annotated[bool, typer.Option("--json", help="A JSON document instead of tables.")] = False,
) -> None:
    """What runs, restarts, outbox depth, watermark age, consumer lag. Exit code 1 when a role is not ready, 3 when nothing runs."""
    from updraft.status import collect, show  # noqa: PLC0415

    found = read_state(state_folder())
    if found is None:
        raise NotRunning
    collected = collect(found)
    if json_output:
        _console.print_json(data=collected.as_document())
    else:
        _console.print(show(collected))
    if not collected.is_well:
        raise typer.Exit(1)


@app.command()
def token(
    role: Annotated[list[str], typer.Option("--role", help=f"Repeatable: {', '.join(ROLES)}.")],
    person: Annotated[UUID | None, typer.Option("--person", help="Id of the person.")] = None,
    unit: Annotated[UUID | None, typer.Option("--unit", help="Id of the business unit.")] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Opaque subject; the person's id if left out.")
    ] = None,
    lifetime: Annotated[float, typer.Option("--lifetime", help="Seconds.", min=1)] = 3600.0,
    secrets: Annotated[
        Path | None,
        typer.Option(
            help="Sign for containers, with the key that `updraft secrets --development` made in this folder."
        ),
    ] = None,
) -> None:
    """Print a development token. Production takes tokens of any OIDC issuer instead."""
    if secrets is not None and not (secrets / "identity" / "key.pem").exists():
        fail(f"there is no key in {secrets}; make one with: updraft secrets --development {secrets}")
    identity = DevelopmentIdentity((secrets or state_folder()) / "identity").ensure()
    try:
        print(identity.token(roles=role, person_id=person, business_unit_id=unit, subject=subject, lifetime=lifetime))
    except ValueError as problem:
        fail(problem, 2)


@app.command("sample-org")
def sample_org(
    file: Annotated[Path, typer.Argument(help="The HR file to write (CSV).")],
    people: Annotated[int, typer.Option("--people", min=1, help="How many people.")] = 2000,
    units: Annotated[int, typer.Option("--units", min=1, help="How many business units.")] = 4,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds give equal files.")] = 1,
) -> None:
    """Write the HR file of a made-up multinational."""
    from updraft.sample_org import generate  # noqa: PLC0415

    try:
        organisation = generate(people, seed, units)
        count = organisation.write_csv(file)
        ladders = file.with_suffix(".units.json")
        ladders.write_text(
            json.dumps(
                [
                    {
                        "code": unit.code,
                        "display_name": unit.display_name,
                        "default_time_zone": unit.default_time_zone,
                        "grade_ladder": [{"grade": rung.grade, "rank": rung.rank} for rung in unit.grade_ladder],
                    }
                    for unit in organisation.units
                ],
                indent=1,
            )
        )
    except (ValueError, OSError) as problem:
        fail(problem)
    _console.print(f"{count} people in {units} business units: {file}; their grades: {ladders}", highlight=False)
    _console.print(f"To import them: [cyan]updraft import {file} --units {ladders}[/]", highlight=False)
