"""Enrollment has moved a participation on: matching keeps the application and whether the person may be matched."""

from __future__ import annotations

from contracts.enrollment import LanguageSkill, ParticipationFacts, TopicLevel, WorkingStyle
from contracts.envelope import Envelope
from contracts.fields import Channel, Weekday
from contracts.fields import LanguageLevel as PublishedLevel

from matching.application.ports import KnownParticipation, MatchingUnitOfWork
from matching.domain.facts import LanguageLevel, Role, WorkingTime

_ISO_WEEKDAYS = {day: number for number, day in enumerate(Weekday, start=1) if day is not Weekday.UNKNOWN}
_NO_CHANNEL = Channel.UNKNOWN
_WEEK = frozenset({1, 2, 3, 4, 5})


async def on_participation_changed(event: Envelope[ParticipationFacts], uow: MatchingUnitOfWork) -> None:
    """Keep the newest version, and tell the guard. A role this version does not know raises ValueError: it is not guessed."""
    participation = event.data
    uow.guard.note_application(
        participation.participation_id, participation.person_id, participation.business_unit_id, event.time
    )
    uow.known_participations.put(
        KnownParticipation(
            participation_id=participation.participation_id,
            cohort_id=participation.cohort_id,
            person_id=participation.person_id,
            business_unit_id=participation.business_unit_id,
            named_unit_ids=participation.named_unit_ids,
            home_unit_id=participation.home_unit_id,
            role=Role(participation.role.value),
            state=participation.state.value,
            offers=_highest(participation.offers),
            asks=_highest(participation.asks),
            languages=_languages(participation.languages),
            working_time=_working_time(participation),
            capacity=participation.capacity,
            cadence_floor_days=participation.cadence_floor_days,
            values=tuple(sorted(participation.values)),
            style=_style(participation.working_style),
            channels=tuple(
                sorted({said.value for said in participation.preferred_channels if said is not _NO_CHANNEL})
            ),
            background_codes=tuple(sorted(participation.background_codes)),
            priority=participation.priority,
            sequence=event.sequence,
        )
    )


def _highest(topics: tuple[TopicLevel, ...]) -> dict[str, int]:
    """The level per topic; the highest where one is said twice."""
    return {topic.topic: topic.level for topic in sorted(topics, key=lambda topic: topic.level)}


def _style(style: WorkingStyle | None) -> dict[str, int]:
    """The places on the axes that the person declared."""
    return {} if style is None else {axis: place for axis, place in style if place is not None}


def _languages(skills: tuple[LanguageSkill, ...]) -> dict[str, LanguageLevel]:
    known = [
        (skill.language, LanguageLevel[skill.level.name])
        for skill in skills
        if skill.level is not PublishedLevel.UNKNOWN
    ]
    return dict(sorted(known, key=lambda skill: skill[1]))


def _working_time(participation: ParticipationFacts) -> WorkingTime | None:
    """When the person works, Monday to Friday unless they say which days; None until they have applied."""
    hours = participation.working_hours
    if hours is None or participation.time_zone is None:
        return None
    days = frozenset(_ISO_WEEKDAYS[day] for day in participation.working_days if day in _ISO_WEEKDAYS)
    return WorkingTime(participation.time_zone, hours.start_minute, hours.end_minute, days or _WEEK)
