"""What others may know of a pair and of a meeting: the contract events, filled from the aggregates.

Nothing of an agreement's terms but cadence, medium and duration is in an event.
"""

from __future__ import annotations

from datetime import datetime

from chassis.ports import UnitOfWork
from contracts import engagement as contract
from contracts.fields import Channel, Role

from engagement.domain.meeting import Meeting
from engagement.domain.pair import Pair
from engagement.domain.vocabulary import Health, Side

# A quarantined pair publishes nothing: that it is paused is matching's fact.
_HEALTH = {
    Health.NOT_STARTED: contract.PairHealth.NOT_STARTED,
    Health.ON_TRACK: contract.PairHealth.ON_TRACK,
    Health.DUE: contract.PairHealth.ON_TRACK,
    Health.OVERDUE: contract.PairHealth.ON_TRACK,
    Health.STALLED: contract.PairHealth.STALLED,
    Health.ENDED: contract.PairHealth.ENDED,
}


def publish_pair(event: type[contract.PairFacts], pair: Pair, uow: UnitOfWork) -> None:
    """Publish what has just happened to a pair. Called once after each method that raised the pair's version."""
    uow.publish(pair_facts(event, pair, uow.now), sequence=pair.version)


def publish_meeting(event: type[contract.MeetingFacts], meeting: Meeting, uow: UnitOfWork) -> None:
    """Publish what has just happened to a meeting. Called once after each method that raised the meeting's version."""
    uow.publish(meeting_facts(event, meeting), sequence=meeting.version)


def pair_facts(event: type[contract.PairFacts], pair: Pair, now: datetime) -> contract.PairFacts:
    """The pair as the event says it is after the change."""
    return event(
        business_unit_id=pair.business_unit_id,
        named_unit_ids=pair.named_unit_ids,
        pair_id=pair.pair_id,
        cohort_id=pair.cohort_id,
        program_id=pair.program_id,
        mentor_id=pair.mentor.person_id,
        mentee_id=pair.mentee.person_id,
        mentor_participation_id=pair.mentor.participation_id,
        mentee_participation_id=pair.mentee.participation_id,
        state=contract.PairState(pair.state.value),
        health=_HEALTH[pair.health(now)],
        agreement_version=pair.agreement_version,
        signed_by=tuple(Role(side.value) for side in Side if pair.member(side).signed_at is not None),
        cadence_days=pair.cadence_days,
        channel=None if pair.channel is None else Channel(pair.channel.value),
        mentor_trained=pair.is_trained(Side.MENTOR),
        mentee_trained=pair.is_trained(Side.MENTEE),
        meetings_held=pair.meetings_held,
        stalls=pair.stalls,
        formed_at=pair.formed_at,
        activated_at=pair.activated_at,
        last_met_at=pair.last_held_at,
        ends_on=pair.ends_at.date(),
        ended_at=pair.ended_at,
        trial_ends_at=pair.trial_ends_at,
        ending=None if pair.ending is None else contract.Ending(pair.ending.value),
    )


def meeting_facts(event: type[contract.MeetingFacts], meeting: Meeting) -> contract.MeetingFacts:
    """The meeting as the event says it is after the change."""
    return event(
        business_unit_id=meeting.business_unit_id,
        named_unit_ids=meeting.named_unit_ids,
        meeting_id=meeting.meeting_id,
        pair_id=meeting.pair_id,
        cohort_id=meeting.cohort_id,
        program_id=meeting.program_id,
        state=contract.MeetingState(meeting.state.value),
        scheduled_for=meeting.scheduled_for,
        held_at=meeting.held_at,
        minutes=meeting.minutes,
        channel=None if meeting.channel is None else Channel(meeting.channel.value),
        cancelled_by=None if meeting.cancelled_by is None else Role(meeting.cancelled_by.value),
    )
