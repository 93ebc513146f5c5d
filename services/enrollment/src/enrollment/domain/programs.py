"""Programs: charter and rules. Without goals, metrics, an evaluation plan and an accountable owner nothing is launched (R3-22)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis.ports import Conflict, InvalidInput

from enrollment.domain.program_settings import ProgramSettings

LONGEST_TITLE = 120
MOST_FACILITATORS = 100


class ProgramState(StrEnum):
    """The life of a program."""

    PROPOSED = "proposed"
    CHARTERED = "chartered"
    CLOSED = "closed"


class Objective(StrEnum):
    """What a program is for."""

    DIGITAL_SKILLS = "digital_skills"
    PERSPECTIVE = "perspective"
    REPUTATION = "reputation"
    RECRUITING = "recruiting"
    RETENTION = "retention"
    TALENT_INSIGHT = "talent_insight"
    CUSTOMER_INSIGHT = "customer_insight"
    INCLUSION = "inclusion"
    LEADERSHIP = "leadership"
    CONNECTEDNESS = "connectedness"


class Metric(StrEnum):
    """What a program is measured by."""

    SKILL_CHANGE = "skill_change"
    PERSPECTIVE_CHANGE = "perspective_change"
    CONFIDENCE_CHANGE = "confidence_change"
    ENGAGEMENT_CHANGE = "engagement_change"
    INTENT_TO_STAY = "intent_to_stay"
    CONNECTEDNESS_CHANGE = "connectedness_change"
    INCLUSION_CHANGE = "inclusion_change"
    SATISFACTION = "satisfaction"
    CADENCE_KEPT = "cadence_kept"
    PAIRS_COMPLETED = "pairs_completed"


class EvaluationDesign(StrEnum):
    """The comparison a program's effect is measured against, fixed before launch."""

    BEFORE_AFTER = "before_after"
    WAITLIST_COMPARISON = "waitlist_comparison"
    MATCHED_COMPARISON = "matched_comparison"


@dataclass(frozen=True, slots=True)
class Charter:
    """What must be settled before launch. `automatic`: filled in by the platform for a program of a single pair."""

    objectives: tuple[Objective, ...]
    metrics: tuple[Metric, ...]
    evaluation_design: EvaluationDesign
    accountable_owner_id: UUID
    automatic: bool = False


@dataclass(slots=True)
class Program:
    """A program. `settings_version` counts changes of settings, `version` the events about it."""

    program_id: UUID
    business_unit_id: UUID
    title: str
    settings: ProgramSettings
    state: ProgramState = ProgramState.PROPOSED
    charter: Charter | None = None
    sponsor_id: UUID | None = None
    facilitator_ids: tuple[UUID, ...] = ()
    settings_version: int = 1
    version: int = 1

    @staticmethod
    def propose(
        program_id: UUID, business_unit_id: UUID, *, title: str, settings: ProgramSettings, sponsor_id: UUID | None
    ) -> Program:
        """A program as a proposal. Raises InvalidInput when the title is blank or over 120 characters."""
        words = " ".join(title.split())
        if not 1 <= len(words) <= LONGEST_TITLE:
            raise InvalidInput(
                f"a title has 1 to {LONGEST_TITLE} characters", field="title", remedy="say what the program is about"
            )
        return Program(program_id, business_unit_id, words, settings, sponsor_id=sponsor_id)

    def grant_charter(
        self,
        *,
        objectives: tuple[Objective, ...],
        metrics: tuple[Metric, ...],
        evaluation_design: EvaluationDesign | None,
        accountable_owner_id: UUID | None,
        proposer_id: UUID | None,
    ) -> None:
        """Charter the program, after which it may open cohorts.

        Objectives, metrics, evaluation plan and accountable owner are all needed. A program planned for one pair gets those that are
        missing by default (perspective; cadence kept and satisfaction; before and after; the person who asks), and the charter says so.

        Raises InvalidInput naming the first part that is missing, Conflict when the program is not a proposal.
        """
        if self.state is not ProgramState.PROPOSED:
            raise Conflict(f"the program is {self.state}", remedy="only a proposed program is chartered")
        automatic = False
        if self.settings.planned_pairs == 1 and not (
            objectives and metrics and evaluation_design and accountable_owner_id
        ):
            automatic = True
            objectives = objectives or (Objective.PERSPECTIVE,)
            metrics = metrics or (Metric.CADENCE_KEPT, Metric.SATISFACTION)
            evaluation_design = evaluation_design or EvaluationDesign.BEFORE_AFTER
            accountable_owner_id = accountable_owner_id or proposer_id
        if not objectives:
            raise InvalidInput(
                "a program is not launched without objectives", field="objectives", remedy="name at least one"
            )
        if not metrics:
            raise InvalidInput("a program is not launched without metrics", field="metrics", remedy="name at least one")
        if evaluation_design is None:
            raise InvalidInput(
                "a program is not launched without an evaluation plan",
                field="evaluation_design",
                remedy="name the comparison",
            )
        if accountable_owner_id is None:
            raise InvalidInput(
                "a program is not launched without an accountable owner",
                field="accountable_owner_id",
                remedy="name a person",
            )
        self.charter = Charter(
            tuple(dict.fromkeys(objectives)),
            tuple(dict.fromkeys(metrics)),
            evaluation_design,
            accountable_owner_id,
            automatic,
        )
        self.state = ProgramState.CHARTERED
        self.version += 1

    def revise(self, changes: Mapping[str, Any]) -> bool:
        """Change settings by name; whether anything changed. Raises InvalidInput when one is out of range, Conflict when closed."""
        self._open()
        settings = self.settings.changed(changes)
        if settings == self.settings:
            return False
        if self.charter is not None and self.charter.automatic and settings.planned_pairs > 1:
            raise Conflict(
                "the program's charter was filled in for a single pair",
                remedy="propose a program with objectives and metrics of its own",
            )
        self.settings = settings
        self.settings_version += 1
        self.version += 1
        return True

    def appoint_facilitator(self, person_id: UUID) -> bool:
        """Let a person facilitate, and see, this program; whether they did not before. Raises Conflict when there are 100."""
        self._open()
        if person_id in self.facilitator_ids:
            return False
        if len(self.facilitator_ids) >= MOST_FACILITATORS:
            raise Conflict(f"a program has at most {MOST_FACILITATORS} facilitators", remedy="dismiss one first")
        self.facilitator_ids = (*self.facilitator_ids, person_id)
        self.version += 1
        return True

    def dismiss_facilitator(self, person_id: UUID) -> bool:
        """Take a facilitator's access away; whether they had any."""
        self._open()
        if person_id not in self.facilitator_ids:
            return False
        self.facilitator_ids = tuple(other for other in self.facilitator_ids if other != person_id)
        self.version += 1
        return True

    def require_chartered(self) -> None:
        """Raises Conflict unless cohorts may be opened."""
        if self.state is not ProgramState.CHARTERED:
            raise Conflict(
                "the program has no charter: it lacks objectives, metrics, an evaluation plan and an accountable owner",
                remedy="charter it first: POST /v1/programs/{program_id}/charter",
            )

    def _open(self) -> None:
        if self.state is ProgramState.CLOSED:
            raise Conflict("the program is closed", remedy="propose a new program")
