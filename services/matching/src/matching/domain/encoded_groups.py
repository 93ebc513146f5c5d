"""Lists of numbers by owner, in two arrays."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Shorts = NDArray[np.int32]
Longs = NDArray[np.int64]
Words = NDArray[np.uint64]
_Value = TypeVar("_Value", bound=Hashable)


class Groups(NamedTuple):
    """The items of owner k are `items[starts[k]:starts[k + 1]]`, ascending (rows of compressed sparse rows)."""

    starts: Longs
    items: Shorts


def groups(owners: Iterable[int], items: Iterable[int], count: int) -> Groups:
    """Items by owner, each once; `count` owners. Owners below zero are left out."""
    owner, item = as_integers(owners), as_integers(items)
    known = owner >= 0
    keys = np.unique((owner[known] << 32) | item[known])
    return Groups(
        np.searchsorted(keys, np.arange(count + 1, dtype=np.int64) << 32).astype(np.int64),
        (keys & 0xFFFFFFFF).astype(np.int32),
    )


def as_integers(values: Iterable[int]) -> Longs:
    """Any integers as an array of 64 bits."""
    return np.asarray(values, np.int64) if isinstance(values, np.ndarray) else np.fromiter(values, dtype=np.int64)


def numbered(values: Iterable[_Value]) -> dict[_Value, int]:
    """The distinct values, numbered from 0 in the order of their first appearance."""
    return {value: number for number, value in enumerate(dict.fromkeys(values))}


def bits_of(groups: Groups, count: int) -> Words:
    """One row of bits per owner, with those of its items set among `count` possible ones."""
    owners = len(groups.starts) - 1
    words = (count + 63) // 64
    bits = np.zeros(owners * words, np.uint64)
    owner = np.repeat(np.arange(owners), np.diff(groups.starts))
    np.bitwise_or.at(bits, owner * words + (groups.items >> 6), np.uint64(1) << (groups.items & 63).astype(np.uint64))
    return bits.reshape(owners, words)
