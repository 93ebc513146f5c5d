"""`updraft events`: what is on the topics."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any
from uuid import UUID

import typer
from aiokafka.errors import KafkaError
from contracts.envelope import Envelope
from rich.console import Console
from rich.markup import escape

from updraft.errors import DeploymentError
from updraft.event_stream import Unreadable, Wanted, as_document, read_events
from updraft.running import kafka_address

app = typer.Typer(no_args_is_help=True)
_console = Console()


@app.callback()
def _group() -> None:
    """Keep `tail` a command of its own even while it is the only one."""


@app.command()
def tail(
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Name of an event, such as MeetingLogged; repeatable.")
    ] = None,
    unit: Annotated[UUID | None, typer.Option("--unit", help="Only events about this business unit.")] = None,
    key: Annotated[UUID | None, typer.Option("--key", help="Only events about this aggregate.")] = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="All there are, then new ones.")] = False,
    follow: Annotated[bool, typer.Option(help="Wait for new events; without, end at the end.")] = True,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """Show events as they come, decoded."""
    wanted = Wanted(tuple(type_ or ()), unit, key)
    kafka = kafka_address()

    async def show_all() -> None:
        async for event in read_events(kafka, wanted, from_beginning=from_beginning, follow=follow):
            _show(event, json_output=json_output)

    try:
        asyncio.run(show_all())
    except KeyboardInterrupt:
        return
    except (KafkaError, OSError) as problem:
        raise DeploymentError(f"cannot read from Kafka at {kafka}: {problem}") from problem


def _show(event: Envelope[Any] | Unreadable, *, json_output: bool) -> None:
    if isinstance(event, Unreadable):
        text = f"{event.topic}/{event.partition}/{event.offset} is no event: {event.reason}"
        _console.print(json.dumps({"unreadable": text}) if json_output else f"[red]{escape(text)}[/]", soft_wrap=True)
        return
    document = as_document(event)
    if json_output:
        print(json.dumps(document), flush=True)
        return
    name = event.type.rsplit(".", 2)[1]
    time = event.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    _console.print(
        f"[dim]{time}[/] [bold]{name}[/] {event.subject} [dim]#{event.sequence}[/] {escape(json.dumps(document['data']))}",
        highlight=False,
        soft_wrap=True,
    )
