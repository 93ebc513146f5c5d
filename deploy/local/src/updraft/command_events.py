"""`updraft events`: what is on the topics."""

from __future__ import annotations

import asyncio
import difflib
import json
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from aiokafka.errors import KafkaError
from contracts.catalog import EVENTS, SERVICES, TOPICS
from contracts.envelope import Envelope
from rich.console import Console
from rich.text import Text

from updraft.errors import DeploymentError
from updraft.event_stream import Source, Span, Unreadable, Wanted, as_document, name_of, read_events, units_by_code
from updraft.running import kafka_address, kafka_security

app = typer.Typer(no_args_is_help=True)
_console = Console()

_COLOURS = dict(zip(SERVICES, ("cyan", "magenta", "green", "yellow"), strict=True))
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_NAMES = sorted({model.__name__ for model in EVENTS})
# What stands in every line already, or says nothing to people.
_NOT_SHOWN = frozenset({"business_unit_id", "named_unit_ids", "change_set_id", "change_set_size", "change_set_index"})


@app.callback()
def _group() -> None:
    """Keep `tail` a command of its own even while it is the only one."""


@app.command()
def tail(
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Name of an event, such as MeetingLogged; repeatable.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", help="Only what this business unit may see: its id or its code.")
    ] = None,
    key: Annotated[
        str, typer.Option("--key", help="Only events about this aggregate: its id, or the end of it as shown.")
    ] = "",
    service: Annotated[
        list[str] | None, typer.Option("--service", help=f"Whose events: {', '.join(SERVICES)}; repeatable.")
    ] = None,
    topic: Annotated[
        list[str] | None, typer.Option("--topic", help="A topic, such as engagement.meetings; repeatable.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Only public topics, which are all that a data team may read.")
    ] = False,
    from_start: Annotated[bool, typer.Option("--from-start", help="All there are, then new ones.")] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", help="What was published within this time, then new ones: 90s, 10m, 2h, 3d."),
    ] = None,
    follow: Annotated[bool, typer.Option(help="Wait for new events; without, end at the end.")] = True,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """Show events as they come, decoded, a line each: time, name, end of the key, version of the aggregate, data.

    A record that is no event is shown as such, unless events are chosen by type, unit or key. Ctrl-C ends it. The broker
    is the running stack's, or the one that UPDRAFT_KAFKA names, with credentials as the services take them (UPDRAFT_KAFKA_*).
    """
    if from_start and since is not None:
        raise typer.BadParameter("choose --from-start or --since")
    span = Span(from_start, _moment(since) if since is not None else None, follow)
    types = tuple(_type_named(name) for name in type_ or ())
    topics = _topics(service or (), topic or (), public=public)
    source = Source(kafka_address(), kafka_security(), topics)

    async def show_all() -> None:
        chosen = None if unit is None else await _unit(source, unit)
        async for event in read_events(source, Wanted(types, chosen, key), span):
            _show(event, json_output=json_output)

    try:
        asyncio.run(show_all())
    except KeyboardInterrupt:
        return
    except (KafkaError, OSError) as problem:
        raise DeploymentError(f"cannot read from Kafka at {source.kafka}: {problem}") from problem


def _moment(text: str) -> datetime:
    """The time so long ago."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise typer.BadParameter(f"--since takes a time such as 90s, 10m, 2h or 3d, not {text!r}")
    return datetime.now(UTC) - timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _type_named(name: str) -> str:
    """The event's name as given, if there is such an event."""
    words = name.removeprefix("updraft.").split(".")
    short = words[1] if len(words) > 1 else name
    if short in _NAMES:
        return name
    by_lower = {known.lower(): known for known in _NAMES}
    near = difflib.get_close_matches(short.lower(), by_lower, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(by_lower[found] for found in near)}?" if near else ""
    raise typer.BadParameter(f"there is no event {name}{hint}")


def _topics(services: list[str] | tuple[()], names: list[str] | tuple[()], *, public: bool) -> tuple[str, ...]:
    """The names of the topics to read. BadParameter for a service or a topic that there is not, or when nothing is left."""
    for service in services:
        if service not in SERVICES:
            raise typer.BadParameter(f"there is no service {service}; there are {', '.join(SERVICES)}")
    full = {name if name.startswith("updraft.") else f"updraft.{name}" for name in names}
    for name in sorted(full - set(TOPICS)):
        raise typer.BadParameter(f"there is no topic {name}; there are {', '.join(sorted(TOPICS))}")
    chosen = tuple(
        topic.name
        for topic in TOPICS.values()
        if (not services or topic.owner in services)
        and (not full or topic.name in full)
        and (not public or topic.audience == "public")
    )
    if not chosen:
        raise typer.BadParameter("no topic is all of that")
    return chosen


async def _unit(source: Source, text: str) -> UUID:
    """The business unit of this id or code."""
    try:
        return UUID(text)
    except ValueError:
        known = await units_by_code(source)
    if text not in known:
        raise DeploymentError(f"no business unit has the code {text}; there are: {', '.join(sorted(known)) or 'none'}")
    return known[text]


def _show(event: Envelope[Any] | Unreadable, *, json_output: bool) -> None:
    if json_output:
        document = {"unreadable": asdict(event)} if isinstance(event, Unreadable) else as_document(event)
        _console.out(json.dumps(document), highlight=False)
    else:
        _console.print(_line(event), soft_wrap=True)


def _line(event: Envelope[Any] | Unreadable) -> Text:
    if isinstance(event, Unreadable):
        return Text(f"{event.topic}/{event.partition}/{event.offset} is no event: {event.reason}", "red")
    document = as_document(event)
    colour = _COLOURS.get(event.source.rsplit("/", 1)[-1], "white")
    line = Text.assemble(
        (event.time.astimezone().strftime("%Y-%m-%d %H:%M:%S"), "dim"),
        (f" {name_of(event):<24}", f"bold {colour}"),
        (f" …{str(event.subject)[-8:]}", colour),
        (f" #{event.sequence:<3}", "dim"),
    )
    for name, value in document["data"].items():
        if name not in _NOT_SHOWN and value not in (document["subject"], []):
            line.append(f" {name.removesuffix('_id')}=", "dim")
            line.append(_brief(value))
    return line


def _brief(value: Any) -> str:
    """A value of the payload in a word: of an id its end, of many things their number."""
    if isinstance(value, list):
        return f"[{len(value)}]"
    if isinstance(value, dict):
        return "{" + str(len(value)) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
        return f"…{text[-8:]}"
    return text if len(text) <= 32 else f"{text[:12]}…"
