"""Matching formed a pair: both people are matched, and the first pair starts the cohort."""

from __future__ import annotations

from chassis.ports import NotVisible
from contracts.enrollment import CohortActivated
from contracts.envelope import Envelope
from contracts.matching import PairFormed

from enrollment.application.facts import publish_cohort, publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork


async def on_pair_formed(event: Envelope[PairFormed], uow: EnrollmentUnitOfWork) -> None:
    """Move cohort and participations. A cohort or participation that does not exist is a defect of the sender: NotVisible.

    Locks the cohort first, then the participations in the order of their ids, as every other use case does.
    """
    pair = event.data
    cohort = await uow.cohorts.get(pair.cohort_id)
    if cohort is None:
        raise NotVisible("the pair's cohort does not exist")
    if cohort.activate(uow.now.date()):
        uow.cohorts.save(cohort)
        publish_cohort(CohortActivated, cohort, uow)
    for participation_id in sorted({pair.mentor_participation_id, pair.mentee_participation_id}):
        participation = await uow.participations.get(participation_id)
        if participation is None:
            raise NotVisible("the pair's participation does not exist")
        if participation.join_pair(pair.pair_id):
            publish_participation(participation, uow)
        uow.participations.save(participation)
