"""`updraft dead-letters`: records that could not be applied, and a second chance for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from aiokafka.errors import KafkaError
from chassis import dead_letters
from chassis.dead_letters import DeadLetter
from rich.console import Console
from rich.table import Table

from updraft.errors import DeploymentError
from updraft.running import kafka_address, kafka_security

app = typer.Typer(no_args_is_help=True)
_console = Console()
_T = TypeVar("_T")


@app.command("list")
def list_all(
    json_output: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """List what has been set aside and not replayed."""
    letters = _from_broker(dead_letters.list_dead_letters(kafka_address(), security=kafka_security()))
    if json_output:
        for letter in letters:
            print(_as_json(letter))
        return
    if not letters:
        _console.print("There are no dead letters.")
        return
    table = Table()
    for heading in ("key", "consumer", "reason", "detail", "type", "died at"):
        table.add_column(heading, overflow="fold")
    for letter in letters:
        table.add_row(
            letter.key, letter.consumer, letter.reason, letter.detail, letter.event_type or "-", letter.died_at
        )
    _console.print(table)


@app.command()
def show(key: Annotated[str, typer.Argument(help="topic/partition/offset of the record.")]) -> None:
    """Show the dead letters of one record, headers and payload included."""
    letters = _from_broker(dead_letters.show(kafka_address(), key, security=kafka_security()))
    if not letters:
        raise DeploymentError(f"there is no dead letter {key}")
    for letter in letters:
        _console.print_json(_as_json(letter))


@app.command()
def replay(
    keys: Annotated[list[str] | None, typer.Argument(help="topic/partition/offset; repeatable.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    consumer: Annotated[str | None, typer.Option("--consumer", help="Only what this service set aside.")] = None,
) -> None:
    """Hand dead letters back to the consumers that set them aside; each is applied once where it still matters."""
    if bool(keys) == every:
        raise typer.BadParameter("name keys, or --all")
    sent = _from_broker(
        dead_letters.replay(kafka_address(), keys or None, consumer=consumer, security=kafka_security())
    )
    missing = sorted(set(keys or ()) - {letter.key for letter in sent})
    for letter in sent:
        _console.print(f"{letter.key} handed back to {letter.consumer}", highlight=False)
    if missing:
        raise DeploymentError(f"no such dead letter: {', '.join(missing)}")
    if not sent:
        _console.print("There are no dead letters.")


def _from_broker(work: Coroutine[Any, Any, _T]) -> _T:
    try:
        return asyncio.run(work)
    except (KafkaError, OSError) as problem:
        raise DeploymentError(f"cannot reach Kafka: {problem}") from problem


def _as_json(letter: DeadLetter) -> str:
    """The letter with its record readable where it is text."""
    record = letter.record
    document = msgspec.to_builtins(letter) | {
        "key": letter.key,
        "record_key": _text(record.key),
        "record_value": _text(record.value),
        "record_headers": {name: _text(value) for name, value in record.headers},
    }
    return json.dumps(document)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "backslashreplace")
