"""Enrollment has published a program: matching keeps the settings that decide who may meet whom."""

from __future__ import annotations

from contracts.enrollment import Direction as PublishedDirection
from contracts.enrollment import ProgramSettings, ProgramType
from contracts.envelope import Envelope

from matching.application.ports import KnownProgram, MatchingUnitOfWork
from matching.domain.facts import Direction, LanguageLevel, PairType, ProgramRules, Weights

_PAIR_TYPES = {
    ProgramType.REVERSE: PairType.REVERSE,
    ProgramType.TRADITIONAL: PairType.TRADITIONAL,
    ProgramType.RECIPROCAL: PairType.RECIPROCAL,
}
_DIRECTIONS = {PublishedDirection.GRADE: Direction.GRADE, PublishedDirection.EXPERTISE: Direction.EXPERTISE}


async def on_program_changed(event: Envelope[ProgramSettings], uow: MatchingUnitOfWork) -> None:
    """Keep the newest version. A type, direction or level this version does not know raises KeyError: it is not
    guessed.
    """
    program = event.data
    uow.known_programs.put(
        KnownProgram(
            program_id=program.program_id,
            business_unit_id=program.business_unit_id,
            settings_version=program.settings_version,
            rules=ProgramRules(
                pair_type=_PAIR_TYPES[program.type],
                direction=_DIRECTIONS[program.direction],
                minimum_grade_gap=program.minimum_grade_gap,
                minimum_language_level=LanguageLevel[program.minimum_language_level.name],
                minimum_overlap_minutes=program.minimum_overlap_minutes,
                weights=Weights(
                    topics=program.score_weights.topics,
                    reciprocity=program.score_weights.reciprocity,
                    distance=program.score_weights.distance,
                    language=program.score_weights.language,
                    hours=program.score_weights.hours,
                ),
            ),
            acceptance_days=program.acceptance_days,
            facilitator_ids=program.facilitator_ids,
            sequence=event.sequence,
        )
    )
