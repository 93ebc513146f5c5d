"""Packs, as their program managers may look at them."""

from __future__ import annotations

from uuid import UUID

from chassis.database import ReadSession
from chassis.ports import Conflict, NotVisible, Principal
from sqlalchemy import select

from matching.adapters.tables import governance_packs, runs
from matching.application.governance_ports import MOST_ATTEMPTS
from matching.application.views import PackView


class GovernanceViews:
    """Reads of one transaction."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def governance_pack(self, run_id: UUID, principal: Principal) -> PackView:
        """The pack of a released run of the principal's own unit.

        :raises NotVisible: no such run for this principal.
        :raises Conflict: the run is not released, its pack is still being computed, or there will be none.
        """
        state = await self._session.scalar(
            select(runs.c.state).where(runs.c.run_id == run_id, runs.c.business_unit_id == principal.business_unit_id)
        )
        if state is None or not principal.has("program_manager"):
            raise NotVisible("no such run")
        if state != "released":
            raise Conflict(f"The run is {state}; only a released run has a pack.", remedy="Release the run first.")
        row = await self._session.fetch_one(select(governance_packs).where(governance_packs.c.run_id == run_id))
        if row is not None and row["document"] is not None:
            return PackView(row["document"], row["digest"])
        if row is not None and row["attempts"] >= MOST_ATTEMPTS:
            raise Conflict("The run has no pack: what it was given is kept no more.", remedy="Look at a later run.")
        raise Conflict("The pack is being computed.", remedy="Ask again in a few seconds.")
