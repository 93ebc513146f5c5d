"""What a field of an event may be: identifiers, bounded numbers, dates, codes of a fixed alphabet, enumerations.

Nothing here can hold a name, an address or free text. An enumeration read from the wire takes a value it does not know
as `UNKNOWN`, so that a writer may add one; a writer can never send `unknown`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StrictBool
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

READING: dict[str, bool] = {"reading": True}
"""The validation context of a tolerant reader."""


def is_reading(context: Any) -> bool:
    """Whether a validation runs for a tolerant reader (see `contracts.envelope.decode`)."""
    return context is READING


class OpenEnum(StrEnum):
    """An enumeration that may grow: a value unknown to this reader becomes `UNKNOWN`, which nobody may write."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls["UNKNOWN"] if isinstance(value, str) else None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as the enumeration; refuse `UNKNOWN` unless the context is `READING`."""

        def refuse_unknown(value: OpenEnum, info: core_schema.ValidationInfo) -> OpenEnum:
            if value.name == "UNKNOWN" and not is_reading(info.context):
                raise PydanticCustomError("unknown_value", "not one of the values a writer may send")
            return value

        return core_schema.with_info_after_validator_function(refuse_unknown, handler(source))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The values a writer may send."""
        return {"type": "string", "enum": [member.value for member in cls if member.name != "UNKNOWN"]}


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the range of time") from None


def _distinct(values: tuple[UUID, ...]) -> tuple[UUID, ...]:
    if len(set(values)) != len(values):
        raise ValueError("a value is given twice")
    return values


Instant = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A moment, in UTC."""
Day = date
"""A calendar date."""
Flag = StrictBool
"""Yes or no, never 0, 1 or a word."""
Ids = Annotated[tuple[UUID, ...], Field(max_length=1000), AfterValidator(_distinct)]
"""Several different identifiers."""
UnitIds = Annotated[tuple[UUID, ...], Field(min_length=1, max_length=64), AfterValidator(_distinct)]
"""The business units named on something they share, the owner included."""

Count = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
"""How many."""
Total = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000_000)]
"""How many combinations, of two sides of a million each at the most."""
Days = Annotated[int, Field(strict=True, ge=0, le=3_660)]
"""A number of days."""
CadenceDays = Annotated[int, Field(strict=True, ge=14, le=42)]
"""Days between two meetings of a pair."""
Months = Annotated[int, Field(strict=True, ge=1, le=24)]
"""A number of months."""
Minutes = Annotated[int, Field(strict=True, ge=0, le=1_440)]
"""Minutes of one day, or since its midnight."""
Milliseconds = Annotated[int, Field(strict=True, ge=0, le=86_400_000)]
"""A duration."""
Permille = Annotated[int, Field(strict=True, ge=0, le=1_000)]
"""A share, in thousandths."""
Weight = Annotated[int, Field(strict=True, ge=0, le=100)]
"""How much one part of a score counts."""
Level = Annotated[int, Field(strict=True, ge=1, le=5)]
"""Command of a topic: 1 has heard of it, 5 teaches it."""
Capacity = Annotated[int, Field(strict=True, ge=1, le=3)]
"""How many pairs somebody can be in at the same time."""
PriorityClass = Annotated[int, Field(strict=True, ge=1, le=3)]
"""Who comes first: class 1 before 2, 2 before 3."""
Rank = Annotated[int, Field(strict=True, ge=0, le=1_000)]
"""Seniority in the order common to all units; higher is more senior."""
GradeGap = Annotated[int, Field(strict=True, ge=-1_000, le=1_000)]
"""Difference of two ranks."""
Version = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
"""Counted from 1."""
Position = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
"""A place in a list, counted from 0."""
Objective64 = Annotated[int, Field(strict=True, ge=-(2**62), le=2**62)]
"""The value of one level of an objective function."""
ScaleValue = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]
"""A value, or a difference of values, on a survey's scale."""

UnitCode = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$", max_length=32)]
"""A business unit's code."""
Grade = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./+-]{0,23}$", max_length=24)]
"""A rung of a unit's own ladder, such as `G7`."""
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$", max_length=32)]
"""A coarse code such as a function or a region; `identifiers.code_of` makes one from a word."""
OpaqueCode = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", max_length=16)]
"""A code that cannot be read back; `identifiers.opaque_code` makes one."""
TopicCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31}){0,3}$", max_length=131)]
"""A topic of the topic tree, root first: `technology.ai`."""
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$", max_length=2)]
"""ISO 3166-1 alpha-2."""
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", max_length=3)]
"""ISO 639."""
TimeZoneName = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}$", max_length=64)]
"""A name of the IANA time zone database: `Europe/Paris`."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
"""A SHA-256 in hexadecimal digits."""


class Role(OpenEnum):
    """A side of a pair. In a reverse program the mentor is the junior."""

    MENTOR = "mentor"
    MENTEE = "mentee"
    UNKNOWN = "unknown"


class LanguageLevel(OpenEnum):
    """Levels of the Common European Framework, in rising order."""

    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"
    C1 = "C1"
    C2 = "C2"
    UNKNOWN = "unknown"


class Weekday(OpenEnum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"
    UNKNOWN = "unknown"


class Channel(OpenEnum):
    """The medium of a meeting."""

    IN_PERSON = "in_person"
    VIDEO = "video"
    PHONE = "phone"
    CHAT = "chat"
    UNKNOWN = "unknown"
