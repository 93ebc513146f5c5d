"""The worker takes imports from a file to applied changes, in transactions of at most 500 people.

An import is read and compared whole before anything is applied, because its change set must say how many events it has. What was
compared lives in this process (`ImportDesk`) until it is staged in the database; a worker that dies before that only makes the next one
compare again, one that dies afterwards leaves a place from which the next goes on. One import is at work at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from uuid import UUID

from chassis.ports import InvalidInput
from contracts.identifiers import uuid7

from enrollment.application.facts import person_event
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.change_sets import ChangeKind, ChangePlan, KnownPerson, plan_changes
from enrollment.domain.findings import RowFinding, Severity
from enrollment.domain.imports import Import, ImportCounts, ImportFormat, ImportState
from enrollment.domain.mentoring_form import leave_known_people, parse_mentoring_form
from enrollment.domain.parsed_file import ParsedFile
from enrollment.domain.people import UnitDirectory, UnitPolicy
from enrollment.domain.reporting_lines import LineFinding, LineNode, trace_lines
from enrollment.domain.uk_organogram import parse_uk_organogram
from enrollment.domain.updraft_csv import parse_updraft_csv

STAGED_AT_ONCE = 2_000
APPLIED_AT_ONCE = 500
LINKED_AT_ONCE = 2_000
KNOWN_AT_ONCE = 10_000

OpenUnitOfWork = Callable[[], AbstractAsyncContextManager[EnrollmentUnitOfWork]]
"""Opens a unit of work that commits when its block ends without an error."""


@dataclass(slots=True)
class ImportDesk:
    """What this process has at hand of the import it works on; losing it costs time only."""

    worker: UUID = field(default_factory=uuid7)
    import_id: UUID | None = None
    plan: ChangePlan | None = None
    findings: list[RowFinding] = field(default_factory=list)
    findings_kept: int = 0
    staged: int = 0
    ancestors: list[tuple[UUID, tuple[UUID, ...]]] | None = None
    line_findings: list[tuple[LineFinding, tuple[UUID, ...]]] = field(default_factory=list)

    def clear(self) -> None:
        """Forget the import at hand."""
        self.import_id = self.plan = self.ancestors = None
        self.findings, self.line_findings = [], []
        self.findings_kept = self.staged = 0


async def advance_imports(open_uow: OpenUnitOfWork, desk: ImportDesk) -> bool:
    """Do one bounded step of the oldest unfinished import; whether more is waiting."""
    try:
        return await _step(open_uow, desk)
    except BaseException:
        # What the desk counts as staged or linked may not have been committed.
        desk.clear()
        raise


async def _step(open_uow: OpenUnitOfWork, desk: ImportDesk) -> bool:
    async with open_uow() as uow:
        upload = await uow.imports.claim(desk.worker)
        if upload is None:
            return False
        if upload.import_id != desk.import_id:
            desk.clear()
            desk.import_id = upload.import_id
        if upload.state is ImportState.APPLYING:
            await _apply(upload, uow)
            return True
        if upload.state is ImportState.STAGING and desk.plan is not None:
            await _stage(upload, desk, desk.plan, uow)
            return True
        if upload.state is ImportState.LINKING and desk.ancestors is not None:
            await _link(upload, desk, desk.ancestors, uow)
            return True
    if upload.state is ImportState.LINKING:
        await _trace(desk, open_uow)
    else:
        await _compare(upload, desk, open_uow)
    return True


async def _compare(upload: Import, desk: ImportDesk, open_uow: OpenUnitOfWork) -> None:
    """Read the files and compare them with the people known, outside of any transaction; then begin to stage."""
    async with open_uow() as uow:
        files = await uow.imports.files(upload.import_id)
        policies = await uow.business_units.policies()
    try:
        parsed = await asyncio.to_thread(_parse, upload, files, policies)
    except InvalidInput as problem:
        async with open_uow() as uow:
            failed = await uow.imports.claim(desk.worker)
            if failed is not None and failed.import_id == upload.import_id:
                failed.state = ImportState.FAILED
                failed.failure = f"{problem.detail}; {problem.remedy}" if problem.remedy else problem.detail
                failed.finished_at = uow.now
                await uow.imports.purge(failed.import_id)
                uow.imports.save(failed)
        desk.clear()
        return
    units = parsed.unit_ids | {
        ref.business_unit_id for record in parsed.records for ref in (record.manager, *record.dotted) if ref
    }
    known = await _known_people(units, open_uow)
    if upload.format is ImportFormat.MENTORING_FORM:
        leave_known_people(parsed, known)
    plan = await asyncio.to_thread(plan_changes, parsed, known, upload.mode, uuid7, upload.submitted_at.date())
    desk.plan, desk.staged, desk.findings_kept = plan, 0, 0
    desk.findings = sorted((*parsed.findings, *plan.findings), key=lambda finding: (finding.file, finding.row))
    async with open_uow() as uow:
        begun = await uow.imports.claim(desk.worker)
        if begun is None or begun.import_id != upload.import_id:
            desk.clear()
            return
        await uow.imports.restart_staging(begun.import_id)
        begun.state = ImportState.STAGING
        begun.named_unit_ids = tuple(dict.fromkeys((begun.business_unit_id, *sorted(parsed.unit_ids))))
        begun.counts = _counts(parsed, plan, desk.findings)
        begun.size, begun.done, begun.change_set_size = len(plan.changes), 0, plan.size
        begun.change_set_id = uuid7() if plan.size else None
        uow.imports.save(begun)


async def _known_people(units: Collection[UUID], open_uow: OpenUnitOfWork) -> list[KnownPerson]:
    """Everybody known of the units, page by page: only this import changes people meanwhile."""
    known: list[KnownPerson] = []
    while units:
        async with open_uow() as uow:
            found = await uow.people.of_units(units, known[-1].person_id if known else None, KNOWN_AT_ONCE)
        known += found
        if len(found) < KNOWN_AT_ONCE:
            break
    return known


def _parse(upload: Import, files: Mapping[str, bytes], policies: list[UnitPolicy]) -> ParsedFile:
    writable = {policy.business_unit_id for policy in policies} if upload.all_units else {upload.business_unit_id}
    directory = UnitDirectory.of(policies, writable)
    if upload.format is ImportFormat.UPDRAFT_CSV:
        return parse_updraft_csv(files["people"], directory)
    unit = next((policy for policy in policies if policy.business_unit_id == upload.business_unit_id), None)
    if unit is None:
        raise InvalidInput("the business unit is not registered", remedy="register it first")
    if upload.format is ImportFormat.MENTORING_FORM:
        return parse_mentoring_form(files["people"], directory, unit)
    return parse_uk_organogram(files["senior"], files.get("junior"), directory, unit)


def _counts(parsed: ParsedFile, plan: ChangePlan, findings: list[RowFinding]) -> ImportCounts:
    return ImportCounts(
        rows_read=parsed.rows_read,
        rows_in_error=parsed.rows_in_error,
        warnings=sum(finding.severity is Severity.WARNING for finding in findings),
        joined=plan.count(ChangeKind.JOINED),
        moved=plan.count(ChangeKind.MOVED),
        left=plan.count(ChangeKind.LEFT),
        amended=plan.count(ChangeKind.AMENDED),
        unchanged=plan.unchanged,
    )


async def _stage(upload: Import, desk: ImportDesk, plan: ChangePlan, uow: EnrollmentUnitOfWork) -> None:
    findings = desk.findings[desk.findings_kept : desk.findings_kept + STAGED_AT_ONCE]
    changes = plan.changes[desk.staged : desk.staged + STAGED_AT_ONCE]
    if findings:
        await uow.imports.add_findings(upload, findings)
    if changes:
        await uow.imports.stage(upload, desk.staged, changes)
    desk.findings_kept += len(findings)
    desk.staged += len(changes)
    if desk.staged == len(plan.changes) and desk.findings_kept == len(desk.findings):
        upload.state = ImportState.APPLYING if plan.changes else ImportState.LINKING
        desk.clear()
    uow.imports.save(upload)


async def _apply(upload: Import, uow: EnrollmentUnitOfWork) -> None:
    changes = await uow.imports.staged(upload.import_id, upload.done, APPLIED_AT_ONCE)
    await uow.people.apply(changes, uow.now)
    for change in changes:
        if change.kind.is_published and upload.change_set_id is not None:
            uow.publish(
                person_event(change, upload.change_set_id, upload.change_set_size), sequence=change.person.version
            )
    upload.done += len(changes)
    await uow.imports.unstage(upload.import_id, upload.done)
    if upload.done >= upload.size or not changes:
        upload.state = ImportState.LINKING
    uow.imports.save(upload)


async def _trace(desk: ImportDesk, open_uow: OpenUnitOfWork) -> None:
    """Follow all reporting lines, outside of any transaction, and remember whose ancestors have changed."""
    async with open_uow() as uow:
        people, stored = await uow.people.lines()
    desk.ancestors, desk.line_findings = await asyncio.to_thread(_changed_lines, people, stored)


def _changed_lines(
    people: Mapping[UUID, LineNode], stored: Mapping[UUID, tuple[UUID, ...]]
) -> tuple[list[tuple[UUID, tuple[UUID, ...]]], list[tuple[LineFinding, tuple[UUID, ...]]]]:
    lines = trace_lines(people)
    changed = [(person_id, chain) for person_id, chain in lines.ancestors.items() if stored.get(person_id) != chain]
    units = [
        (finding, tuple(dict.fromkeys(people[person_id].business_unit_id for person_id in finding.person_ids)))
        for finding in lines.findings
    ]
    return changed, units


async def _link(
    upload: Import, desk: ImportDesk, ancestors: list[tuple[UUID, tuple[UUID, ...]]], uow: EnrollmentUnitOfWork
) -> None:
    batch, desk.ancestors = ancestors[:LINKED_AT_ONCE], ancestors[LINKED_AT_ONCE:]
    if batch:
        await uow.people.store_ancestors(dict(batch))
    if not desk.ancestors:
        await uow.people.replace_line_findings(desk.line_findings, uow.now)
        await uow.imports.purge(upload.import_id)
        upload.state = ImportState.APPLIED
        upload.finished_at = uow.now
        desk.clear()
    uow.imports.save(upload)
