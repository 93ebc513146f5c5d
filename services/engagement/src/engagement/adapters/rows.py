"""Aggregates as rows, and rows as aggregates. Only a pair's last pause may lack its end, in `pauses_ended_at`."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, Protocol

from engagement.domain import templates
from engagement.domain.agreement import Agreement, Terms
from engagement.domain.meeting import Meeting
from engagement.domain.pair import Member, Pair
from engagement.domain.pause import Pause
from engagement.domain.vocabulary import (
    Channel,
    Ending,
    Formality,
    MeetingState,
    PairState,
    Side,
    TrainingModule,
)


class Row(Protocol):
    """A row of a query, by the names of its columns."""

    def __getitem__(self, key: str, /) -> Any:
        """The value of a column."""


def pair_of(row: Row) -> Pair:
    """A pair out of its row."""
    return Pair(
        pair_id=row["pair_id"],
        business_unit_id=row["business_unit_id"],
        named_unit_ids=tuple(row["named_unit_ids"]),
        program_id=row["program_id"],
        cohort_id=row["cohort_id"],
        mentor=_member_of(row, "mentor"),
        mentee=_member_of(row, "mentee"),
        formality=Formality(row["formality"]),
        cadence_days=row["cadence_days"],
        cadence_floor_days=row["cadence_floor_days"],
        silence_days=row["silence_days"],
        duration_months=row["duration_months"],
        training_required=row["training_required"],
        formed_at=row["formed_at"],
        silent_from=row["silent_from"],
        ends_at=row["ends_at"],
        state=PairState(row["state"]),
        channel=_channel_of(row["channel"]),
        activated_at=row["activated_at"],
        ended_at=row["ended_at"],
        last_held_at=row["last_held_at"],
        meetings_held=row["meetings_held"],
        stalled_at=row["stalled_at"],
        stalls=row["stalls"],
        agreement_version=row["agreement_version"],
        agreement_in_force=row["agreement_in_force"],
        trial_ends_at=row["trial_ends_at"],
        trial_remind_at=row["trial_remind_at"],
        trial_reminded_at=row["trial_reminded_at"],
        resumes_as=None if row["resumes_as"] is None else PairState(row["resumes_as"]),
        pauses=tuple(
            Pause(began_at, ended_at)
            for began_at, ended_at in zip_longest(row["pauses_began_at"], row["pauses_ended_at"])
        ),
        ending=None if row["ending"] is None else Ending(row["ending"]),
        version=row["version"],
    )


def constant_pair_values(pair: Pair) -> dict[str, Any]:
    """What never changes about a pair, its key left out."""
    return {
        "business_unit_id": pair.business_unit_id,
        "named_unit_ids": list(pair.named_unit_ids),
        "program_id": pair.program_id,
        "cohort_id": pair.cohort_id,
        "mentor_id": pair.mentor.person_id,
        "mentee_id": pair.mentee.person_id,
        "mentor_participation_id": pair.mentor.participation_id,
        "mentee_participation_id": pair.mentee.participation_id,
        "formality": pair.formality.value,
        "cadence_floor_days": pair.cadence_floor_days,
        "silence_days": pair.silence_days,
        "training_required": pair.training_required,
        "formed_at": pair.formed_at,
    }


def changing_pair_values(pair: Pair) -> dict[str, Any]:
    """What may change about a pair."""
    return {
        "cadence_days": pair.cadence_days,
        "duration_months": pair.duration_months,
        "state": pair.state.value,
        "channel": None if pair.channel is None else pair.channel.value,
        "activated_at": pair.activated_at,
        "silent_from": pair.silent_from,
        "ends_at": pair.ends_at,
        "ended_at": pair.ended_at,
        "last_held_at": pair.last_held_at,
        "meetings_held": pair.meetings_held,
        "stalls_at": pair.stalls_at if pair.watched else None,
        "stalled_at": pair.stalled_at,
        "stalls": pair.stalls,
        "agreement_version": pair.agreement_version,
        "agreement_in_force": pair.agreement_in_force,
        "mentor_signed_at": pair.mentor.signed_at,
        "mentee_signed_at": pair.mentee.signed_at,
        "mentor_modules": sorted(pair.mentor.completed_modules),
        "mentee_modules": sorted(pair.mentee.completed_modules),
        "trial_ends_at": pair.trial_ends_at,
        "trial_remind_at": pair.trial_remind_at,
        "trial_reminded_at": pair.trial_reminded_at,
        "mentor_confirmed": pair.mentor.confirmed,
        "mentee_confirmed": pair.mentee.confirmed,
        "resumes_as": None if pair.resumes_as is None else pair.resumes_as.value,
        "pauses_began_at": [pause.began_at for pause in pair.pauses],
        "pauses_ended_at": [pause.ended_at for pause in pair.pauses if pause.ended_at is not None],
        "ending": None if pair.ending is None else pair.ending.value,
        "version": pair.version,
    }


def meeting_of(row: Row) -> Meeting:
    """A meeting out of its row."""
    return Meeting(
        meeting_id=row["meeting_id"],
        pair_id=row["pair_id"],
        business_unit_id=row["business_unit_id"],
        named_unit_ids=tuple(row["named_unit_ids"]),
        program_id=row["program_id"],
        cohort_id=row["cohort_id"],
        state=MeetingState(row["state"]),
        scheduled_for=row["scheduled_for"],
        held_at=row["held_at"],
        minutes=row["minutes"],
        channel=_channel_of(row["channel"]),
        cancelled_by=None if row["cancelled_by"] is None else Side(row["cancelled_by"]),
        version=row["version"],
    )


def constant_meeting_values(meeting: Meeting) -> dict[str, Any]:
    """What never changes about a meeting, its key left out."""
    return {
        "pair_id": meeting.pair_id,
        "business_unit_id": meeting.business_unit_id,
        "named_unit_ids": list(meeting.named_unit_ids),
        "program_id": meeting.program_id,
        "cohort_id": meeting.cohort_id,
        "scheduled_for": meeting.scheduled_for,
    }


def changing_meeting_values(meeting: Meeting) -> dict[str, Any]:
    """What may change about a meeting."""
    return {
        "state": meeting.state.value,
        "held_at": meeting.held_at,
        "minutes": meeting.minutes,
        "channel": None if meeting.channel is None else meeting.channel.value,
        "cancelled_by": None if meeting.cancelled_by is None else meeting.cancelled_by.value,
        "version": meeting.version,
    }


def agreement_of(row: Row) -> Agreement:
    """One version of an agreement out of its row, with the very words of the template it was drafted from."""
    return Agreement(
        template=templates.template(Formality(row["formality"]), row["language"], row["template_version"]),
        terms=Terms(
            duration_months=row["duration_months"],
            cadence_days=row["cadence_days"],
            boundaries=row["boundaries"],
            goal_topics=tuple(row["goal_topics"]),
            medium=_channel_of(row["medium"]),
            place=row["place"],
            number_one_outcome=row["number_one_outcome"],
        ),
    )


def agreement_values(pair: Pair, agreement: Agreement) -> dict[str, Any]:
    """The row of `pair`'s current agreement."""
    terms, template = agreement.terms, agreement.template
    return {
        "pair_id": pair.pair_id,
        "agreement_version": pair.agreement_version,
        "business_unit_id": pair.business_unit_id,
        "named_unit_ids": list(pair.named_unit_ids),
        "template_version": template.version,
        "formality": template.formality.value,
        "language": template.language,
        "duration_months": terms.duration_months,
        "cadence_days": terms.cadence_days,
        "boundaries": terms.boundaries,
        "goal_topics": list(terms.goal_topics),
        "medium": None if terms.medium is None else terms.medium.value,
        "place": terms.place,
        "number_one_outcome": terms.number_one_outcome,
    }


def _member_of(row: Row, side: str) -> Member:
    return Member(
        person_id=row[f"{side}_id"],
        participation_id=row[f"{side}_participation_id"],
        signed_at=row[f"{side}_signed_at"],
        confirmed=row[f"{side}_confirmed"],
        completed_modules=frozenset(TrainingModule(module) for module in row[f"{side}_modules"]),
    )


def _channel_of(value: str | None) -> Channel | None:
    return None if value is None else Channel(value)
