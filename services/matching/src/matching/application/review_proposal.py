"""A program manager reviews a proposal before the release: keep it, never propose it again, or take either back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict, NotVisible
from contracts.identifiers import uuid7

from matching.application.ports import MatchingUnitOfWork
from matching.domain.pair import Pair, PairState
from matching.domain.pair_review import PairReview, RejectionReason, ReviewVerdict


@dataclass(frozen=True, slots=True)
class ReviewProposal:
    """Give a verdict about a proposal of a run; None takes the one that stands back."""

    run_id: UUID
    pair_id: UUID
    verdict: ReviewVerdict | None
    reason: RejectionReason | None = None


async def review_proposal(command: ReviewProposal, uow: MatchingUnitOfWork) -> tuple[Pair, PairReview | None]:
    """Note the verdict for this and every later run of the cohort; the proposal and what stands about it now.

    :raises NotVisible: no such proposal of a run of the principal's unit.
    :raises Conflict: a verdict about a proposal that is released: its two people have been asked.
    """
    pair = await uow.pairs.get(command.pair_id)
    if (
        pair is None
        or pair.run_id != command.run_id
        or pair.business_unit_id != uow.principal.business_unit_id
        or await uow.runs.get(command.run_id) is None
    ):
        raise NotVisible("no such proposal")
    mentor, mentee = pair.mentor.participation_id, pair.mentee.participation_id
    review = await uow.reviews.about(pair.cohort_id, mentor, mentee)
    if command.verdict is not None and pair.state is not PairState.PROPOSED:
        raise Conflict("The proposal is released; it stands until its two people have answered.")
    before = None if review is None else review.verdict.value
    changed = _decide(command, pair, review, uow)
    after = None if changed is None else changed.verdict.value
    if before != after:
        uow.audit(
            "review-proposal",
            subject_id=pair.pair_id,
            business_unit_id=pair.business_unit_id,
            before={"verdict": before},
            after={"verdict": after, "reason": command.reason and command.reason.value},
        )
    return pair, changed


def _decide(
    command: ReviewProposal, pair: Pair, review: PairReview | None, uow: MatchingUnitOfWork
) -> PairReview | None:
    if command.verdict is None:
        if review is not None:
            uow.reviews.remove(review)
        return None
    if review is not None:
        if review.decide(command.verdict, command.reason, uow.now):
            uow.reviews.save(review)
        return review
    made = PairReview(
        review_id=uuid7(),
        cohort_id=pair.cohort_id,
        program_id=pair.program_id,
        business_unit_id=pair.business_unit_id,
        mentor_participation_id=pair.mentor.participation_id,
        mentee_participation_id=pair.mentee.participation_id,
        verdict=command.verdict,
        decided_at=uow.now,
        reason=command.reason,
    )
    uow.reviews.add(made)
    return made
