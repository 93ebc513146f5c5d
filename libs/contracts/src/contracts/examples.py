"""One realistic event of every type, for documents and for tests: one pair, its program, its year. Deterministic."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from contracts import catalog
from contracts import engagement as en
from contracts import enrollment as er
from contracts import evaluation as ev
from contracts import matching as ma
from contracts.envelope import Envelope
from contracts.event import Event

E = TypeVar("E", bound=Event)

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def _id(number: int) -> UUID:
    """A fixed identifier of version 7, for examples only."""
    return UUID(f"01956a1c-8000-7000-8000-{number:012x}")


UNIT, OTHER_UNIT = _id(1), _id(2)
MENTOR, MENTEE, MANAGER, OWNER = _id(11), _id(12), _id(13), _id(14)
PROGRAM, COHORT, RUN, PAIR, MEETING, WAVE = _id(21), _id(22), _id(23), _id(24), _id(25), _id(26)
MENTOR_PARTICIPATION, MENTEE_PARTICIPATION, CHANGE_SET = _id(31), _id(32), _id(41)
_SHARED: dict[str, Any] = {"business_unit_id": UNIT, "named_unit_ids": (UNIT, OTHER_UNIT)}
_IN_COHORT: dict[str, Any] = _SHARED | {"cohort_id": COHORT, "program_id": PROGRAM}
_SIDES: dict[str, Any] = {
    "mentor_id": MENTOR,
    "mentee_id": MENTEE,
    "mentor_participation_id": MENTOR_PARTICIPATION,
    "mentee_participation_id": MENTEE_PARTICIPATION,
}


def _at(month: int, day: int, hour: int = 9, *, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


_PERSON: dict[str, Any] = {
    "business_unit_id": UNIT,
    "person_id": MENTOR,
    "state": er.EmploymentState.EMPLOYED,
    "grade": "G4",
    "grade_rank": 40,
    "manager_id": MANAGER,
    "team_code": "9f86d081884c7d65",
    "function": "engineering",
    "region": "emea",
    "country": "PT",
    "project_codes": ("d4735e3a265e16ee",),
    "reviewer_ids": (MANAGER,),
    "tenure_band": "from_1_to_3",
    "change_set_id": CHANGE_SET,
    "change_set_size": 1250,
    "change_set_index": 17,
}
_SETTINGS: dict[str, Any] = {
    "business_unit_id": UNIT,
    "program_id": PROGRAM,
    "state": er.ProgramState.PROPOSED,
    "settings_version": 1,
    "type": er.ProgramType.REVERSE,
    "direction": er.Direction.GRADE,
    "matching_mode": er.MatchingMode.HR_RUN,
    "formality": er.Formality.STANDARD,
    "voluntary": True,
    "duration_months": 12,
    "cadence_days": 21,
    "executive_floor_days": 30,
    "acceptance_days": 14,
    "reminder_days": 7,
    "silence_days": 21,
    "survey_days": 14,
    "suppression_threshold": 5,
    "minimum_grade_gap": 1,
    "minimum_language_level": "B1",
    "minimum_overlap_minutes": 120,
    "training_required": True,
    "score_weights": {
        "topics": 60,
        "reciprocity": 15,
        "distance": 15,
        "language": 5,
        "hours": 5,
        "values": 10,
        "style": 10,
        "preferences": 15,
        "channel": 5,
    },
    "unit_policy": er.UnitPolicy.ANY,
    "repeat_pairs": False,
    "preference_limit": 5,
    "mentors_per_mentee": 1,
    "trial_days": 0,
    "request_days": 14,
    "request_reminder_days": 7,
    "asking_side": er.AskingSide.MENTEE,
    "trial_reminder_days": 3,
    "audit_dimensions": ("age_band", "disability", "ethnicity", "gender"),
}
_CHARTER: dict[str, Any] = _SETTINGS | {
    "state": er.ProgramState.CHARTERED,
    "objectives": (er.Objective.DIGITAL_SKILLS, er.Objective.RETENTION),
    "metrics": (er.Metric.SKILL_CHANGE, er.Metric.INTENT_TO_STAY, er.Metric.CADENCE_KEPT),
    "evaluation_design": er.EvaluationDesign.BEFORE_AFTER,
    "accountable_owner_id": OWNER,
    "sponsor_id": MANAGER,
}
_COHORT: dict[str, Any] = _IN_COHORT | {
    "settings_version": 1,
    "enrollment_opens_on": date(2026, 1, 12),
    "enrollment_closes_on": date(2026, 2, 13),
    "starts_on": date(2026, 3, 2),
    "ends_on": date(2027, 3, 2),
}
_PARTICIPATION: dict[str, Any] = _IN_COHORT | {
    "participation_id": MENTOR_PARTICIPATION,
    "person_id": MENTOR,
    "home_unit_id": UNIT,
    "role": "mentor",
}
_APPLICATION: dict[str, Any] = _PARTICIPATION | {
    "offers": ({"topic": "technology.ai", "level": 4}, {"topic": "social_media.video", "level": 3}),
    "asks": ({"topic": "trends.customer_insight", "level": 2},),
    "languages": ({"language": "en", "level": "C1"}, {"language": "pt", "level": "C2"}),
    "time_zone": "Europe/Lisbon",
    "working_hours": {"start_minute": 540, "end_minute": 1050},
    "working_days": ("monday", "tuesday", "wednesday", "thursday", "friday"),
    "capacity": 2,
    "values": ("creativity", "independence"),
    "working_style": {"pace": 4, "structure": 2, "directness": 5, "formality": 1},
    "preferred_channels": ("video", "in_person"),
    "background_codes": ("ef2d127de37b942b",),
    "priority": 2,
}
_ADMITTED: dict[str, Any] = _APPLICATION | {"screening_passed": True}
_CONSENT: dict[str, Any] = {
    "business_unit_id": UNIT,
    "consent_id": _id(51),
    "purpose": er.Purpose.AUDIT,
    "participation_id": MENTOR_PARTICIPATION,
    "cohort_id": COHORT,
    "person_id": MENTOR,
}
_RUN: dict[str, Any] = _IN_COHORT | {
    "run_id": RUN,
    "outcome": ma.RunOutcome.OPTIMAL,
    "settings_version": 1,
    "mentors": 42,
    "mentees": 38,
    "possible_pairs": 1596,
    "allowed_pairs": 1102,
    "excluded": ({"rule": "reporting_chain", "pairs": 61}, {"rule": "same_team", "pairs": 24}),
    "proposals": 38,
    "unmatched_mentors": 4,
    "unmatched_mentees": 0,
    "objective_levels": (38, 29140),
    "input_hash": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
    "certificate_hash": "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
    "solve_milliseconds": 412,
    "completed_at": _at(2, 16),
}
_PROPOSAL: dict[str, Any] = (
    _IN_COHORT
    | _SIDES
    | {
        "pair_id": PAIR,
        "run_id": RUN,
        "score": 847,
        "topics": (
            {"topic": "technology.ai", "teacher": "mentor", "offered_level": 4, "asked_level": 3},
            {"topic": "trends.customer_insight", "teacher": "mentee", "offered_level": 5, "asked_level": 2},
        ),
        "shared_languages": ("en",),
        "overlap_minutes": 420,
        "grade_gap": 50,
        "cadence_floor_days": 30,
        "proposed_at": _at(2, 17),
        "expires_at": _at(3, 3),
    }
)
_FORMED: dict[str, Any] = _PROPOSAL | {"formed_at": _at(2, 20)}
_PAIR: dict[str, Any] = (
    _IN_COHORT
    | _SIDES
    | {
        "pair_id": PAIR,
        "state": en.PairState.ACTIVE,
        "health": en.PairHealth.ON_TRACK,
        "agreement_version": 1,
        "signed_by": ("mentor", "mentee"),
        "cadence_days": 30,
        "channel": "video",
        "mentor_trained": True,
        "mentee_trained": True,
        "formed_at": _at(2, 20),
        "activated_at": _at(3, 2),
        "ends_on": date(2027, 3, 2),
    }
)
_MEETING: dict[str, Any] = _IN_COHORT | {
    "meeting_id": MEETING,
    "pair_id": PAIR,
    "scheduled_for": _at(3, 23, 14),
}
_WAVE: dict[str, Any] = _IN_COHORT | {
    "wave_id": WAVE,
    "kind": ev.WaveKind.BASELINE,
    "instrument_version": 1,
    "opens_at": _at(3, 2),
    "closes_at": _at(3, 16),
    "invited_count": 76,
}

_DATA: dict[type[Event], dict[str, Any]] = {
    er.BusinessUnitRegistered: {
        "business_unit_id": UNIT,
        "code": "mobility-europe",
        "grade_ladder": ({"grade": "G4", "rank": 40}, {"grade": "G9", "rank": 90}),
        "default_time_zone": "Europe/Lisbon",
    },
    er.PersonJoined: _PERSON,
    er.PersonMoved: _PERSON | {"grade": "G5", "grade_rank": 50, "dotted_line_manager_ids": (OWNER,)},
    er.PersonLeft: _PERSON | {"state": er.EmploymentState.LEFT},
    er.PersonErased: {
        "business_unit_id": UNIT,
        "person_id": MENTOR,
        "state": er.EmploymentState.ERASED,
        "grade": "G4",
        "grade_rank": 40,
        "change_set_id": CHANGE_SET,
        "change_set_size": 1,
        "change_set_index": 0,
    },
    er.ProgramProposed: _SETTINGS,
    er.ProgramChartered: _CHARTER,
    er.ProgramRevised: _CHARTER | {"settings_version": 2, "silence_days": 28, "facilitator_ids": (OWNER,)},
    er.CohortOpened: _COHORT | {"state": er.CohortState.ENROLLING},
    er.CohortEnrollmentClosed: _COHORT | {"state": er.CohortState.MATCHING},
    er.CohortActivated: _COHORT | {"state": er.CohortState.ACTIVE},
    er.CohortEvaluationStarted: _COHORT | {"state": er.CohortState.EVALUATING},
    er.CohortClosed: _COHORT | {"state": er.CohortState.CLOSED},
    er.ParticipantNominated: _PARTICIPATION | {"state": er.ParticipationState.NOMINATED},
    er.ParticipantApplied: _APPLICATION | {"state": er.ParticipationState.APPLIED},
    er.ParticipantScreened: _ADMITTED | {"state": er.ParticipationState.SCREENED},
    er.ParticipantAdmitted: _ADMITTED | {"state": er.ParticipationState.ADMITTED},
    er.ParticipantWaitlisted: _ADMITTED | {"state": er.ParticipationState.WAITLISTED},
    er.ParticipantDeclined: _APPLICATION | {"state": er.ParticipationState.DECLINED, "screening_passed": False},
    er.ParticipantMatched: _ADMITTED | {"state": er.ParticipationState.MATCHED, "pair_ids": (PAIR,)},
    er.ParticipantCompleted: _ADMITTED | {"state": er.ParticipationState.COMPLETED},
    er.ParticipantWithdrawn: _ADMITTED | {"state": er.ParticipationState.WITHDRAWN},
    er.AttributesConsented: _CONSENT
    | {
        "attributes": (
            {"dimension": "age_band", "code": "8c1f0be2a9d34e57"},
            {"dimension": "gender", "code": "d1b9407cf2e86a35"},
        )
    },
    er.ConsentWithdrawn: _CONSENT,
    ma.MatchRunCompleted: _RUN | {"state": ma.RunState.COMPLETED},
    ma.MatchRunReleased: _RUN | {"state": ma.RunState.RELEASED, "released_at": _at(2, 17)},
    ma.PairProposed: _PROPOSAL | {"state": ma.ProposalState.PROPOSED},
    ma.PairFormed: _PROPOSAL | {"state": ma.ProposalState.FORMED, "formed_at": _at(2, 20)},
    ma.PairDeclined: _PROPOSAL | {"state": ma.ProposalState.DECLINED},
    ma.PairExpired: _PROPOSAL | {"state": ma.ProposalState.EXPIRED},
    ma.PairWithdrawn: _PROPOSAL | {"state": ma.ProposalState.WITHDRAWN},
    ma.PairQuarantined: _FORMED
    | {
        "state": ma.ProposalState.QUARANTINED,
        "quarantined_at": _at(5, 4),
    },
    ma.PairReinstated: _FORMED | {"state": ma.ProposalState.FORMED, "resolution": ma.Resolution.CLEARED},
    ma.PairHandedOver: _FORMED
    | {
        "state": ma.ProposalState.ENDED,
        "resolution": ma.Resolution.ENDED,
    },
    en.AgreementSigned: _PAIR
    | {
        "state": en.PairState.FORMED,
        "health": en.PairHealth.NOT_STARTED,
        "signed_by": ("mentee",),
        "mentee_trained": False,
        "activated_at": None,
    },
    en.PairTrialEnded: _PAIR
    | {
        "state": en.PairState.FORMED,
        "health": en.PairHealth.NOT_STARTED,
        "activated_at": None,
        "ends_on": date(2027, 2, 20),
        "trial_ends_at": _at(3, 6),
    },
    en.PairActivated: _PAIR,
    en.PairStalled: _PAIR
    | {"health": en.PairHealth.STALLED, "meetings_held": 3, "stalls": 1, "last_met_at": _at(6, 1, 14)},
    en.PairCompleted: _PAIR
    | {
        "state": en.PairState.COMPLETED,
        "health": en.PairHealth.ENDED,
        "meetings_held": 11,
        "stalls": 1,
        "last_met_at": _at(2, 19, 14, year=2027),
        "ended_at": _at(3, 2, year=2027),
    },
    en.PairDissolved: _PAIR
    | {
        "state": en.PairState.DISSOLVED,
        "health": en.PairHealth.ENDED,
        "meetings_held": 2,
        "ended_at": _at(5, 4),
        "ending": en.Ending.HANDED_OVER,
    },
    en.MeetingScheduled: _MEETING | {"state": en.MeetingState.SCHEDULED, "channel": "video"},
    en.MeetingLogged: _MEETING
    | {"state": en.MeetingState.HELD, "held_at": _at(3, 23, 14), "minutes": 50, "channel": "video"},
    en.MeetingCancelled: _MEETING | {"state": en.MeetingState.CANCELLED, "cancelled_by": "mentee"},
    en.MeetingMissed: _MEETING | {"state": en.MeetingState.MISSED},
    ev.SurveyWaveOpened: _WAVE | {"state": ev.WaveState.OPEN},
    ev.SurveyWaveClosed: _WAVE | {"state": ev.WaveState.CLOSED, "answered_count": 61},
    ev.CohortEvaluated: _IN_COHORT
    | {
        "evaluated_at": _at(3, 23, year=2027),
        "design": er.EvaluationDesign.BEFORE_AFTER,
        "suppression_threshold": 5,
        "applied": 96,
        "admitted": 80,
        "pairs_formed": 38,
        "pairs_completed": 33,
        "pairs_rescued": 6,
        "meetings_held": 412,
        "meetings_missed": 29,
        "cadence_kept": 846,
        "changes": (
            {
                "measure": "skill",
                "role": "mentee",
                "baseline_answers": 31,
                "closing_answers": 27,
                "change": 0.62,
                "low": 0.31,
                "high": 0.93,
            },
            {"measure": "inclusion", "role": "mentor"},
        ),
        "report_hash": "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35",
    },
}


def example(model: type[E], **changes: Any) -> E:
    """The example of an event, with some fields changed.

    Raises:
        pydantic.ValidationError: the changes do not make an event.
    """
    return model.model_validate({**_DATA[model], **changes})


def _event_id(model: type[Event]) -> UUID:
    """Follows from the type alone, so that a new type changes no other example."""
    return _id(int.from_bytes(sha256(catalog.type_of(model).encode()).digest()[:6]))


def example_envelope(model: type[E], *, sequence: int | None = None, **changes: Any) -> Envelope[E]:
    """The example of an event in its envelope; without `sequence`, its place in its topic's list of events."""
    order = [other for other in catalog.EVENTS if model.TOPIC == other.TOPIC].index(model)
    return Envelope.of(
        example(model, **changes),
        sequence=sequence or order + 1,
        time=_at(3, 23, 15),
        event_id=_event_id(model),
        traceparent=TRACEPARENT,
    )
