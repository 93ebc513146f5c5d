"""The published rule for equal scores: a rank of 40 bits for every pair, from both ids and a seed.

1. The name of a participation is the first 8 bytes, big-endian, of SHA-256 over `seed|participation_id` in UTF-8, where
   the id is written in its usual form with hyphens.
2. The rank of a pair is splitmix64(name of the mentor XOR (name of the mentee rotated left by 32 bits)), of which the
   upper 40 bits are taken. splitmix64 is the finaliser of Steele, Lea and Flood, "Fast splittable pseudorandom number
   generators" (2014), after adding its constant once.

Among results of equal coverage, floor and score the one with the highest sum of ranks is taken. All arithmetic is
modulo 2^64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matching.domain.compiled import compiled

RANK_BITS = 40
RANKS = 2**RANK_BITS
"""Ranks are 0 to RANKS - 1."""

_CONSTANT = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_27, _30, _31, _32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_DROPPED = np.uint64(64 - RANK_BITS)


def names_of(seed: str, participation_ids: Iterable[UUID]) -> NDArray[np.uint64]:
    """The names of participations, in the order given: uint64, one each."""
    return np.array([_name(seed, participation_id) for participation_id in participation_ids], dtype=np.uint64)


def _name(seed: str, participation_id: UUID) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}|{participation_id}".encode()).digest()[:8], "big")


@compiled
def pair_rank(mentor: np.uint64, mentee: np.uint64) -> np.int64:
    """The rank of one pair by the names of both, for use inside compiled functions."""
    state = (mentor ^ ((mentee << _32) | (mentee >> _32))) + _CONSTANT
    state = (state ^ (state >> _30)) * _FIRST
    state = (state ^ (state >> _27)) * _SECOND
    return np.int64((state ^ (state >> _31)) >> _DROPPED)


def pair_ranks(mentors: NDArray[np.uint64], mentees: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The ranks of pairs by the names of both: int64, element by element (broadcast)."""
    state = (mentors ^ ((mentees << _32) | (mentees >> _32))) + _CONSTANT
    state = (state ^ (state >> _30)) * _FIRST
    state = (state ^ (state >> _27)) * _SECOND
    ranks: NDArray[np.int64] = ((state ^ (state >> _31)) >> _DROPPED).astype(np.int64)
    return ranks
