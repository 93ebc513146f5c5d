"""Pairs that stand in a real database, without the run that proposed them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from contracts.identifiers import uuid7
from matching.domain.facts import Role
from matching.domain.notice import Notice, NoticeKind
from matching.domain.pair import Fit, MatchedTopic, Member, Pair, PairState
from matching.domain.registered_conflict import ConflictReason, RegisteredConflict
from matching.domain.rules import Rule
from matching.domain.waiver import Actor, Waiver

from .events import NOW, Somebody, World
from .running import Matching

FIT = Fit(
    score=800,
    parts={"topics": 800},
    topics=(MatchedTopic("technology.ai", Role.MENTOR, 5, 3),),
    shared_languages=("en",),
    overlap_minutes=480,
    grade_gap=6,
    words=("The mentor offers ai (technology), which the mentee asks for.",),
)


def standing_pair(cohort: World, mentor: Somebody, mentee: Somebody, *, formed: bool) -> Pair:
    """A pair of two participants: a proposal that waits, or one that both have accepted."""
    answered = NOW if formed else None
    return Pair(
        pair_id=uuid7(),
        run_id=uuid7(),
        cohort_id=cohort.cohort,
        program_id=cohort.program,
        business_unit_id=cohort.unit,
        named_unit_ids=tuple(sorted({cohort.unit, mentor.unit, mentee.unit})),
        mentor=Member(mentor.person, mentor.participation, answered),
        mentee=Member(mentee.person, mentee.participation, answered),
        fit=FIT,
        state=PairState.FORMED if formed else PairState.RELEASED,
        released_at=NOW,
        expires_at=NOW + timedelta(days=14),
        formed_at=answered,
        version=2 if formed else 1,
    )


async def put_together(
    matching: Matching, cohort: World, mentor: Somebody, mentee: Somebody, *, formed: bool = True
) -> UUID:
    """Write such a pair as a run and its people would have left it; its id."""
    pair = standing_pair(cohort, mentor, mentee, formed=formed)
    async with matching.worker.committed() as uow:
        await uow.pairs.add_all([pair])
    return pair.pair_id


async def fill_guard_tables(matching: Matching, cohort: World) -> None:
    """Leave a row of the cohort's unit in each table of the guard that hearing of people and applications has not filled."""
    pair = standing_pair(cohort, cohort.mentors[0], cohort.mentees[0], formed=True)
    unit, named = pair.business_unit_id, list(pair.named_unit_ids)
    waiver = Waiver(
        waiver_id=uuid7(), cohort_id=pair.cohort_id, program_id=pair.program_id, business_unit_id=unit,
        mentor_id=pair.mentor.person_id, mentee_id=pair.mentee.person_id, rules=(Rule.SAME_TEAM,), reason="a test of it",
        requested_by=Actor("somebody", uuid7()), requested_at=NOW,
    )  # fmt: skip
    entry = RegisteredConflict.between(
        uuid7(), uuid7(), conflict_id=uuid7(), business_unit_id=unit, reason=ConflictReason.OTHER, now=NOW
    )
    async with matching.worker.committed() as uow:
        uow.waivers.add(waiver)
        uow.conflicts.add(entry)
        uow.notices.add(Notice.about(pair, NoticeKind.PAIR_PAUSED, notice_id=uuid7(), now=NOW))
    async with matching.worker.database.write() as session:
        driver = await session.driver()
        await driver.execute("INSERT INTO guard_marks VALUES ($1, $2, $3, $4, $5)", uuid7(), uuid7(), unit, named, NOW)
        await session.commit()
