"""Logs as JSON lines on standard error: what happened, where, in which trace; never a person's data.

Exceptions are logged by type and place only, because their messages quote values (a unique violation quotes the row).
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Any

import structlog

from chassis.telemetry import current_trace

_ADDRESS = re.compile(r"[^\s@\"'<>(=]+@[^\s@\"'<>)]+\.[^\s@\"'<>)]+")
_FRAMES = 12
_LIBRARIES = (
    "aiokafka",
    "alembic",
    "asyncio",
    "faststream",
    "httpx",
    "opentelemetry",
    "sqlalchemy",
    "urllib3",
    "uvicorn",
)

Fields = MutableMapping[str, Any]


def places(traceback: TracebackType | None) -> list[str]:
    """Where an exception came from, innermost last: `file:line function`, without values."""
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in extract_tb(traceback)[-_FRAMES:]]


def _exception(_logger: Any, _method: str, fields: Fields) -> Fields:
    info = fields.pop("exc_info", None)
    if isinstance(info, BaseException):
        error: BaseException | None = info
    elif isinstance(info, tuple):
        error = info[1]
    else:
        error = sys.exc_info()[1] if info else None
    if error is not None:
        fields["error_type"] = type(error).__name__
        fields["error_at"] = places(error.__traceback__)
        cause = error.__cause__
        if cause is not None:
            fields["caused_by"] = type(cause).__name__
    return fields


def _trace(_logger: Any, _method: str, fields: Fields) -> Fields:
    context = current_trace()
    if context is not None:
        fields["trace_id"] = f"{context.trace_id:032x}"
    return fields


def _addresses(_logger: Any, _method: str, fields: Fields) -> Fields:
    for key, value in fields.items():
        if isinstance(value, str) and "@" in value:
            fields[key] = _ADDRESS.sub("[address]", value)
    return fields


def configure_logs(service: str, role: str, *, level: str = "INFO", style: str = "json") -> None:
    """Send this process's logs, those of libraries included, to standard error.

    `style` is `json` (a line of JSON each) or `console` (for people). Libraries speak from WARNING up.
    """
    names = {"service": service, "role": role}

    def named(_logger: Any, _method: str, fields: Fields) -> Fields:
        return {**names, **fields}

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        named,
        _trace,
        _exception,
        _addresses,
    ]
    renderer: Any = structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; pass `__name__`. Events are constant phrases, facts go into keyword arguments."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound
