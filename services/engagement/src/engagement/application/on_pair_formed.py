"""Matching has formed a pair: engagement opens it and drafts its agreement."""

from __future__ import annotations

from chassis.ports import Missing
from contracts.engagement import PairDissolved
from contracts.enrollment import CohortOpened, ParticipantAdmitted, ProgramChartered
from contracts.envelope import Envelope
from contracts.fields import Role
from contracts.matching import PairFormed

from engagement.application.facts import publish_pair
from engagement.application.ports import EngagementUnitOfWork
from engagement.domain import templates
from engagement.domain.agreement import Agreement, Terms
from engagement.domain.pair import Member, Pair


async def on_pair_formed(event: Envelope[PairFormed], uow: EngagementUnitOfWork) -> None:
    """Open the pair under its program's rules, with an agreement in a language both speak.

    The draft names what the mentee asked for and the mentor teaches. If somebody has withdrawn meanwhile the pair is
    dissolved at once.

    :raises Missing: the program, the cohort or a participation has not been heard of yet.
    """
    formed = event.data
    program = await uow.known_programs.get(formed.program_id)
    if program is None:
        raise Missing(ProgramChartered.__name__, formed.program_id)
    if await uow.known_cohorts.get(formed.cohort_id) is None:
        raise Missing(CohortOpened.__name__, formed.cohort_id)
    withdrawn = False
    for participation_id in sorted((formed.mentor_participation_id, formed.mentee_participation_id)):
        participation = await uow.known_participations.get(participation_id)
        if participation is None:
            raise Missing(ParticipantAdmitted.__name__, participation_id)
        withdrawn = withdrawn or participation.withdrawn

    pair = Pair.form(
        formed.pair_id,
        business_unit_id=formed.business_unit_id,
        named_unit_ids=formed.named_unit_ids,
        program_id=formed.program_id,
        cohort_id=formed.cohort_id,
        mentor=Member(formed.mentor_id, formed.mentor_participation_id),
        mentee=Member(formed.mentee_id, formed.mentee_participation_id),
        rules=program.rules,
        cadence_floor_days=formed.cadence_floor_days,
        formed_at=formed.formed_at or event.time,
    )
    spoken = [language for language in formed.shared_languages if language in templates.languages()]
    draft = Agreement(
        template=templates.template(pair.formality, spoken[0] if spoken else None),
        terms=Terms(
            duration_months=pair.duration_months,
            cadence_days=pair.cadence_days,
            goal_topics=tuple(dict.fromkeys(match.topic for match in formed.topics if match.teacher is Role.MENTOR)),
        ),
    )
    uow.agreements.add(pair, draft)
    if withdrawn:
        pair.dissolve(uow.now)
        publish_pair(PairDissolved, pair, uow)
    uow.pairs.add(pair)
