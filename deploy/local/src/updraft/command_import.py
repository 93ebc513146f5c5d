"""`updraft import`: sends an HR file through the gateway, follows its progress and shows the report about its rows."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from updraft.errors import DeploymentError
from updraft.identity import DevelopmentIdentity
from updraft.places import state_folder
from updraft.running import gateway_address

_console = Console()
_FINISHED = ("applied", "failed")
_SHOWN_ROWS = 50


def import_people(
    file: Annotated[
        Path, typer.Argument(exists=True, help="An HR file, or a folder with senior and junior organogram files.")
    ],
    unit: Annotated[
        str | None, typer.Option("--unit", help="Code or id of the unit that owns it; else the first one.")
    ] = None,
    units: Annotated[
        Path | None, typer.Option("--units", exists=True, help="Units to register first, as sample-org writes them.")
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="updraft_csv or uk_organogram.")] = "updraft_csv",
    junior: Annotated[
        Path | None, typer.Option("--junior", exists=True, help="uk_organogram: the junior file.")
    ] = None,
    token: Annotated[
        str | None, typer.Option("--token", envvar="UPDRAFT_TOKEN", help="Else a platform administrator's.")
    ] = None,
) -> None:
    """Import people from an HR file and show what was found, row by row. Exit code 1 when the import failed."""
    gateway = gateway_address()
    bearer = token or DevelopmentIdentity(state_folder() / "identity").ensure().token(roles=["platform_admin"])
    headers = {"authorization": f"Bearer {bearer}"}
    with httpx.Client(base_url=f"{gateway}/enrollment/v1", headers=headers, timeout=120) as client:
        try:
            if units is not None:
                _register(client, json.loads(units.read_text()))
            identity = _upload(client, _parts(file, junior, format_), format_, _owner(client, unit))
            final = _follow(client, identity)
            _report(client, identity, final)
        except httpx.HTTPError as problem:
            raise DeploymentError(f"the gateway does not answer: {problem}") from problem
    if final["state"] == "failed":
        raise DeploymentError(f"the import failed: {final.get('failure') or 'see the report'}")


def _register(client: httpx.Client, units: list[dict[str, Any]]) -> None:
    known = {entry["code"] for entry in _pages(client, "/business-units")}
    for unit in units:
        if unit["code"] not in known:
            _body(client.post("/business-units", json=unit, headers={"idempotency-key": str(uuid4())}))
            _console.print(f"registered {unit['code']}", highlight=False)


def _owner(client: httpx.Client, named: str | None) -> str:
    entries = list(_pages(client, "/business-units"))
    for entry in entries:
        if named is None or named in (entry["code"], entry["business_unit_id"]):
            return str(entry["business_unit_id"])
    raise DeploymentError(
        f"there is no business unit {named}" if named else "no business unit is registered; see --units"
    )


def _parts(file: Path, junior: Path | None, format_: str) -> dict[str, Path]:
    if format_ == "updraft_csv":
        return {"people": file}
    if file.is_dir():
        found = {
            name: path for name in ("senior", "junior") for path in sorted(file.iterdir()) if name in path.name.lower()
        }
        if "senior" not in found:
            raise DeploymentError(f"{file} holds no file with 'senior' in its name")
        return found
    return {"senior": file} | ({"junior": junior} if junior else {})


def _upload(client: httpx.Client, parts: dict[str, Path], format_: str, owner: str) -> str:
    files = {name: (path.name, path.read_bytes(), "text/csv") for name, path in parts.items()}
    query = {"format": format_, "business_unit_id": owner}
    response = client.post("/imports", params=query, files=files, headers={"idempotency-key": str(uuid4())})
    return str(_body(response)["import_id"])


def _follow(client: httpx.Client, identity: str) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=_console) as progress:
        task = progress.add_task("received", total=None)
        while True:
            now = _body(client.get(f"/imports/{identity}"))
            progress.update(task, description=now["state"], completed=now["done"], total=now["size"] or None)
            if now["state"] in _FINISHED:
                return now
            time.sleep(0.2)


def _report(client: httpx.Client, identity: str, final: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in final["counts"].items() if count)
    _console.print(f"Import {identity}: {counts or 'nothing to do'}", highlight=False)
    table = Table("file", "row", "severity", "field", "what is wrong", "remedy")
    for finding in itertools.islice(_pages(client, f"/imports/{identity}/findings"), _SHOWN_ROWS):
        table.add_row(
            *(str(finding.get(name) or "-") for name in ("file", "row", "severity", "field", "message", "remedy"))
        )
    if table.row_count:
        _console.print(table)
    if table.row_count == _SHOWN_ROWS:
        _console.print(f"The first {_SHOWN_ROWS}; all: GET /enrollment/v1/imports/{identity}/findings", highlight=False)


def _pages(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        query = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
        page = _body(client.get(path, params=query))
        yield from page["items"]
        cursor = page.get("next")
        if cursor is None:
            return


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        document: dict[str, Any] = response.json()
    except ValueError:
        document = {}
    if response.is_success:
        return document
    errors = "; ".join(
        f"{error.get('field')}: {error.get('message')} {error.get('remedy') or ''}".strip()
        for error in document.get("errors") or ()
    )
    raise DeploymentError(
        f"refused ({response.status_code}): {document.get('detail') or document.get('title') or ''} {errors}".strip()
    )
