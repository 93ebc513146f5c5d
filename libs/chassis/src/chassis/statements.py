"""One SQL statement out of everything a unit of work has staged: idempotency key, rows and outbox rows, applied together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import msgspec
from sqlalchemy import ARRAY, Column, Table
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from chassis.database_errors import StagedChangeLost
from chassis.outbox import OutboxRow

Kind = Literal["insert", "update", "upsert", "delete"]

_DIALECT = asyncpg_dialect.dialect(json_serializer=lambda value: msgspec.json.encode(value).decode())  # type: ignore[no-untyped-call]  # SQLAlchemy leaves the dialect's constructor untyped


@dataclass(frozen=True, slots=True)
class Staged:
    """A change of rows of one table. `rows` all have the columns `columns`; `key` names those that find the row.

    `newer` (upsert) names the column whose smaller value never overwrites a larger one.
    """

    kind: Kind
    table: Table
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    key: tuple[str, ...] = ()
    newer: str | None = None

    @property
    def shape(self) -> tuple[Any, ...]:
        """What decides the text of the statement."""
        return (self.kind, self.table, self.columns, self.key, self.newer)


@dataclass(frozen=True, slots=True)
class PutOff:
    """A statement that waits to be sent with others, and how many rows were guarded and overtaken under its tag before it."""

    tag: Any
    sql: str
    arguments: list[Any]
    staged: list[Staged]
    guarded: int
    overtaken: int


def noted(staged: Sequence[Staged], counts: Sequence[int]) -> tuple[int, int]:
    """How many rows were guarded by something newer, and how many of them overtaken, out of a statement's `counts`.

    Raises StagedChangeLost when an update or delete has not found its row.
    """
    guarded = overtaken = 0
    for change, touched in zip(staged, counts[1:], strict=True):
        if change.newer is not None:
            guarded += len(change.rows)
            overtaken += len(change.rows) - touched
        elif touched != len(change.rows) and change.kind in ("update", "delete"):
            raise StagedChangeLost(f"{change.kind} of {change.table.name} touched {touched} rows")
    return guarded, overtaken


@lru_cache(maxsize=2048)
def _type_name(column: Column[Any]) -> str:
    return str(column.type.compile(dialect=_DIALECT))


@lru_cache(maxsize=2048)
def _processors(table: Table, columns: tuple[str, ...]) -> tuple[tuple[int, Any], ...]:
    """Which of the columns' values the driver does not take as they are, and what makes them so."""
    found = []
    for place, name in enumerate(columns):
        type_ = table.c[name].type
        process: Any = None
        # Lists of what the driver takes anyway would only be copied.
        if not isinstance(type_, ARRAY) or type_.item_type.dialect_impl(_DIALECT).bind_processor(_DIALECT) is not None:
            process = type_.dialect_impl(_DIALECT).bind_processor(_DIALECT)
        if process is not None:
            found.append((place, process))
    return tuple(found)


def bound(table: Table, columns: tuple[str, ...], values: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values of `columns` as the driver takes them (JSON as text, enums as their names, ...)."""
    result = [values[name] for name in columns]
    for place, process in _processors(table, columns):
        if result[place] is not None:
            result[place] = process(result[place])
    return tuple(result)


@dataclass(slots=True)
class _Text:
    """Numbered parameters of a statement under construction."""

    count: int = 0

    def parameter(self, type_name: str) -> str:
        self.count += 1
        return f"${self.count}::{type_name}"


def _change(
    kind: Kind,
    table: Table,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    newer: str | None,
    rows: int,
    text: _Text,
    gate: str,
) -> str:
    name = table.fullname
    parameters = [[text.parameter(_type_name(table.c[column])) for column in columns] for _ in range(rows)]
    if kind in ("insert", "upsert"):
        listed = ", ".join(columns)
        if gate:
            source = " UNION ALL ".join(f"SELECT {', '.join(row)} FROM {gate}" for row in parameters)
        else:
            source = "VALUES " + ", ".join(f"({', '.join(row)})" for row in parameters)
        sql = f"INSERT INTO {name} ({listed}) {source}"
        if kind == "upsert":
            rest = [column for column in columns if column not in key]
            changes = ", ".join(f"{column} = excluded.{column}" for column in rest)
            sql += f" ON CONFLICT ({', '.join(key)}) DO " + (f"UPDATE SET {changes}" if rest else "NOTHING")
            if newer and rest:
                sql += f" WHERE {table.name}.{newer} IS NULL OR {table.name}.{newer} < excluded.{newer}"
        return f"{sql} RETURNING 1"
    (row,) = parameters
    by_column = dict(zip(columns, row, strict=True))
    where = " AND ".join(f"{table.name}.{column} = {by_column[column]}" for column in key)
    if kind == "delete":
        return f"DELETE FROM {name} {f'USING {gate} ' if gate else ''}WHERE {where} RETURNING 1"
    changes = ", ".join(f"{column} = {by_column[column]}" for column in columns if column not in key)
    return f"UPDATE {name} SET {changes} {f'FROM {gate} ' if gate else ''}WHERE {where} RETURNING 1"


_OUTBOX = """INSERT INTO outbox (business_unit_id, topic, key, headers, value)
 SELECT e.business_unit_id, e.topic, e.key, e.headers, e.value
 FROM {gate}unnest({arrays}) WITH ORDINALITY AS e(business_unit_id, topic, key, headers, value, place)
 ORDER BY e.place RETURNING 1"""


@lru_cache(maxsize=512)
def _statement(shapes: tuple[tuple[tuple[Any, ...], int], ...], *, sets_tenant: bool, keyed: bool, events: bool) -> str:
    text = _Text()
    parts: list[str] = []
    gate = ""
    if sets_tenant:
        unit = text.parameter("text")
        parts.append(f"tenant AS MATERIALIZED (SELECT set_config('app.business_unit', {unit}, true) AS unit)")
        gate = "tenant"
    if keyed:
        columns = ["uuid", "text", "text", "bytea", "smallint", "jsonb", "bytea"]
        values = ", ".join(text.parameter(type_name) for type_name in columns)
        parts.append(
            "fresh_key AS (INSERT INTO idempotency_keys"
            " (business_unit_id, subject, key, request_hash, status, headers, body)"
            f" SELECT {values} {f'FROM {gate} ' if gate else ''}ON CONFLICT DO NOTHING RETURNING 1)"
        )
        gate = "fresh_key"
    counted = []
    for place, ((kind, table, columns_, key, newer), rows) in enumerate(shapes):
        parts.append(f"change_{place} AS ({_change(kind, table, columns_, key, newer, rows, text, gate)})")
        counted.append(f"(SELECT count(*) FROM change_{place})")
    if events:
        types = ("uuid[]", "text[]", "bytea[]", "bytea[]", "bytea[]")
        arrays = ", ".join(text.parameter(type_name) for type_name in types)
        insert = _OUTBOX.format(gate=f"{gate} CROSS JOIN " if gate else "", arrays=arrays)
        parts.append(f"events AS ({insert})")
    fresh = "(SELECT count(*) FROM fresh_key)" if keyed else "1"
    return f"WITH {', '.join(parts)} SELECT ARRAY[{', '.join([fresh, *counted])}]::bigint[] AS counts"


def combined(
    staged: Sequence[Staged],
    events: Sequence[OutboxRow],
    *,
    tenant: str | None = None,
    key: tuple[Any, ...] | None = None,
) -> tuple[str, list[Any]]:
    """The statement and its parameters.

    Its one row has one column `counts`: first 1 when the idempotency key is fresh (else 0, and nothing has been
    applied), then for each staged change the number of rows it touched. `tenant` is set for the transaction within
    the statement itself, every change chained behind it, because policies read it. `key` holds the seven values of
    the idempotency row.
    """
    shapes = tuple((change.shape, len(change.rows)) for change in staged)
    sql = _statement(shapes, sets_tenant=tenant is not None, keyed=key is not None, events=bool(events))
    arguments: list[Any] = []
    if tenant is not None:
        arguments.append(tenant)
    if key is not None:
        arguments.extend(key)
    for change in staged:
        for row in change.rows:
            arguments.extend(row)
    if events:
        arguments.append([event.business_unit_id for event in events])
        arguments.append([event.topic for event in events])
        arguments.append([event.key for event in events])
        arguments.append([event.headers for event in events])
        arguments.append([event.value for event in events])
    return sql, arguments
