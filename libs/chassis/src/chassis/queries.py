"""Queries written with SQLAlchemy and compiled once, for what every request asks: from then on only values travel to the driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ARRAY, Select
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.types import TypeEngine

_DIALECT = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves the dialect's constructor untyped

_Process = Callable[[Any], Any]


def _out_of(type_: TypeEngine[Any]) -> _Process | None:
    """What SQLAlchemy does to a value that the driver returns; None where it takes it as it is."""
    if isinstance(type_, ARRAY) and not type_.as_tuple and _out_of(type_.item_type) is None:
        return None
    return type_.dialect_impl(_DIALECT).result_processor(_DIALECT, None)


class Query:
    """A select whose varying values are `bindparam`s. Rows are mappings by column name, values as SQLAlchemy would return them.

    To be made once, as a constant of a module; it is compiled when first used.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._sql = ""
        self._names: tuple[str, ...] = ()
        self._fixed: Mapping[str, Any] = {}
        self._into: dict[str, _Process] = {}
        self._out: dict[str, _Process] = {}

    def _compile(self) -> None:
        compiled: Any = self._statement.compile(dialect=_DIALECT)
        self._names = tuple(compiled.positiontup or ())
        self._fixed = dict(compiled.params)
        for name, bind in compiled.binds.items():
            process: _Process | None = bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
            if process is not None:
                self._into[name] = process
        for column in self._statement.selected_columns:
            restore = _out_of(column.type)
            if restore is not None:
                self._out[str(column.key)] = restore
        self._sql = compiled.string

    def prepared(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text for the driver and the values in its order. KeyError for a name that the query does not have."""
        if not self._sql:
            self._compile()
        unknown = values.keys() - self._fixed.keys()
        if unknown:
            raise KeyError(f"the query has no parameter {sorted(unknown)}")
        given = {**self._fixed, **values}
        arguments = []
        for name in self._names:
            process, value = self._into.get(name), given[name]
            arguments.append(value if process is None or value is None else process(value))
        return self._sql, arguments

    def row(self, record: Any) -> Mapping[str, Any] | None:
        """What the driver returned, as SQLAlchemy would have."""
        if record is None or not self._out:
            found: Mapping[str, Any] | None = record
            return found
        row = dict(record)
        for name, process in self._out.items():
            row[name] = process(row[name])
        return row
