"""The base of every event model: frozen, strict for writers, tolerant for readers."""

from __future__ import annotations

from typing import ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator

from contracts.fields import UnitIds, is_reading


class Part(BaseModel):
    """A group of fields inside an event."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


class Event(Part):
    """A fact about one aggregate, with the aggregate's relevant state after it.

    The class of an aggregate's state names the topic and the field that holds the aggregate's id; each event derived
    from it adds nothing but its name. Building one with an unknown field or a value out of bounds raises
    `pydantic.ValidationError`.
    """

    TOPIC: ClassVar[str]
    KEY: ClassVar[str]
    VERSION: ClassVar[int] = 1
    """Goes up only for a change that would break a reader; the new class stands beside the old one, named `<Name>V2`."""

    business_unit_id: UUID
    """The business unit that owns the aggregate."""

    @property
    def subject(self) -> UUID:
        """The id of the aggregate the event is about; also the record's key."""
        value: UUID = getattr(self, self.KEY)
        return value


class SharedEvent(Event):
    """A fact about something several business units may share."""

    named_unit_ids: UnitIds
    """Every business unit that may see it, the owner included."""

    @model_validator(mode="after")
    def _owner_is_named(self, info: ValidationInfo) -> Self:
        if self.business_unit_id not in self.named_unit_ids and not is_reading(info.context):
            raise ValueError("named_unit_ids must include business_unit_id")
        return self
