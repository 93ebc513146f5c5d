"""Groups that somebody chooses to be counted in when runs are audited: opt-in, for the purpose `audit` alone, revocable (R3-17).

Self-declared and coarse, never inferred, never seen by a rule or a score. Whoever would rather not say leaves a dimension out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from chassis.ports import InvalidInput

from enrollment.domain.declarations import Choice


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something that groups differ in, and the groups."""

    title: str
    groups: tuple[Choice, ...]


DIMENSIONS: Mapping[str, Dimension] = MappingProxyType(
    {
        "age_band": Dimension(
            "Age",
            (
                Choice("under_35", "Under 35"),
                Choice("from_35_to_49", "35 to 49"),
                Choice("from_50", "50 or older"),
            ),
        ),
        "disability": Dimension(
            "Disability",
            (
                Choice("with_disability", "I have a disability"),
                Choice("without_disability", "I have no disability"),
            ),
        ),
        "ethnicity": Dimension(
            "Ethnicity",
            (
                Choice("minority", "Where I work I belong to an ethnic minority"),
                Choice("majority", "Where I work I do not belong to an ethnic minority"),
            ),
        ),
        "gender": Dimension(
            "Gender",
            (Choice("woman", "Woman"), Choice("man", "Man"), Choice("non_binary", "Non-binary")),
        ),
    }
)
"""Dimensions by code. A program's setting may switch some of them off."""


@dataclass(frozen=True, slots=True)
class AuditGroups:
    """What a person declared: one group for each dimension they chose to declare. Exists only with a consent to the purpose `audit`.

    Raises InvalidInput when nothing is declared, or a dimension or group is not on the list.
    """

    groups: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if not self.groups:
            raise InvalidInput(
                "at least one group", field="groups", remedy="declare one, or take the consent back with DELETE"
            )
        for dimension, group in self.groups:
            known = DIMENSIONS.get(dimension)
            if known is None or group not in {choice.code for choice in known.groups}:
                raise InvalidInput(
                    "no such dimension or group",
                    field=f"groups.{dimension}",
                    remedy="choose from GET /v1/audit-dimensions, or leave the dimension out",
                )

    @staticmethod
    def consented(groups: Mapping[str, str], *, consent: bool) -> AuditGroups:
        """What the person declares, if they consent. Raises InvalidInput when they do not: without consent nothing is taken."""
        if not consent:
            raise InvalidInput(
                "audit groups are only taken with your consent to their use for audits",
                field="consent",
                remedy="send true, or declare nothing",
            )
        return AuditGroups(tuple(sorted(groups.items())))

    def require_allowed(self, dimensions: tuple[str, ...]) -> None:
        """Raises InvalidInput when the program has switched off a dimension that is declared."""
        for dimension, _ in self.groups:
            if dimension not in dimensions:
                raise InvalidInput(
                    "this program audits nothing by this dimension",
                    field=f"groups.{dimension}",
                    remedy="leave the dimension out",
                )
