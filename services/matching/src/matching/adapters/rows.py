"""Between rows and aggregates, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from matching.application.ports import KnownCohort, KnownParticipation, KnownPerson, KnownProgram
from matching.domain.facts import (
    Direction,
    LanguageLevel,
    PairType,
    ProgramRules,
    Role,
    UnitPolicy,
    Weights,
    WorkingTime,
)
from matching.domain.match_request import AskingSide
from matching.domain.match_run import MatchRun, RunOutcome, RunResult, RunState
from matching.domain.pair import Fit, MatchedTopic, Member, Pair, PairState, Resolution

Row = Mapping[Any, Any]


def run_of(row: Row) -> MatchRun:
    """A run with its result."""
    return MatchRun(
        run_id=row["run_id"],
        cohort_id=row["cohort_id"],
        program_id=row["program_id"],
        business_unit_id=row["business_unit_id"],
        named_unit_ids=tuple(row["named_unit_ids"]),
        requested_at=row["requested_at"],
        state=RunState(row["state"]),
        requested_by=row["requested_by"],
        keep_run_id=row["keep_run_id"],
        deadline_seconds=row["deadline_seconds"],
        attempts=row["attempts"],
        failures=row["failures"],
        settings_version=row["settings_version"],
        outdated=row["outdated"],
        result=None if row["result"] is None else result_of(row["result"]),
        completed_at=row["completed_at"],
        approved_by=row["approved_by"],
        released_by=row["released_by"],
        released_at=row["released_at"],
        version=row["version"],
    )


def result_of(document: Row) -> RunResult:
    """A run's result."""
    values = dict(document)
    outcome, objective = RunOutcome(values.pop("outcome")), tuple(values.pop("objective"))
    values.pop("proof", None)
    return RunResult(outcome=outcome, objective=objective, **values)


def constant_run_values(run: MatchRun) -> dict[str, Any]:
    """What never changes of a run."""
    return {
        "cohort_id": run.cohort_id,
        "program_id": run.program_id,
        "business_unit_id": run.business_unit_id,
        "named_unit_ids": list(run.named_unit_ids),
        "requested_at": run.requested_at,
        "requested_by": run.requested_by,
        "keep_run_id": run.keep_run_id,
        "deadline_seconds": run.deadline_seconds,
    }


def changing_run_values(run: MatchRun) -> dict[str, Any]:
    """What changes of a run."""
    return {
        "state": run.state.value,
        "attempts": run.attempts,
        "failures": run.failures,
        "settings_version": run.settings_version,
        "outdated": run.outdated,
        "result": None if run.result is None else asdict(run.result),
        "completed_at": run.completed_at,
        "approved_by": run.approved_by,
        "released_by": run.released_by,
        "released_at": run.released_at,
        "version": run.version,
    }


def pair_of(row: Row) -> Pair:
    """A pair."""
    return Pair(
        pair_id=row["pair_id"],
        run_id=row["run_id"],
        cohort_id=row["cohort_id"],
        program_id=row["program_id"],
        business_unit_id=row["business_unit_id"],
        named_unit_ids=tuple(row["named_unit_ids"]),
        mentor=Member(row["mentor_id"], row["mentor_participation_id"], row["mentor_accepted_at"]),
        mentee=Member(row["mentee_id"], row["mentee_participation_id"], row["mentee_accepted_at"]),
        fit=Fit(
            score=row["score"],
            parts=row["score_parts"],
            topics=tuple(
                MatchedTopic(topic["topic"], Role(topic["teacher"]), topic["offered_level"], topic["asked_level"])
                for topic in row["topics"]
            ),
            shared_languages=tuple(row["shared_languages"]),
            overlap_minutes=row["overlap_minutes"],
            grade_gap=row["grade_gap"],
            words=tuple(row["words"]),
        ),
        cadence_floor_days=row["cadence_floor_days"],
        state=PairState(row["state"]),
        released_at=row["released_at"],
        expires_at=row["expires_at"],
        formed_at=row["formed_at"],
        version=row["version"],
        broken_rules=tuple(row["broken_rules"]),
        quarantined_at=row["quarantined_at"],
        resolution=None if row["resolution"] is None else Resolution(row["resolution"]),
    )


def constant_pair_values(pair: Pair) -> dict[str, Any]:
    """What never changes of a pair."""
    return {
        "run_id": pair.run_id,
        "cohort_id": pair.cohort_id,
        "program_id": pair.program_id,
        "business_unit_id": pair.business_unit_id,
        "named_unit_ids": list(pair.named_unit_ids),
        "mentor_id": pair.mentor.person_id,
        "mentee_id": pair.mentee.person_id,
        "mentor_participation_id": pair.mentor.participation_id,
        "mentee_participation_id": pair.mentee.participation_id,
        "score": pair.fit.score,
        "score_parts": dict(pair.fit.parts),
        "topics": [
            {
                "topic": topic.topic,
                "teacher": topic.teacher.value,
                "offered_level": topic.offered_level,
                "asked_level": topic.asked_level,
            }
            for topic in pair.fit.topics
        ],
        "shared_languages": list(pair.fit.shared_languages),
        "overlap_minutes": pair.fit.overlap_minutes,
        "grade_gap": pair.fit.grade_gap,
        "words": list(pair.fit.words),
        "cadence_floor_days": pair.cadence_floor_days,
    }


def changing_pair_values(pair: Pair) -> dict[str, Any]:
    """What changes of a pair."""
    return {
        "mentor_accepted_at": pair.mentor.accepted_at,
        "mentee_accepted_at": pair.mentee.accepted_at,
        "state": pair.state.value,
        "released_at": pair.released_at,
        "expires_at": pair.expires_at,
        "formed_at": pair.formed_at,
        "version": pair.version,
        "broken_rules": list(pair.broken_rules),
        "quarantined_at": pair.quarantined_at,
        "resolution": None if pair.resolution is None else pair.resolution.value,
    }


_LISTS_OF_A_PERSON = ("dotted_line_ids", "project_codes", "reviewer_ids")


def person_of(row: Row) -> KnownPerson:
    """A known person."""
    lists = {name: tuple(row[name]) for name in _LISTS_OF_A_PERSON}
    return KnownPerson(**{**row, **lists})


def person_values(person: KnownPerson) -> dict[str, Any]:
    """A known person's row."""
    return {**asdict(person), **{name: list(getattr(person, name)) for name in _LISTS_OF_A_PERSON}}


def program_of(row: Row) -> KnownProgram:
    """A known program."""
    return KnownProgram(
        program_id=row["program_id"],
        business_unit_id=row["business_unit_id"],
        settings_version=row["settings_version"],
        rules=ProgramRules(
            pair_type=PairType(row["pair_type"]),
            direction=Direction(row["direction"]),
            minimum_grade_gap=row["minimum_grade_gap"],
            minimum_language_level=LanguageLevel(row["minimum_language_level"]),
            minimum_overlap_minutes=row["minimum_overlap_minutes"],
            weights=Weights(**row["weights"]),
            unit_policy=UnitPolicy(row["unit_policy"]),
            repeat_pairs=row["repeat_pairs"],
            preference_limit=row["preference_limit"],
        ),
        acceptance_days=row["acceptance_days"],
        facilitator_ids=tuple(row["facilitator_ids"]),
        mode=row["mode"],
        trial_days=row["trial_days"],
        request_days=row["request_days"],
        request_reminder_days=row["request_reminder_days"],
        mentors_per_mentee=row["mentors_per_mentee"],
        asking_side=None if row["asking_side"] is None else AskingSide(row["asking_side"]),
        suppression_threshold=row["suppression_threshold"],
        audit_dimensions=tuple(row["audit_dimensions"]),
        sequence=row["sequence"],
    )


def program_values(program: KnownProgram) -> dict[str, Any]:
    """A known program's row."""
    rules = program.rules
    return {
        "program_id": program.program_id,
        "business_unit_id": program.business_unit_id,
        "settings_version": program.settings_version,
        "pair_type": rules.pair_type.value,
        "direction": rules.direction.value,
        "minimum_grade_gap": rules.minimum_grade_gap,
        "minimum_language_level": int(rules.minimum_language_level),
        "minimum_overlap_minutes": rules.minimum_overlap_minutes,
        "weights": asdict(rules.weights),
        "acceptance_days": program.acceptance_days,
        "facilitator_ids": list(program.facilitator_ids),
        "unit_policy": rules.unit_policy.value,
        "repeat_pairs": rules.repeat_pairs,
        "preference_limit": rules.preference_limit,
        "mode": program.mode,
        "trial_days": program.trial_days,
        "request_days": program.request_days,
        "request_reminder_days": program.request_reminder_days,
        "mentors_per_mentee": program.mentors_per_mentee,
        "asking_side": None if program.asking_side is None else program.asking_side.value,
        "suppression_threshold": program.suppression_threshold,
        "audit_dimensions": list(program.audit_dimensions),
        "sequence": program.sequence,
    }


def cohort_of(row: Row) -> KnownCohort:
    """A known cohort."""
    return KnownCohort(**{**row, "named_unit_ids": tuple(row["named_unit_ids"])})


def cohort_values(cohort: KnownCohort) -> dict[str, Any]:
    """A known cohort's row."""
    return {**asdict(cohort), "named_unit_ids": list(cohort.named_unit_ids)}


def participation_of(row: Row) -> KnownParticipation:
    """A known participation."""
    working_time = None
    if row["time_zone"] is not None:
        working_time = WorkingTime(
            row["time_zone"], row["start_minute"], row["end_minute"], frozenset(row["working_days"])
        )
    return KnownParticipation(
        participation_id=row["participation_id"],
        cohort_id=row["cohort_id"],
        person_id=row["person_id"],
        business_unit_id=row["business_unit_id"],
        named_unit_ids=tuple(row["named_unit_ids"]),
        home_unit_id=row["home_unit_id"],
        role=Role(row["role"]),
        state=row["state"],
        offers=row["offers"],
        asks=row["asks"],
        languages={language: LanguageLevel(level) for language, level in row["languages"].items()},
        working_time=working_time,
        capacity=row["capacity"],
        cadence_floor_days=row["cadence_floor_days"],
        values=tuple(row["declared_values"]),
        style=row["style"],
        channels=tuple(row["channels"]),
        background_codes=tuple(row["background_codes"]),
        priority=row["priority"],
        sequence=row["sequence"],
    )


def participation_values(participation: KnownParticipation) -> dict[str, Any]:
    """A known participation's row."""
    working = participation.working_time
    return {
        "participation_id": participation.participation_id,
        "cohort_id": participation.cohort_id,
        "person_id": participation.person_id,
        "business_unit_id": participation.business_unit_id,
        "named_unit_ids": list(participation.named_unit_ids),
        "home_unit_id": participation.home_unit_id,
        "role": participation.role.value,
        "state": participation.state,
        "offers": dict(participation.offers),
        "asks": dict(participation.asks),
        "languages": {language: int(level) for language, level in participation.languages.items()},
        "time_zone": None if working is None else working.time_zone,
        "start_minute": None if working is None else working.start_minute,
        "end_minute": None if working is None else working.end_minute,
        "working_days": [] if working is None else sorted(working.days),
        "capacity": participation.capacity,
        "cadence_floor_days": participation.cadence_floor_days,
        "declared_values": list(participation.values),
        "style": dict(participation.style),
        "channels": list(participation.channels),
        "background_codes": list(participation.background_codes),
        "priority": participation.priority,
        "sequence": participation.sequence,
    }
