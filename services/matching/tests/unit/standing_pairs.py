"""Pairs that stand, without the run that proposed them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from matching.domain.facts import Role
from matching.domain.pair import Fit, MatchedTopic, Member, Pair, PairState

from .fakes import COHORT, NOW, PROGRAM
from .worlds import UNIT

FIT = Fit(
    score=800,
    parts={"topics": 800},
    topics=(MatchedTopic("technology.ai", Role.MENTOR, 5, 3),),
    shared_languages=("en",),
    overlap_minutes=480,
    grade_gap=6,
    words=("The mentor offers ai (technology), which the mentee asks for.",),
)


def standing_pair(
    mentor: UUID, mentee: UUID, mentor_side: UUID, mentee_side: UUID, *, pair_id: UUID, formed: bool
) -> Pair:
    """A pair of two people and their participations: a proposal that waits, or one that both have accepted."""
    answered = NOW if formed else None
    return Pair(
        pair_id=pair_id,
        run_id=UUID(int=0xE0),
        cohort_id=COHORT,
        program_id=PROGRAM,
        business_unit_id=UNIT,
        named_unit_ids=(UNIT,),
        mentor=Member(mentor, mentor_side, answered),
        mentee=Member(mentee, mentee_side, answered),
        fit=FIT,
        state=PairState.FORMED if formed else PairState.RELEASED,
        released_at=NOW,
        expires_at=NOW + timedelta(days=14),
        formed_at=answered,
        version=2 if formed else 1,
    )
