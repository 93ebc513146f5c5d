"""Imports of HR files upon a write session: files, findings and staged changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.database import WriteSession
from contracts.identifiers import uuid7
from sqlalchemy import delete, func, insert, select, text, update

from enrollment.adapters import rows
from enrollment.adapters.tables import import_changes, import_files, import_findings, import_owners, imports
from enrollment.domain.change_sets import Change
from enrollment.domain.findings import RowFinding
from enrollment.domain.imports import FINISHED, Import

_CLAIMING = text("SELECT pg_try_advisory_xact_lock(hashtext('claim import'))")
CLAIM_SECONDS = 30
"""How long a worker that says nothing keeps an import from the others, by the database's clock."""


class Imports:
    """See `application.ports.ImportRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def add(self, upload: Import, files: Mapping[str, bytes]) -> None:
        """See the port."""
        self._session.insert(imports, rows.import_values(upload))
        self._session.insert(import_owners, {"import_id": upload.import_id, "unit_id": upload.business_unit_id})
        for name, content in files.items():
            self._session.insert(
                import_files,
                {
                    "import_id": upload.import_id,
                    "name": name,
                    "business_unit_id": upload.business_unit_id,
                    "content": content,
                },
            )

    async def at_rest(self) -> bool:
        """See the port."""
        # Whoever holds this lock keeps every worker from claiming an import, and so from comparing its file.
        if not await self._session.scalar(_CLAIMING):
            return False
        unfinished = select(imports.c.import_id).where(imports.c.state.not_in([state.value for state in FINISHED]))
        return await self._session.fetch_one(unfinished.limit(1)) is None

    async def claim(self, worker: UUID) -> Import | None:
        """See the port."""
        # One at a time: two workers cannot both find the oldest import unclaimed.
        if not await self._session.scalar(_CLAIMING):
            return None
        row = await self._session.fetch_one(
            select(
                imports,
                (imports.c.claimed_at < func.now() - text(f"interval '{CLAIM_SECONDS} seconds'")).label("is_stale"),
            )
            .where(imports.c.state.not_in([state.value for state in FINISHED]))
            .order_by(imports.c.import_id)
            .limit(1)
        )
        if row is None or (row["claimed_by"] not in {None, worker} and not row["is_stale"]):
            return None
        await self._session.execute(
            update(imports)
            .where(imports.c.import_id == row["import_id"])
            .values(claimed_by=worker, claimed_at=func.now())
        )
        return rows.import_of(row)

    def save(self, upload: Import) -> None:
        """See the port."""
        values = rows.import_values(upload)
        self._session.update(imports, {"import_id": values.pop("import_id")}, values)

    async def files(self, import_id: UUID) -> dict[str, bytes]:
        """See the port."""
        found = await self._session.fetch_all(
            select(import_files.c.name, import_files.c.content).where(import_files.c.import_id == import_id)
        )
        return {row["name"]: row["content"] for row in found}

    async def restart_staging(self, import_id: UUID) -> None:
        """See the port."""
        await self._session.execute(delete(import_findings).where(import_findings.c.import_id == import_id))
        await self._session.execute(delete(import_changes).where(import_changes.c.import_id == import_id))

    async def add_findings(self, upload: Import, findings: Sequence[RowFinding]) -> None:
        """See the port."""
        await self._session.execute(
            insert(import_findings),
            [
                {
                    "finding_id": uuid7(),
                    "import_id": upload.import_id,
                    "business_unit_id": upload.business_unit_id,
                    "file": finding.file,
                    "row_number": finding.row,
                    "field": finding.field,
                    "severity": finding.severity.value,
                    "code": finding.code,
                    "message": finding.message,
                    "remedy": finding.remedy,
                }
                for finding in findings
            ],
        )

    async def stage(self, upload: Import, first: int, changes: Sequence[Change]) -> None:
        """See the port."""
        await self._session.execute(
            insert(import_changes),
            [
                {
                    "import_id": upload.import_id,
                    "place": first + offset,
                    "business_unit_id": upload.business_unit_id,
                    "change": rows.plain_change(change),
                }
                for offset, change in enumerate(changes)
            ],
        )

    async def staged(self, import_id: UUID, first: int, limit: int) -> list[Change]:
        """See the port."""
        found = await self._session.fetch_all(
            select(import_changes.c.change)
            .where(import_changes.c.import_id == import_id, import_changes.c.place >= first)
            .order_by(import_changes.c.place)
            .limit(limit)
        )
        return [rows.change_of(row["change"]) for row in found]

    async def unstage(self, import_id: UUID, before: int) -> None:
        """See the port."""
        await self._session.execute(
            delete(import_changes).where(import_changes.c.import_id == import_id, import_changes.c.place < before)
        )

    async def purge(self, import_id: UUID) -> None:
        """See the port."""
        await self._session.execute(delete(import_files).where(import_files.c.import_id == import_id))
        await self._session.execute(delete(import_changes).where(import_changes.c.import_id == import_id))
