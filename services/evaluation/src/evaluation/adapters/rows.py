"""Rows and the aggregates they hold."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping

from evaluation.domain.instruments import WaveKind
from evaluation.domain.waves import Wave, WaveState

_SAME = (
    "wave_id", "cohort_id", "program_id", "business_unit_id", "instrument_version", "suppression_threshold", "opened_at",
    "closes_on", "closed_at", "invited_count", "token_count", "response_count", "public_exponent", "version",
)  # fmt: skip


def to_bytes(number: int) -> bytes:
    """A positive number as it is stored: big-endian, no leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8)


def wave_of(row: RowMapping) -> Wave:
    """The wave in a row of `waves`."""
    return Wave(
        **{name: row[name] for name in _SAME},
        named_unit_ids=tuple(row["named_unit_ids"]),
        kind=WaveKind(row["kind"]),
        state=WaveState(row["state"]),
        public_modulus=int.from_bytes(row["public_modulus"]),
    )


def wave_row(wave: Wave) -> dict[str, Any]:
    """The row of a wave."""
    return {
        **{name: getattr(wave, name) for name in _SAME},
        "named_unit_ids": list(wave.named_unit_ids),
        "kind": wave.kind.value,
        "state": wave.state.value,
        "public_modulus": to_bytes(wave.public_modulus),
    }
