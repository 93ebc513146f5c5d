"""Business units: the tenants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from chassis.ports import InvalidInput

from enrollment.domain.grades import GradeLadder
from enrollment.domain.languages import check_time_zone

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
LONGEST_NAME = 120


@dataclass(slots=True)
class BusinessUnit:
    """A tenant: its short code, the name it shows, its grades, and the time zone of people whose file names none."""

    business_unit_id: UUID
    code: str
    display_name: str
    ladder: GradeLadder
    default_time_zone: str
    version: int = 1


def register(
    business_unit_id: UUID, *, code: str, display_name: str | None, ladder: GradeLadder, default_time_zone: str
) -> BusinessUnit:
    """A new unit. Raises InvalidInput for a code that is not a letter and up to 31 letters, digits, `_` or `-`, or an unknown time zone."""
    if not _CODE.fullmatch(code):
        raise InvalidInput(
            "a unit's code is a letter and up to 31 letters, digits, _ or -", field="code", remedy="choose a short code"
        )
    name = " ".join((display_name or code).split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidInput(
            f"a unit's name has 1 to {LONGEST_NAME} characters", field="display_name", remedy="shorten it"
        )
    return BusinessUnit(business_unit_id, code, name, ladder, check_time_zone(default_time_zone, "default_time_zone"))
