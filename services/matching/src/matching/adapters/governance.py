"""Audit groups heard of, and packs with their cells; see `application.governance_ports`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.database import WriteSession
from sqlalchemy import ARRAY, Update, Uuid, and_, bindparam, func, insert, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upserting

from matching.adapters.tables import (
    governance_cells,
    governance_packs,
    known_audit_groups,
    pairs,
    runs,
)
from matching.application.governance_ports import MOST_ATTEMPTS, Cell, KnownAuditGroups
from matching.domain.facts import Role
from matching.domain.fairness_cells import ProposedTo
from matching.domain.match_run import MatchRun

_OVERSIGHT = text(
    """
    SELECT
        (SELECT coalesce(jsonb_object_agg(state, number), '{}') FROM (
            SELECT state, count(*) AS number FROM runs WHERE cohort_id = :cohort_id GROUP BY state) AS s) AS runs,
        (SELECT coalesce(jsonb_object_agg(coalesce(reason, verdict), number), '{}') FROM (
            SELECT verdict, reason, count(*) AS number FROM pair_reviews WHERE cohort_id = :cohort_id
            GROUP BY verdict, reason) AS r) AS reviews,
        (SELECT coalesce(jsonb_object_agg(state, number), '{}') FROM (
            SELECT state, count(*) AS number FROM waivers WHERE cohort_id = :cohort_id GROUP BY state) AS w) AS waivers,
        (SELECT coalesce(jsonb_object_agg(rule, number), '{}') FROM (
            SELECT rule, count(*) AS number FROM waivers CROSS JOIN LATERAL unnest(rules) AS rule
            WHERE cohort_id = :cohort_id AND state = 'approved' GROUP BY rule) AS u) AS waived_rules,
        (SELECT count(DISTINCT approved_by) FROM waivers WHERE cohort_id = :cohort_id AND state = 'approved')
            AS waiver_approvers,
        (SELECT count(*) FROM what_ifs WHERE cohort_id = :cohort_id) AS what_ifs,
        (SELECT count(*) FROM pairs WHERE run_id = :run_id) AS proposed,
        (SELECT count(*) FROM pairs WHERE run_id = :run_id AND released_at IS NOT NULL) AS released,
        (SELECT count(*) FROM pairs WHERE cohort_id = :cohort_id AND quarantined_at IS NOT NULL) AS quarantined,
        (SELECT count(*) FROM conflicts WHERE removed_at IS NULL AND
            EXISTS (SELECT FROM known_participations AS k WHERE k.cohort_id = :cohort_id AND k.person_id = lower_id) AND
            EXISTS (SELECT FROM known_participations AS k WHERE k.cohort_id = :cohort_id AND k.person_id = higher_id))
            AS registered_conflicts
    """
)


def _unlinked(participation_id: UUID) -> Update:
    """An id that is nobody's in the place of a participation, another one in each cell."""
    gone = bindparam("gone", participation_id, Uuid)
    members = governance_cells.c.members
    return (
        update(governance_cells)
        .where(members.contains(bindparam("held", [participation_id], ARRAY(Uuid))))
        .values(members=func.array_replace(members, gone, func.gen_random_uuid()))
    )


class AuditGroupsHeard:
    """See `application.governance_ports.AuditGroupsKnown`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def put(self, known: KnownAuditGroups) -> None:
        """See the port."""
        self._session.upsert(
            known_audit_groups,
            {
                "participation_id": known.participation_id,
                "cohort_id": known.cohort_id,
                "person_id": known.person_id,
                "business_unit_id": known.business_unit_id,
                "codes": dict(known.codes),
                "sequence": known.sequence,
            },
            key=["participation_id"],
            newer="sequence",
        )

    async def of_cohort(self, cohort_id: UUID) -> Sequence[KnownAuditGroups]:
        """See the port."""
        found = await self._session.fetch_all(
            select(known_audit_groups)
            .where(known_audit_groups.c.cohort_id == cohort_id)
            .order_by(known_audit_groups.c.participation_id)
        )
        return [
            KnownAuditGroups(
                row["participation_id"],
                row["cohort_id"],
                row["person_id"],
                row["business_unit_id"],
                row["codes"],
                row["sequence"],
            )
            for row in found
        ]

    async def erase(self, people: Collection[UUID]) -> None:
        """See the port."""
        theirs = known_audit_groups.c.person_id == func.any(bindparam("erased", list(people), ARRAY(Uuid)))
        found = await self._session.fetch_all(select(known_audit_groups.c.participation_id).where(theirs))
        for row in found:
            await self._session.execute(_unlinked(row["participation_id"]))
        await self._session.execute(update(known_audit_groups).where(theirs).values(codes={}))


class Packs:
    """See `application.governance_ports.GovernancePacks`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def due(self, limit: int) -> Sequence[UUID]:
        """See the port."""
        settled = or_(governance_packs.c.document.is_not(None), governance_packs.c.attempts >= MOST_ATTEMPTS)
        found = await self._session.fetch_all(
            select(runs.c.run_id)
            .where(
                runs.c.state == "released",
                ~select(governance_packs.c.run_id).where(governance_packs.c.run_id == runs.c.run_id, settled).exists(),
            )
            .order_by(runs.c.run_id)
            .limit(limit)
        )
        return [row["run_id"] for row in found]

    async def add(self, run: MatchRun, text: str, digest: str, cells: Sequence[Cell], now: datetime) -> None:
        """See the port."""
        put = upserting(governance_packs).values(
            run_id=run.run_id,
            cohort_id=run.cohort_id,
            program_id=run.program_id,
            business_unit_id=run.business_unit_id,
            attempts=1,
            computed_at=now,
            document=text,
            digest=digest,
        )
        added = await self._session.execute(
            put.on_conflict_do_update(
                index_elements=[governance_packs.c.run_id],
                set_={name: put.excluded[name] for name in ("computed_at", "document", "digest")},
                where=governance_packs.c.document.is_(None),
            )
        )
        if not added or not cells:
            return
        owned = {"run_id": run.run_id, "cohort_id": run.cohort_id, "business_unit_id": run.business_unit_id}
        await self._session.execute(
            insert(governance_cells),
            [
                {**owned, "cell": f"{cell.role.value}:{cell.dimension}:{cell.code}", "members": sorted(cell.members)}
                for cell in cells
            ],
        )

    async def note_failure(self, run_id: UUID) -> None:
        """See the port."""
        failed = select(
            runs.c.run_id, runs.c.cohort_id, runs.c.program_id, runs.c.business_unit_id, literal(1).label("attempts")
        ).where(runs.c.run_id == run_id)
        put = upserting(governance_packs).from_select(
            ["run_id", "cohort_id", "program_id", "business_unit_id", "attempts"], failed
        )
        await self._session.execute(
            put.on_conflict_do_update(
                index_elements=[governance_packs.c.run_id], set_={"attempts": governance_packs.c.attempts + 1}
            )
        )

    async def cells_of_cohort(self, cohort_id: UUID) -> Mapping[UUID, Sequence[Cell]]:
        """See the port."""
        found = await self._session.fetch_all(
            select(governance_cells)
            .where(governance_cells.c.cohort_id == cohort_id)
            .order_by(governance_cells.c.run_id, governance_cells.c.cell)
        )
        packs: dict[UUID, list[Cell]] = {}
        for row in found:
            role, dimension, code = row["cell"].split(":")
            packs.setdefault(row["run_id"], []).append(Cell(Role(role), dimension, code, frozenset(row["members"])))
        return packs

    async def unlink(self, participation_id: UUID) -> None:
        """See the port."""
        await self._session.execute(_unlinked(participation_id))

    async def proposals_of(self, run_id: UUID) -> Sequence[ProposedTo]:
        """See the port."""
        found = await self._session.fetch_all(
            select(pairs.c.mentor_participation_id, pairs.c.mentee_participation_id, pairs.c.score)
            .where(and_(pairs.c.run_id == run_id, pairs.c.released_at.is_not(None)))
            .order_by(pairs.c.mentor_participation_id, pairs.c.mentee_participation_id)
        )
        return [
            ProposedTo(row["mentor_participation_id"], row["mentee_participation_id"], row["score"]) for row in found
        ]

    async def oversight_of(self, run: MatchRun) -> Mapping[str, Any]:
        """See the port."""
        row = await self._session.fetch_one(_OVERSIGHT, {"cohort_id": run.cohort_id, "run_id": run.run_id})
        if row is None:
            raise ValueError("counting gives a row")
        return {
            **row,
            "subjects": {"started": run.requested_by, "approved": run.approved_by, "released": run.released_by},
        }
