"""What the bench asks the broker while somebody works: over one connection, so that asking costs little."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import kafka_side
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError

TOPIC = kafka_side.TOPIC


class Eye:
    """Looks at the topic of meetings."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer, self._admin = consumer, admin
        self.partitions = [TopicPartition(TOPIC, number) for number in sorted(consumer.partitions_for_topic(TOPIC))]

    async def ends(self) -> dict[TopicPartition, int]:
        """The offset that each partition's next record will have."""
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(self.partitions)
        return found

    async def records_since(self, start: Mapping[TopicPartition, int]) -> list[Any]:
        """Every record from `start` to the present end, in order within a partition."""
        ends = await self.ends()
        found: list[Any] = []
        self._consumer.assign(self.partitions)
        for partition, offset in start.items():
            self._consumer.seek(partition, offset)
        waiting = {partition for partition in self.partitions if ends[partition] > start[partition]}
        while waiting:
            for partition, records in (await self._consumer.getmany(*waiting, timeout_ms=200)).items():
                found.extend(record for record in records if record.offset < ends[partition])
            for partition in list(waiting):
                if await self._consumer.position(partition) >= ends[partition]:
                    waiting.discard(partition)
        self._consumer.unsubscribe()
        return found

    async def committed(self, group: str) -> int:
        """Records up to the group's committed offsets."""
        try:
            offsets = await self._admin.list_consumer_group_offsets(group, partitions=self.partitions)
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
            return 0
        return sum(max(0, found.offset) for found in offsets.values())


@asynccontextmanager
async def open_eye(bootstrap: str) -> AsyncIterator[Eye]:
    """Connected for the length of the block."""
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=4 << 20
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await consumer.start()
    consumer.unsubscribe()
    await admin.start()
    try:
        yield Eye(consumer, admin)
    finally:
        await admin.close()
        await consumer.stop()


def in_order(records: Sequence[Any]) -> list[str]:
    """Keys whose first occurrences of events do not count up from 1 without a gap."""
    seen: set[bytes] = set()
    reached: dict[bytes, int] = {}
    broken = []
    for record in records:
        headers = dict(record.headers)
        if headers["ce_id"] in seen:
            continue
        seen.add(headers["ce_id"])
        sequence = int(headers["ce_sequence"])
        if sequence != reached.get(record.key, 0) + 1:
            broken.append(record.key.decode())
        reached[record.key] = sequence
    return broken
