"""What the fairness and governance pack needs of the world: what people declared for audits, the packs, who decided what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from matching.domain.facts import Role
from matching.domain.fairness_cells import ProposedTo
from matching.domain.match_run import MatchRun

MOST_ATTEMPTS = 3
"""Attempts at a pack that is not made."""


@dataclass(frozen=True, slots=True)
class KnownAuditGroups:
    """What matching keeps of a consent to audits: a keyed code by dimension, none once it is withdrawn."""

    participation_id: UUID
    cohort_id: UUID
    person_id: UUID
    business_unit_id: UUID
    codes: Mapping[str, str]
    sequence: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Who stood in one group, or in the rest, of a pack: side, dimension, and the group's code, keyed by the cohort."""

    role: Role
    dimension: str
    code: str
    members: frozenset[UUID]


class AuditGroupsKnown(Protocol):
    """What people consented to have counted. Only a worker reads it."""

    def put(self, known: KnownAuditGroups) -> None:
        """Stage it; what a higher sequence has written stays."""

    async def of_cohort(self, cohort_id: UUID) -> Sequence[KnownAuditGroups]:
        """What people of a cohort have declared."""

    async def erase(self, people: Collection[UUID]) -> None:
        """Empty what these people declared, and take their ids out of packs' cells. The row stays: an older event brings nothing back."""


class GovernancePacks(Protocol):
    """Packs of released runs, and who was counted where. Only a worker writes them."""

    async def due(self, limit: int) -> Sequence[UUID]:
        """Released runs that have no pack and may still get one, the oldest first."""

    async def add(self, run: MatchRun, text: str, digest: str, cells: Sequence[Cell], now: datetime) -> None:
        """Keep a pack, unless the run has one."""

    async def note_failure(self, run_id: UUID) -> None:
        """Count an attempt that gave no pack; after `MOST_ATTEMPTS` no more are made."""

    async def cells_of_cohort(self, cohort_id: UUID) -> Mapping[UUID, Sequence[Cell]]:
        """The cells of all packs of a cohort, by run."""

    async def unlink(self, participation_id: UUID) -> None:
        """Put ids that are nobody's in the place of a participation in all cells."""

    async def proposals_of(self, run_id: UUID) -> Sequence[ProposedTo]:
        """What was released of a run."""

    async def oversight_of(self, run: MatchRun) -> Mapping[str, Any]:
        """What people have decided about a run, as counts; subjects of tokens under `subjects`."""
