"""An import of an HR file: how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from enrollment.domain.change_sets import ImportMode


class ImportFormat(StrEnum):
    """`updraft_csv`: one file `people`. `uk_organogram`: a file `senior` and, if there is one, a file `junior`.

    `mentoring_form`: one file `people`, either side of a mentoring scheme's sign-up form.
    """

    UPDRAFT_CSV = "updraft_csv"
    UK_ORGANOGRAM = "uk_organogram"
    MENTORING_FORM = "mentoring_form"


FILES: dict[ImportFormat, tuple[tuple[str, ...], tuple[str, ...]]] = {
    ImportFormat.UPDRAFT_CSV: (("people",), ()),
    ImportFormat.UK_ORGANOGRAM: (("senior",), ("junior",)),
    ImportFormat.MENTORING_FORM: (("people",), ()),
}
"""Names of the files a format needs, and of those it may have besides."""


class ImportState(StrEnum):
    """`received` → `staging` → `applying` → `linking` → `applied`; or `failed`, and then nothing was applied."""

    RECEIVED = "received"
    STAGING = "staging"
    APPLYING = "applying"
    LINKING = "linking"
    APPLIED = "applied"
    FAILED = "failed"


FINISHED = frozenset({ImportState.APPLIED, ImportState.FAILED})


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import found and changed, in rows and in people."""

    rows_read: int = 0
    rows_in_error: int = 0
    warnings: int = 0
    joined: int = 0
    moved: int = 0
    left: int = 0
    amended: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class Import:
    """An upload on its way. `all_units`: rows may belong to any unit, because a platform administrator sent it.

    `change_set_id` names the change set of its events, `size` how many changes are staged in all (events and amendments),
    `done` how many of them are applied. `failure` says why the file as a whole could not be read.
    """

    import_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    format: ImportFormat
    mode: ImportMode
    all_units: bool
    submitted_by: str
    submitted_at: datetime
    state: ImportState = ImportState.RECEIVED
    change_set_id: UUID | None = None
    change_set_size: int = 0
    size: int = 0
    done: int = 0
    counts: ImportCounts = field(default_factory=ImportCounts)
    failure: str | None = None
    finished_at: datetime | None = None
