"""A program manager, or a platform administrator, sends an HR file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from chassis.ports import InvalidInput, NotAllowed
from contracts.identifiers import uuid7

from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.change_sets import ImportMode
from enrollment.domain.imports import FILES, Import, ImportFormat

LARGEST_FILE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SubmitImport:
    """The files by name. `unit_id` owns the import; rows may name other units only when a platform administrator sends it."""

    unit_id: UUID | None
    format: ImportFormat
    mode: ImportMode
    files: Mapping[str, bytes]


async def submit_import(command: SubmitImport, uow: EnrollmentUnitOfWork) -> Import:
    """Keep the files for the worker. InvalidInput when a file is missing, empty, too many or too large."""
    unit_id = command.unit_id
    if unit_id is None:
        raise NotAllowed("an import is owned by a business unit")
    if uow.principal.has("platform_admin") and await uow.business_units.unknown([unit_id]):
        raise InvalidInput("no such business unit", field="business_unit_id", remedy="name a registered unit")
    if command.format is ImportFormat.MENTORING_FORM and command.mode is ImportMode.FULL:
        raise InvalidInput("a sign-up form does not list everybody", field="mode", remedy="send it with mode=partial")
    needed, possible = FILES[command.format]
    for name in needed:
        if not command.files.get(name):
            raise InvalidInput(
                f"the file {name} is missing or empty", field=name, remedy=f"send it as the form's part {name}"
            )
    for name, data in command.files.items():
        if name not in (*needed, *possible):
            raise InvalidInput(f"the format has no file {name}", field=name, remedy="leave it out")
        if len(data) > LARGEST_FILE:
            raise InvalidInput(
                f"the file has more than {LARGEST_FILE} bytes", field=name, remedy="split it by business unit"
            )
    upload = Import(
        import_id=uuid7(),
        business_unit_id=unit_id,
        named_unit_ids=(unit_id,),
        format=command.format,
        mode=command.mode,
        all_units=uow.principal.has("platform_admin") and command.format is ImportFormat.UPDRAFT_CSV,
        submitted_by=uow.principal.subject,
        submitted_at=uow.now,
    )
    uow.imports.add(upload, {name: data for name, data in command.files.items() if data})
    uow.audit(
        "import-people",
        subject_id=upload.import_id,
        business_unit_id=unit_id,
        after={"format": upload.format.value, "mode": upload.mode.value, "all_units": upload.all_units},
    )
    return upload
