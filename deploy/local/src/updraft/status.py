"""What runs and how far behind it is, read from the running stack's note and its processes' metrics."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from updraft.gateway import answers
from updraft.places import LOCAL_HOST

_ALARM = "alarm "


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """One process: `ready` is its own answer; a database or broker counts as ready while it runs."""

    name: str
    state: str
    pid: int | None
    port: int | None
    restarts: int
    ready: bool


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far a service's worker is behind. Ages in seconds; a value is None when the worker did not answer."""

    service: str
    outbox_depth: float | None = None
    oldest_age: float | None = None
    watermark_age: float | None = None
    leads: bool | None = None
    lag: float | None = None
    parked: float | None = None
    dead_letters: float | None = None
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The whole stack at one moment."""

    gateway: str
    kafka: str
    postgres: str
    pid: int
    roles: list[RoleStatus] = field(default_factory=list)
    backlogs: list[Backlog] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether every role runs and is ready."""
        return bool(self.roles) and all(role.ready for role in self.roles)

    def as_document(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def collect(noted: Mapping[str, Any]) -> Status:
    """Ask every process of the stack that `read_state` found."""
    status = Status(noted["gateway"], noted.get("kafka", ""), noted.get("postgres", ""), noted["pid"])
    for role in noted["roles"]:
        running = role["state"] == "running"
        if role["port"] is not None:
            ready = running and answers(f"http://{LOCAL_HOST}:{role['port']}/health/ready")
        elif role["name"] == "gateway":
            ready = running and answers(f"{noted['gateway_admin']}/ready")
        else:
            ready = running
        status.roles.append(RoleStatus(role["name"], role["state"], role["pid"], role["port"], role["restarts"], ready))
    for service in noted.get("services", ()):
        port = next((role["port"] for role in noted["roles"] if role["name"] == f"{service}-worker"), None)
        status.backlogs.append(_backlog(service, _metrics(port)))
    return status


def _metrics(port: int | None) -> dict[str, float]:
    """Sums of all samples by metric name, an alarm's by its own name; empty when the process does not answer."""
    try:
        with urllib.request.urlopen(f"http://{LOCAL_HOST}:{port}/metrics", timeout=2) as response:
            text = response.read().decode()
    except (OSError, urllib.error.URLError, ValueError):
        return {}
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = _ALARM + sample.labels["alarm"] if sample.name == "updraft_alarm" else sample.name
            sums[name] = sums.get(name, 0.0) + sample.value
    return sums


def _backlog(service: str, sums: Mapping[str, float]) -> Backlog:
    if not sums:
        return Backlog(service)
    return Backlog(
        service,
        outbox_depth=sums.get("updraft_outbox_depth"),
        oldest_age=sums.get("updraft_outbox_oldest_age_seconds"),
        watermark_age=sums.get("updraft_relay_watermark_age_seconds"),
        leads=bool(sums["updraft_relay_leader"]) if "updraft_relay_leader" in sums else None,
        # A counter or gauge with labels has no sample before its first use: nothing has happened yet.
        lag=sums.get("updraft_consumer_lag", 0.0),
        parked=sums.get("updraft_parked_events"),
        dead_letters=sums.get("updraft_dead_letters_total", 0.0),
        alarms=tuple(sorted(name.removeprefix(_ALARM) for name, on in sums.items() if name.startswith(_ALARM) and on)),
    )


def show(status: Status) -> RenderableType:
    """Tables for people."""
    roles = Table(title=f"Updraft at {status.gateway}", title_justify="left")
    for heading in ("role", "state", "ready", "process", "port", "restarts"):
        roles.add_column(heading, justify="right" if heading in ("process", "port", "restarts") else "left")
    for role in status.roles:
        ready = Text("yes", style="green") if role.ready else Text("no", style="red")
        numbers = (_number(value) for value in (role.pid, role.port, role.restarts))
        roles.add_row(role.name, role.state, ready, *numbers)
    backlogs = Table(title="Backlogs", title_justify="left")
    backlogs.add_column("service")
    for heading in ("outbox", "oldest, s", "watermark age, s", "leads", "consumer lag", "parked", "dead letters"):
        backlogs.add_column(heading, justify="right")
    backlogs.add_column("alarms")
    for row in status.backlogs:
        leads = "-" if row.leads is None else ("yes" if row.leads else "no")
        ages = (_number(value, 1) for value in (row.oldest_age, row.watermark_age))
        counts = (_number(value) for value in (row.lag, row.parked, row.dead_letters))
        alarms = Text(", ".join(row.alarms), style="bold red")
        backlogs.add_row(row.service, _number(row.outbox_depth), *ages, leads, *counts, alarms)
    servers = Text(
        f"Kafka {status.kafka}   PostgreSQL {status.postgres}   supervisor process {status.pid}", style="dim"
    )
    return Group(roles, backlogs, servers)


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
