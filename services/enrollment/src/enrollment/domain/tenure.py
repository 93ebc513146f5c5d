"""How long people have worked for the company, as a band: the day they joined never leaves enrollment."""

from __future__ import annotations

from datetime import date
from enum import StrEnum


class TenureBand(StrEnum):
    """A band of whole years. Four bands: fine enough to tell newcomers from old hands, too coarse to point at a person."""

    UNDER_1 = "under_1"
    FROM_1_TO_3 = "from_1_to_3"
    FROM_3_TO_10 = "from_3_to_10"
    OVER_10 = "over_10"


def tenure_band(joined_on: date | None, today: date) -> TenureBand | None:
    """The band of whoever joined on that day, as of `today`; None when the day is not known.

    An anniversary begins the next band (the 29th of February has its own on the 1st of March of other years); who joins in the future
    is in the first.
    """
    if joined_on is None:
        return None
    years = today.year - joined_on.year - ((today.month, today.day) < (joined_on.month, joined_on.day))
    if years < 1:
        return TenureBand.UNDER_1
    if years < 3:
        return TenureBand.FROM_1_TO_3
    return TenureBand.FROM_3_TO_10 if years < 10 else TenureBand.OVER_10
