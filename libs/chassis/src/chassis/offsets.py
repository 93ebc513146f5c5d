"""How far a consumer has come, told to the broker every few batches.

Telling after every batch costs the broker more than sending the batch, and holds up the next one for a round trip. A consumer that
dies with something untold reads it again, and its inbox knows it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka.message import KafkaAckableMessage
from faststream.message import StreamMessage

TELL_EVERY = 0.05
"""Seconds between two words to the broker."""

_log = structlog.get_logger("consumer")


class Offsets:
    """Offsets behind what was applied, by partition, until the broker knows them."""

    def __init__(self) -> None:
        self._applied: dict[TopicPartition, int] = {}
        self._told = 0.0
        self.at_once = False
        """Whether nothing is held back any more, because the consumer stops."""

    @property
    def untold(self) -> bool:
        """Whether the broker has still to hear of something."""
        return bool(self._applied)

    def applied(self, records: Sequence[Any]) -> None:
        """Note records that need not be read again."""
        for record in records:
            self._applied[TopicPartition(record.topic, record.partition)] = record.offset + 1

    async def tell(self, consumer: Any) -> None:
        """Commit what was noted, unless the broker was told a moment ago. A broker that refuses hears of it again."""
        now = time.monotonic()
        if not self._applied or (now - self._told < TELL_EVERY and not self.at_once):
            return
        assigned = consumer.assignment()
        offsets = {place: offset for place, offset in self._applied.items() if place in assigned}
        self._applied.clear()
        self._told = now
        if offsets:
            try:
                await consumer.commit(offsets)
            except KafkaError as error:
                self._applied = offsets | self._applied
                _log.debug("offsets not committed", error=type(error).__name__)


class Acknowledged(KafkaAckableMessage):
    """A batch whose acknowledgement goes through `Offsets`."""

    def __init__(self, *args: Any, offsets: Offsets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offsets = offsets

    async def ack(self) -> None:
        """See FastStream; the broker may hear of it a little later."""
        if not self.committed:
            self._offsets.applied(self.raw_message)
            await self._offsets.tell(self.consumer)
        await StreamMessage.ack(self)
