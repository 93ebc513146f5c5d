"""HR files: sending them, and the report about every row."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, File, Query, UploadFile
from fastapi.responses import Response
from pydantic import Field

from enrollment.application.submit_import import LARGEST_FILE, SubmitImport, submit_import
from enrollment.application.views import ReportLine
from enrollment.domain.change_sets import ImportMode
from enrollment.domain.findings import Severity
from enrollment.domain.imports import Import, ImportFormat
from enrollment.entrypoints.acting import ActingFor, acting_unit

router = APIRouter(prefix="/v1", tags=["imports"])


class CountsBody(ResponseBody):
    """Rows and people. `joined`, `moved` and `left` are events; `amended` changed only what is never published."""

    rows_read: int
    rows_in_error: int
    warnings: int
    joined: int
    moved: int
    left: int
    amended: int
    unchanged: int


class ImportBody(ResponseBody):
    """An import and how far it has come: `done` of `size` changes are applied."""

    import_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    format: ImportFormat
    mode: ImportMode
    state: str = Field(description="received, staging, applying, linking, applied or failed", examples=["applied"])
    submitted_at: datetime
    finished_at: datetime | None
    change_set_id: UUID | None
    change_set_size: int = Field(description="How many events the import publishes.")
    size: int
    done: int
    counts: CountsBody
    failure: str | None = Field(description="Why the file as a whole could not be read; nothing was applied then.")


class FindingBody(ResponseBody):
    """What is to be said about a row; rows in error were not applied, all others were applied whole."""

    file: str = Field(examples=["people"])
    row: int = Field(description="As a spreadsheet counts: the header is 1.", examples=[17])
    field: str | None = Field(examples=["time_zone"])
    severity: Severity
    code: str = Field(examples=["unknown-time-zone"])
    message: str
    remedy: str


def import_body(upload: Import) -> ImportBody:
    """The import as shown."""
    return ImportBody(
        import_id=upload.import_id,
        business_unit_id=upload.business_unit_id,
        named_unit_ids=upload.named_unit_ids,
        format=upload.format,
        mode=upload.mode,
        state=upload.state.value,
        submitted_at=upload.submitted_at,
        finished_at=upload.finished_at,
        change_set_id=upload.change_set_id,
        change_set_size=upload.change_set_size,
        size=upload.size,
        done=upload.done,
        counts=CountsBody.model_validate(upload.counts),
        failure=upload.failure,
    )


async def _unit(read: Read, principal: Principal, import_id: UUID) -> UUID | None:
    """The unit to look as: the caller's own, or the import's for a platform administrator, who belongs to none."""
    if not principal.has("platform_admin"):
        return principal.business_unit_id
    async with read() as views:
        owner: UUID = await views.import_owner(import_id)
    return owner


def _finding_body(line: ReportLine) -> FindingBody:
    return FindingBody.model_validate(line.finding)


@router.post(
    "/imports", status_code=202, response_model=ImportBody, responses=problems(404, 413), max_body_size=2 * LARGEST_FILE
)
async def submit_import_route(
    write: Write,
    principal: Annotated[Principal, allow("program_manager", "platform_admin")],
    format: Annotated[ImportFormat, Query(description="What kind of file it is.")],  # noqa: A002 - the public name
    mode: Annotated[
        ImportMode, Query(description="With `full`, people of the file's units who are absent have left.")
    ] = ImportMode.PARTIAL,
    business_unit_id: ActingFor = None,
    people: Annotated[UploadFile | None, File(description="updraft_csv, mentoring_form: the people.")] = None,
    senior: Annotated[UploadFile | None, File(description="uk_organogram: the senior posts.")] = None,
    junior: Annotated[UploadFile | None, File(description="uk_organogram: the junior posts.")] = None,
) -> Response:
    """Send an HR file; a worker applies it in short transactions. A platform administrator's file may name several units."""
    unit_id = acting_unit(principal, business_unit_id)
    uploads = {"people": people, "senior": senior, "junior": junior}
    files = {name: await upload.read() for name, upload in uploads.items() if upload is not None}
    command = SubmitImport(unit_id=unit_id, format=format, mode=mode, files=files)
    return await write(lambda uow: submit_import(command, uow), present=import_body, acting_for=unit_id)


@router.get("/imports", response_model=Page[ImportBody], responses=problems(404))
async def list_imports(
    read: Read, cursor: Cursor, limit: Limit,
    principal: Annotated[Principal, allow("program_manager", "platform_admin")],
    business_unit_id: ActingFor = None,
) -> Page[ImportBody]:  # fmt: skip
    """Imports that concern the unit."""
    async with read(acting_for=acting_unit(principal, business_unit_id)) as views:
        found = await views.uploads(cursor, limit + 1)
    return page(found, limit=limit, key=lambda upload: upload.import_id, present=import_body)


@router.get("/imports/{import_id}", response_model=ImportBody, responses=problems(404))
async def get_import(
    import_id: UUID, read: Read,
    principal: Annotated[Principal, allow("program_manager", "platform_admin")],
) -> ImportBody:  # fmt: skip
    """How far an import has come."""
    async with read(acting_for=await _unit(read, principal, import_id)) as views:
        return import_body(await views.upload(import_id))


@router.get("/imports/{import_id}/findings", response_model=Page[FindingBody], responses=problems(404))
async def list_import_findings(
    import_id: UUID, read: Read, cursor: Cursor, limit: Limit,
    principal: Annotated[Principal, allow("program_manager", "platform_admin")],
    severity: Annotated[Severity | None, Query(description="Only findings of this severity.")] = None,
) -> Page[FindingBody]:  # fmt: skip
    """The report, row by row. Units other than the one that owns the import see its progress, not its rows."""
    async with read(acting_for=await _unit(read, principal, import_id)) as views:
        await views.upload(import_id)
        found = await views.report(import_id, severity.value if severity else None, cursor, limit + 1)
    return page(found, limit=limit, key=lambda line: line.finding_id, present=_finding_body)
