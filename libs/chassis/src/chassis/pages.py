"""Bodies of requests and responses, and lists in pages behind an opaque cursor."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

LARGEST_PAGE = 200
USUAL_PAGE = 50

Row = TypeVar("Row")
Item = TypeVar("Item")


class RequestBody(BaseModel):
    """Base of every request body: unknown fields are refused, numbers are finite, instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_max_length=10_000)


class ResponseBody(BaseModel):
    """Base of every response body. An int field `version` becomes the response's ETag."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


def encode_cursor(last: UUID) -> str:
    """The opaque text that stands for "after this id": 22 characters."""
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def decode_cursor(value: str) -> UUID:
    """The id behind a cursor. ValueError when it is not one of ours."""
    if len(value) != 22:
        raise ValueError("not a cursor")
    try:
        return UUID(bytes=base64.b64decode(value + "==", altchars=b"-_", validate=True))
    except binascii.Error as error:
        raise ValueError("not a cursor") from error


def _cursor(value: Any) -> UUID | None:
    if value is None:
        return None
    try:
        return decode_cursor(value)
    except (ValueError, TypeError) as error:
        raise PydanticCustomError("cursor", "not a cursor of this list") from error


async def _cursor_parameter(
    cursor: Annotated[
        UUID | None,
        BeforeValidator(_cursor, json_schema_input_type=str | None),
        Query(description="`next` of the page before; absent for the first page."),
    ] = None,
) -> UUID | None:
    return cursor


async def _limit_parameter(
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Most items on the page.")] = USUAL_PAGE,
) -> int:
    return limit


Cursor = Annotated[UUID | None, Depends(_cursor_parameter)]
"""Query parameter `cursor`: the last id of the page before, or None for the first page."""

Limit = Annotated[int, Depends(_limit_parameter)]
"""Query parameter `limit`: 1 to 200, 50 when absent."""


class Page(ResponseBody, Generic[Item]):
    """One page of a list, in the order of ids."""

    items: tuple[Item, ...]
    next: str | None = Field(default=None, description="`cursor` of the next page; null on the last one.")


def page(rows: Sequence[Row], *, limit: int, key: Callable[[Row], UUID], present: Callable[[Row], Item]) -> Page[Item]:
    """A page of at most `limit` rows in the order of `key` (ids of version 7, so the order of creation).

    Ask the view for `limit + 1` rows after the cursor: the one too many tells that there is a next page.
    """
    shown = rows[:limit]
    following = encode_cursor(key(shown[-1])) if len(rows) > limit and shown else None
    return Page(items=tuple(present(row) for row in shown), next=following)
