"""Where a record goes must not depend on who sends it."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from chassis.sending import partition_of
from contracts.identifiers import uuid7
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.requirement("I4")
@given(key=st.binary(max_size=80), partitions=st.integers(1, 64))
def test_a_key_has_the_partition_that_other_clients_give_it(key: bytes, partitions: int) -> None:
    every = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, every, every)


def test_keys_spread_over_all_partitions() -> None:
    counts = [0] * 6
    for _ in range(6000):
        counts[partition_of(str(uuid7()).encode(), 6)] += 1
    assert min(counts) > 800
