"""What may be looked at, by whom. Row-level security has limited everything to the business unit before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chassis.database import ReadSession
from chassis.ports import NotVisible, Principal
from sqlalchemy import ColumnElement, RowMapping, Select, Table, Text, and_, any_, false, func, literal, or_, select

from matching.adapters import rows
from matching.adapters.governance_views import GovernanceViews
from matching.adapters.guard_views import GuardViews
from matching.adapters.mode_views import ModeViews
from matching.adapters.tables import (
    known_cohorts,
    known_pairs,
    known_programs,
    pairs,
    run_records,
    run_unmatched,
    runs,
)
from matching.adapters.visibility import page_of
from matching.application.views import (
    OwnProposalView,
    OwnUnmatchedView,
    PairView,
    ProposedIn,
    Role,
    RunContent,
    RunView,
    UnmatchedView,
    own_proposal_view,
    pair_view,
    run_view,
    unmatched_view,
)
from matching.domain.sentences import coded

_ENDED = func.coalesce(known_pairs.c.ended, False).label("ended")
_PAIRS = select(pairs, _ENDED).select_from(pairs.outerjoin(known_pairs, known_pairs.c.pair_id == pairs.c.pair_id))


# Who was in a snapshot is never looked at here, and may be a hundred thousand ids.
_RUNS = select(
    *(column for column in runs.columns if column.name != "people"),
    select(run_records.c.run_id)
    .where(run_records.c.run_id == runs.c.run_id, run_records.c.name == "input")
    .exists()
    .label("replayable"),
)


def _run(row: RowMapping) -> RunView:
    replayable = row["replayable"] and row["result"] is not None
    return run_view(rows.run_of(row), replayable=replayable, stage=row["stage"], share=row["share"])


def _run_by(table: Table, principal: Principal) -> ColumnElement[bool]:
    """Rows of cohorts the principal runs: the owner's program managers, facilitators where the program names them."""
    seen: list[ColumnElement[bool]] = [false()]
    if principal.has("program_manager"):
        seen.append(table.c.business_unit_id == principal.business_unit_id)
    if principal.has("facilitator") and principal.person_id is not None:
        seen.append(
            select(known_programs.c.program_id)
            .where(
                known_programs.c.program_id == table.c.program_id,
                literal(principal.person_id) == any_(known_programs.c.facilitator_ids),
            )
            .exists()
        )
    return or_(*seen)


def _own(principal: Principal) -> ColumnElement[bool]:
    if principal.person_id is None:
        return false()
    mine = or_(pairs.c.mentor_id == principal.person_id, pairs.c.mentee_id == principal.person_id)
    return and_(mine, pairs.c.state != "proposed")


class MatchingViews(GuardViews, ModeViews, GovernanceViews):
    """Reads of one transaction."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def run(self, run_id: UUID, principal: Principal) -> RunView:
        """A run with its certificate.

        :raises NotVisible: there is none, or not for this principal.
        """
        row = await self._session.fetch_one(_RUNS.where(runs.c.run_id == run_id, _run_by(runs, principal)))
        if row is None:
            raise NotVisible("no such run")
        return _run(row)

    async def run_content(self, run_id: UUID, principal: Principal) -> RunContent:
        """What a run was given and its proof, compressed as they are kept.

        :raises NotVisible: no such run for this principal.
        """
        await self.run(run_id, principal)
        found = await self._session.fetch_all(
            select(run_records.c.name, run_records.c.content).where(run_records.c.run_id == run_id)
        )
        contents = {row["name"]: bytes(row["content"]) for row in found}
        return RunContent(run_id, contents.get("input"), contents.get("proof"))

    async def proposes(self, run_id: UUID, mentor: UUID, mentee: UUID) -> bool:
        """Whether a run that may be seen proposes these two participations to each other."""
        found = select(pairs.c.pair_id).where(
            pairs.c.run_id == run_id,
            pairs.c.mentor_participation_id == mentor,
            pairs.c.mentee_participation_id == mentee,
        )
        return await self._session.fetch_one(found) is not None

    async def proposed_pairs(self, run_id: UUID) -> Sequence[tuple[UUID, UUID]]:
        """The participations (mentor, mentee) of all pairs of a run that may be seen, whatever became of them."""
        found = await self._session.fetch_all(
            select(pairs.c.mentor_participation_id, pairs.c.mentee_participation_id).where(pairs.c.run_id == run_id)
        )
        return [(row["mentor_participation_id"], row["mentee_participation_id"]) for row in found]

    async def own_proposed_in(self, pair_id: UUID, principal: Principal) -> ProposedIn:
        """What a proposal made to the principal came of.

        :raises NotVisible: there is none.
        """
        row = await self._session.fetch_one(
            select(pairs.c.run_id, pairs.c.mentor_participation_id, pairs.c.mentee_participation_id).where(
                pairs.c.pair_id == pair_id, _own(principal)
            )
        )
        if row is None:
            raise NotVisible("no such proposal")
        kept = await self._session.fetch_all(
            select(run_records.c.name, run_records.c.content).where(run_records.c.run_id == row["run_id"])
        )
        contents = {record["name"]: bytes(record["content"]) for record in kept}
        seed = await self._session.scalar(
            select(runs.c.result["input_hash"].astext).where(
                runs.c.run_id == row["run_id"], runs.c.result["outcome"].astext == "optimal"
            )
        )
        ends = row["mentor_participation_id"], row["mentee_participation_id"]
        return ProposedIn(ends, contents.get("input"), contents.get("proof"), seed)

    async def unmatched_of_run(
        self, run_id: UUID, principal: Principal, *, after: UUID | None, limit: int
    ) -> Sequence[UnmatchedView]:
        """At most `limit` of those a run found no pair for, in the order of their participations.

        :raises NotVisible: no such run for this principal.
        """
        run = await self.run(run_id, principal)
        if run.certificate is None:
            return ()
        of_run = select(run_unmatched).where(run_unmatched.c.run_id == run_id)
        found = await self._session.fetch_all(page_of(of_run, run_unmatched.c.participation_id, after, limit))
        return [unmatched_view(row) for row in found]

    async def unmatched_one(self, run_id: UUID, participation_id: UUID, principal: Principal) -> UnmatchedView:
        """Somebody a run found no pair for.

        :raises NotVisible: nobody of that id, or no such run for this principal.
        """
        await self.run(run_id, principal)
        row = await self._session.fetch_one(
            select(run_unmatched).where(
                run_unmatched.c.run_id == run_id, run_unmatched.c.participation_id == participation_id
            )
        )
        if row is None:
            raise NotVisible("no such participation")
        return unmatched_view(row)

    async def own_unmatched(self, principal: Principal) -> Sequence[OwnUnmatchedView]:
        """Where the principal got no pair in the youngest released run of a cohort; one entry a cohort."""
        if principal.person_id is None:
            return ()
        youngest = (
            select(func.max(runs.c.run_id.cast(Text)))
            .where(runs.c.cohort_id == run_unmatched.c.cohort_id, runs.c.state == "released")
            .scalar_subquery()
        )
        found = await self._session.fetch_all(
            select(run_unmatched)
            .where(run_unmatched.c.person_id == principal.person_id, run_unmatched.c.run_id.cast(Text) == youngest)
            .order_by(run_unmatched.c.run_id)
        )
        return [
            OwnUnmatchedView(
                row["run_id"], row["cohort_id"], row["participation_id"], Role(row["role"]), (coded("own_waiting"),)
            )
            for row in found
        ]

    async def own_unmatched_content(self, run_id: UUID, principal: Principal) -> tuple[UUID, RunContent]:
        """The principal's participation that a released run found no pair for, and what the run was given.

        :raises NotVisible: none of the principal's in this run.
        """
        for own in await self.own_unmatched(principal):
            if own.run_id == run_id:
                content = await self._session.scalar(
                    select(run_records.c.content).where(run_records.c.run_id == run_id, run_records.c.name == "input")
                )
                return own.participation_id, RunContent(run_id, None if content is None else bytes(content), None)
        raise NotVisible("no such run")

    async def runs_of_cohort(
        self, cohort_id: UUID, principal: Principal, *, after: UUID | None, limit: int
    ) -> Sequence[RunView]:
        """At most `limit` runs of a cohort in the order of their ids, after the id `after`.

        :raises NotVisible: no such cohort for this principal.
        """
        cohort = await self._session.fetch_one(
            select(known_cohorts.c.cohort_id).where(
                known_cohorts.c.cohort_id == cohort_id, _run_by(known_cohorts, principal)
            )
        )
        if cohort is None:
            raise NotVisible("no such cohort")
        paged = page_of(_RUNS.where(runs.c.cohort_id == cohort_id), runs.c.run_id, after, limit)
        return [_run(row) for row in await self._session.fetch_all(paged)]

    async def pairs_of_run(
        self, run_id: UUID, principal: Principal, *, after: UUID | None, limit: int
    ) -> Sequence[PairView]:
        """At most `limit` proposals of a run in the order of their ids, released or not.

        :raises NotVisible: no such run for this principal.
        """
        if (await self.run(run_id, principal)).certificate is None:
            return ()
        return await self._pairs(page_of(_PAIRS.where(pairs.c.run_id == run_id), pairs.c.pair_id, after, limit))

    async def pairs(
        self, principal: Principal, *, cohort_id: UUID | None, state: str | None, after: UUID | None, limit: int
    ) -> Sequence[PairView]:
        """At most `limit` released pairs in the order of their ids; of one cohort or in one state where named."""
        statement = _PAIRS.where(_run_by(pairs, principal), pairs.c.state != "proposed")
        if cohort_id is not None:
            statement = statement.where(pairs.c.cohort_id == cohort_id)
        if state is not None:
            statement = statement.where(pairs.c.state == state)
        return await self._pairs(page_of(statement, pairs.c.pair_id, after, limit))

    async def pair(self, pair_id: UUID, principal: Principal) -> PairView:
        """A released pair.

        :raises NotVisible: there is none, or not for this principal.
        """
        found = await self._pairs(
            _PAIRS.where(pairs.c.pair_id == pair_id, _run_by(pairs, principal), pairs.c.state != "proposed")
        )
        if not found:
            raise NotVisible("no such pair")
        return found[0]

    async def own_proposals(self, principal: Principal, *, after: UUID | None, limit: int) -> Sequence[OwnProposalView]:
        """At most `limit` proposals made to the principal, in the order of their ids."""
        found = await self._session.fetch_all(
            page_of(select(pairs).where(_own(principal)), pairs.c.pair_id, after, limit)
        )
        return [own_proposal_view(rows.pair_of(row), principal.person_id) for row in found]

    async def own_proposal(self, pair_id: UUID, principal: Principal) -> OwnProposalView:
        """A proposal made to the principal.

        :raises NotVisible: there is none.
        """
        row = await self._session.fetch_one(select(pairs).where(pairs.c.pair_id == pair_id, _own(principal)))
        if row is None:
            raise NotVisible("no such proposal")
        return own_proposal_view(rows.pair_of(row), principal.person_id)

    async def _pairs(self, statement: Select[Any]) -> Sequence[PairView]:
        found = await self._session.fetch_all(statement)
        return [pair_view(rows.pair_of(row), ended=row["ended"]) for row in found]
