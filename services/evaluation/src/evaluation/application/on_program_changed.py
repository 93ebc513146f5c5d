"""Enrollment has proposed, chartered or revised a program: every version of its settings is kept.

A cohort is evaluated under the settings it opened with, whatever was changed since.
"""

from __future__ import annotations

from contracts.enrollment import ProgramSettings
from contracts.envelope import Envelope

from evaluation.application.ports import EvaluationUnitOfWork, KnownProgram
from evaluation.domain.report import SettingValue


async def on_program_changed(event: Envelope[ProgramSettings], uow: EvaluationUnitOfWork) -> None:
    """Keep the newest version, and the settings under theirs."""
    program = event.data
    uow.known_programs.put(
        KnownProgram(
            program_id=program.program_id,
            business_unit_id=program.business_unit_id,
            facilitator_ids=tuple(sorted(program.facilitator_ids)),
            suppression_threshold=program.suppression_threshold,
            survey_days=program.survey_days,
            evaluation_design=program.evaluation_design.value if program.evaluation_design else None,
            settings_version=program.settings_version,
            settings=choices_of(program),
            sequence=event.sequence,
        )
    )


def choices_of(program: ProgramSettings) -> dict[str, SettingValue]:
    """The choices between contradictory advice, as the program has made them; lists as words with commas."""
    return {
        "type": program.type.value,
        "direction": program.direction.value,
        "formality": program.formality.value,
        "matching_mode": program.matching_mode.value,
        "voluntary": program.voluntary,
        "duration_months": program.duration_months,
        "cadence_days": program.cadence_days,
        "executive_floor_days": program.executive_floor_days,
        "acceptance_days": program.acceptance_days,
        "silence_days": program.silence_days,
        "survey_days": program.survey_days,
        "suppression_threshold": program.suppression_threshold,
        "minimum_grade_gap": program.minimum_grade_gap,
        "minimum_language_level": program.minimum_language_level.value,
        "minimum_overlap_minutes": program.minimum_overlap_minutes,
        "training_required": program.training_required,
        "objectives": ", ".join(objective.value for objective in program.objectives),
        "metrics": ", ".join(metric.value for metric in program.metrics),
    }
