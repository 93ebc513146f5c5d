"""People as the HR system knows them: coarse facts that may be published, and an identity that never leaves enrollment."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from enrollment.domain.grades import GradeLadder, GradeRung
from enrollment.domain.languages import LanguageSkill

LONGEST_NAME = 120
_CODE_PARTS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class UnitPolicy:
    """What reading a row needs of a business unit."""

    business_unit_id: UUID
    code: str
    ladder: GradeLadder
    default_time_zone: str


@dataclass(slots=True)
class UnitDirectory:
    """The units a file may name, by code; `writable` are those the importer may write."""

    units: Mapping[str, UnitPolicy]
    writable: Collection[UUID]
    _ladders: dict[UUID, Mapping[str, GradeRung]] = field(default_factory=dict)

    @staticmethod
    def of(policies: Collection[UnitPolicy], writable: Collection[UUID]) -> UnitDirectory:
        """A directory of `policies`; codes are compared without regard to case."""
        return UnitDirectory({policy.code.casefold(): policy for policy in policies}, writable)

    def find(self, code: str) -> UnitPolicy | None:
        """The unit of that code, writable or not."""
        return self.units.get(code.casefold())

    def may_write(self, policy: UnitPolicy) -> bool:
        """Whether the importer may change people of the unit."""
        return policy.business_unit_id in self.writable

    def rungs(self, policy: UnitPolicy) -> Mapping[str, GradeRung]:
        """The unit's rungs by grade key."""
        if policy.business_unit_id not in self._ladders:
            self._ladders[policy.business_unit_id] = policy.ladder.index()
        return self._ladders[policy.business_unit_id]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the person is. Personal data: kept in a table of its own, never in an event, a log or an error."""

    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    job_title: str | None = None


@dataclass(frozen=True, slots=True)
class PersonReference:
    """A person named by unit and employee number, as files do. Numbers compare without regard to case."""

    business_unit_id: UUID
    employee_number: str

    @property
    def key(self) -> tuple[UUID, str]:
        """What two references to one person share."""
        return (self.business_unit_id, self.employee_number.casefold())


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """One person of a file that was read without error, the references not yet resolved.

    `grade_rank` is 0 when nothing says how senior the grade is. `function` and `region` are codes (`human_resources`), `country`
    an ISO 3166 code of two capitals. `manager_named` says that the file names a superior, even one it does not contain.
    `projects` are written `unit|project`, by the code of the unit whose project it is; `reviewers` review the person's performance.
    """

    file: str
    row: int
    reference: PersonReference
    identity: Identity
    grade: str
    grade_rank: int
    team: str | None
    function: str | None
    region: str | None
    country: str | None
    time_zone: str
    languages: tuple[LanguageSkill, ...]
    manager: PersonReference | None
    dotted: tuple[PersonReference, ...]
    joined_on: date | None
    manager_named: bool = False
    projects: tuple[str, ...] = ()
    reviewers: tuple[PersonReference, ...] = ()


def code_of(text: str) -> str | None:
    """The coarse code of a word such as a function or a region: `Human Resources` becomes `human_resources`.

    At most 32 lower-case ASCII letters, digits and underscores, beginning with a letter; None when nothing is left.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _CODE_PARTS.sub("_", plain).strip("_").lstrip("0123456789_")[:32].rstrip("_") or None
