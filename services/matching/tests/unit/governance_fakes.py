"""Audit groups and packs in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from matching.application.governance_ports import MOST_ATTEMPTS, Cell, KnownAuditGroups
from matching.domain.fairness_cells import ProposedTo
from matching.domain.match_run import MatchRun, RunState


class FakeAuditGroups:
    def __init__(self) -> None:
        self.held: dict[UUID, KnownAuditGroups] = {}

    def put(self, known: KnownAuditGroups) -> None:
        held = self.held.get(known.participation_id)
        if held is None or held.sequence < known.sequence:
            self.held[known.participation_id] = known

    async def of_cohort(self, cohort_id: UUID) -> Sequence[KnownAuditGroups]:
        return sorted(
            (one for one in self.held.values() if one.cohort_id == cohort_id), key=lambda one: one.participation_id
        )

    async def erase(self, people: Collection[UUID]) -> None:
        self.held = {key: replace(one, codes={}) if one.person_id in people else one for key, one in self.held.items()}


class FakePacks:
    def __init__(self, uow: Any) -> None:
        self.uow = uow
        self.held: dict[UUID, tuple[str, str]] = {}
        self.cells: dict[UUID, list[Cell]] = {}
        self.cohorts: dict[UUID, UUID] = {}
        self.failures: Counter[UUID] = Counter()

    async def due(self, limit: int) -> Sequence[UUID]:
        return [
            run.run_id
            for run in self.uow.runs.held.values()
            if run.state is RunState.RELEASED
            and run.run_id not in self.held
            and self.failures[run.run_id] < MOST_ATTEMPTS
        ][:limit]

    async def add(self, run: MatchRun, text: str, digest: str, cells: Sequence[Cell], now: datetime) -> None:
        if run.run_id not in self.held:
            self.held[run.run_id], self.cells[run.run_id] = (text, digest), list(cells)
            self.cohorts[run.run_id] = run.cohort_id

    async def note_failure(self, run_id: UUID) -> None:
        self.failures[run_id] += 1

    async def cells_of_cohort(self, cohort_id: UUID) -> Mapping[UUID, Sequence[Cell]]:
        return {run_id: cells for run_id, cells in self.cells.items() if self.cohorts[run_id] == cohort_id}

    async def unlink(self, participation_id: UUID) -> None:
        for cells in self.cells.values():
            cells[:] = [
                Cell(
                    cell.role,
                    cell.dimension,
                    cell.code,
                    frozenset(uuid4() if key == participation_id else key for key in cell.members),
                )
                for cell in cells
            ]

    async def proposals_of(self, run_id: UUID) -> Sequence[ProposedTo]:
        return [
            ProposedTo(pair.mentor.participation_id, pair.mentee.participation_id, pair.fit.score)
            for pair in await self.uow.pairs.of_run(run_id)
            if pair.released_at is not None
        ]

    async def oversight_of(self, run: MatchRun) -> Mapping[str, Any]:
        proposals = await self.uow.pairs.of_run(run.run_id)
        return {
            "runs": dict(Counter(one.state.value for one in await self.uow.runs.of_cohort(run.cohort_id))),
            "proposed": len(proposals),
            "released": sum(pair.released_at is not None for pair in proposals),
            "subjects": {"started": run.requested_by, "approved": run.approved_by, "released": run.released_by},
        }
