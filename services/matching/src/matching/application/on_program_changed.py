"""Enrollment has published a program: matching keeps the settings that decide who may meet whom."""

from __future__ import annotations

from contracts.enrollment import AskingSide as PublishedAskingSide
from contracts.enrollment import Direction as PublishedDirection
from contracts.enrollment import MatchingMode, ProgramSettings, ProgramType
from contracts.enrollment import UnitPolicy as PublishedUnitPolicy
from contracts.envelope import Envelope

from matching.application.ports import KnownProgram, MatchingUnitOfWork
from matching.domain.facts import Direction, LanguageLevel, PairType, ProgramRules, UnitPolicy, Weights
from matching.domain.match_request import AskingSide

_PAIR_TYPES = {
    ProgramType.REVERSE: PairType.REVERSE,
    ProgramType.TRADITIONAL: PairType.TRADITIONAL,
    ProgramType.RECIPROCAL: PairType.RECIPROCAL,
}
_DIRECTIONS = {PublishedDirection.GRADE: Direction.GRADE, PublishedDirection.EXPERTISE: Direction.EXPERTISE}
_UNIT_POLICIES = {
    PublishedUnitPolicy.ANY: UnitPolicy.ANY,
    PublishedUnitPolicy.ACROSS: UnitPolicy.ACROSS,
    PublishedUnitPolicy.WITHIN: UnitPolicy.WITHIN,
}
_ASKING_SIDES = {
    None: None,
    PublishedAskingSide.MENTEE: AskingSide.MENTEE,
    PublishedAskingSide.MENTOR: AskingSide.MENTOR,
    PublishedAskingSide.BOTH: AskingSide.BOTH,
}
_MODES = {MatchingMode.HR_RUN: "hr_run", MatchingMode.SELF: "self", MatchingMode.HYBRID: "hybrid"}


async def on_program_changed(event: Envelope[ProgramSettings], uow: MatchingUnitOfWork) -> None:
    """Keep the newest version. A type, direction, level, policy, mode or asking side this version does not know raises KeyError: it
    is not guessed.
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
                    values=program.score_weights.values,
                    style=program.score_weights.style,
                    preferences=program.score_weights.preferences,
                    channel=program.score_weights.channel,
                ),
                unit_policy=_UNIT_POLICIES[program.unit_policy],
                repeat_pairs=program.repeat_pairs,
                preference_limit=program.preference_limit,
            ),
            acceptance_days=program.acceptance_days,
            facilitator_ids=program.facilitator_ids,
            mode=_MODES[program.matching_mode],
            trial_days=program.trial_days,
            request_days=program.request_days,
            request_reminder_days=program.request_reminder_days,
            mentors_per_mentee=program.mentors_per_mentee,
            asking_side=_ASKING_SIDES[program.asking_side],
            suppression_threshold=program.suppression_threshold,
            audit_dimensions=program.audit_dimensions,
            sequence=event.sequence,
        )
    )
    await uow.requests.uncheck_program(program.program_id)
