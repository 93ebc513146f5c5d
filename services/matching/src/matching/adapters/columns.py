"""What matching's tables share: their metadata, and the columns of whatever belongs to a cohort."""

from __future__ import annotations

from typing import Any

from chassis.schema import metadata_for
from sqlalchemy import Column, DateTime, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

metadata = metadata_for("matching")

MOMENT = DateTime(timezone=True)


def owned_cohort() -> tuple[Column[Any], ...]:
    """The cohort, its program and the unit that owns both; that unit alone sees the row."""
    return (
        Column("cohort_id", Uuid, nullable=False),
        Column("program_id", Uuid, nullable=False),
        Column("business_unit_id", Uuid, nullable=False),
    )


def shared_cohort() -> tuple[Column[Any], ...]:
    """The same, and the units that the row is about: they see it too."""
    return (*owned_cohort(), Column("named_unit_ids", ARRAY(Uuid), nullable=False))
