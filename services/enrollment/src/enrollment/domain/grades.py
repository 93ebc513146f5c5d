"""Grades: the rungs of a unit's own ladder, mapped to a common order so that units can be compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chassis.ports import InvalidInput

LOWEST_RANK = 1
HIGHEST_RANK = 1000
MOST_RUNGS = 64
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./+-]{0,23}")
_NOT_IN_LABEL = re.compile(r"[^A-Za-z0-9 ./+-]+")


def grade_key(label: str) -> str:
    """The form in which two spellings of one grade are equal: case, blanks, dots and hyphens do not count."""
    return re.sub(r"[\s.\-_]+", "", label).casefold()


def grade_label(text: str) -> str:
    """A label that may be published, made of what a file says: at most 24 plain characters; `unknown` when nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    kept = " ".join(_NOT_IN_LABEL.sub(" ", plain).split()).lstrip(" ./+-")[:24].rstrip(" ./+-")
    return kept or "unknown"


@dataclass(frozen=True, slots=True)
class GradeRung:
    """One grade of a ladder; a higher `rank` is more senior, in an order common to all units."""

    grade: str
    rank: int


@dataclass(frozen=True, slots=True)
class GradeLadder:
    """A unit's grades, most junior first."""

    rungs: tuple[GradeRung, ...]

    @staticmethod
    def of(pairs: Iterable[tuple[str, int]]) -> GradeLadder:
        """Build a ladder from (grade, rank) pairs.

        Raises InvalidInput when it is empty, a grade is named twice, or a label or rank is out of bounds. Two grades may share a rank.
        """
        rungs = sorted(
            (GradeRung(" ".join(grade.split()), rank) for grade, rank in pairs), key=lambda r: (r.rank, r.grade)
        )
        if not 1 <= len(rungs) <= MOST_RUNGS:
            raise InvalidInput(
                f"a ladder has 1 to {MOST_RUNGS} grades", field="grade_ladder", remedy="name each grade once"
            )
        seen: set[str] = set()
        for rung in rungs:
            if not _LABEL.fullmatch(rung.grade):
                raise InvalidInput(
                    "a grade's label has 1 to 24 letters, digits, blanks and . / + -",
                    field="grade_ladder",
                    remedy="use the short code of the grade",
                )
            if not LOWEST_RANK <= rung.rank <= HIGHEST_RANK:
                raise InvalidInput(
                    f"a rank lies between {LOWEST_RANK} and {HIGHEST_RANK}",
                    field="grade_ladder",
                    remedy="count rungs upwards from 1",
                )
            if grade_key(rung.grade) in seen:
                raise InvalidInput(
                    f"grade {rung.grade} is on the ladder twice", field="grade_ladder", remedy="name each grade once"
                )
            seen.add(grade_key(rung.grade))
        return GradeLadder(tuple(rungs))

    def find(self, label: str) -> GradeRung | None:
        """The rung that `label` means, whatever its spelling; None when the ladder lacks it."""
        wanted = grade_key(label)
        return next((rung for rung in self.rungs if grade_key(rung.grade) == wanted), None)

    def index(self) -> Mapping[str, GradeRung]:
        """Rungs by `grade_key`, for looking up many."""
        return {grade_key(rung.grade): rung for rung in self.rungs}


_UK_EQUIVALENTS: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("AA", 1, ("E2", "Apprentice", "Adult Apprentice", "Skill Zone 1", "OR1", "OR2", "NHS Band 2")),
    ("AO", 2, ("E1", "AIO", "Personal Secretary", "Skill Zone 2", "OR3", "OR4", "NHS Band 3", "NHS Band 4")),
    (
        "EO",
        3,
        (
            "D",
            "IO",
            "SO",
            "PTO",
            "Assistant Information Officer",
            "SPS",
            "Skill Zone 3",
            "OF1",
            "OR6",
            "OR7",
            "D TTO",
            "D MSF",
            "DM SZ3",
            "NHS Band 5",
        ),
    ),
    (
        "HEO",
        4,
        (
            "C2",
            "HEO-D",
            "FS",
            "CIO",
            "HSO",
            "HPTO",
            "RO",
            "Information Officer",
            "HEO Auditor",
            "Economic Assistant",
            "Assistant Statistician",
            "Fast Stream Grade Band C2",
            "C2 MSF",
            "C2 HTTO",
            "Skill Zone 4",
            "OF2",
            "OR8",
            "OR9",
            "NHS Band 6",
        ),
    ),
    (
        "SEO",
        5,
        (
            "C1",
            "SSO",
            "SRO",
            "SPTO",
            "Senior Information Officer",
            "Senior Stats Officer",
            "Immigration Inspector",
            "Fast Stream Grade Band C1",
            "C1 MSF",
            "C1 STTO",
            "OF3",
            "NHS Band 7",
        ),
    ),
    ("Grade 7", 6, ("G7", "B2", "Grade 7 Economist", "OF4", "NHS Band 8A")),
    ("Grade 6", 7, ("G6", "B1", "OF5", "NHS Band 8B")),
    ("SCS1", 8, ("OF-6", "SCS PB1", "Deputy Director")),
    ("SCS1A", 9, ("SCS PB1A",)),
    ("SCS2", 10, ("OF-7", "SCS PB2", "Director")),
    ("SCS3", 11, ("OF-8", "SCS PB3", "Director General")),
    ("SCS4", 12, ("OF-9", "SCS PB4", "Permanent Secretary")),
)

UK_CIVIL_SERVICE = GradeLadder.of([(grade, rank) for grade, rank, _ in _UK_EQUIVALENTS])
"""The grades of the UK civil service, AA (1) to SCS4 (12)."""

UK_EQUIVALENT_GRADES: Mapping[str, GradeRung] = {
    grade_key(name): GradeRung(grade, rank) for grade, rank, names in _UK_EQUIVALENTS for name in (grade, *names)
}
"""What departments call those grades, by `grade_key`: military and departmental bands with their published equivalents."""
