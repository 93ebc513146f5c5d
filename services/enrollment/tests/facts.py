"""Facts of other services, as they arrive here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from contracts.engagement import PairCompleted, PairDissolved, PairHealth, PairState
from contracts.enrollment import EvaluationDesign
from contracts.envelope import Envelope
from contracts.evaluation import CohortEvaluated
from contracts.identifiers import uuid7
from contracts.matching import MatchedTopic, PairFormed, ProposalState

NOW = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)


def enveloped(event: Any, sequence: int = 1) -> Envelope[Any]:
    """The event as it travels."""
    return Envelope.of(event, sequence=sequence, time=NOW)


class Pair:
    """A pair of two participations of one cohort."""

    def __init__(self, unit: UUID, program: UUID, cohort: UUID, mentor: UUID, mentee: UUID, *people: UUID) -> None:
        self.pair_id = uuid7()
        self._common: dict[str, Any] = {
            "business_unit_id": unit,
            "named_unit_ids": (unit,),
            "pair_id": self.pair_id,
            "program_id": program,
            "cohort_id": cohort,
            "mentor_participation_id": mentor,
            "mentee_participation_id": mentee,
            "mentor_id": people[0] if people else uuid4(),
            "mentee_id": people[1] if people else uuid4(),
        }

    def formed(self, sequence: int = 1) -> Envelope[PairFormed]:
        """Matching formed it."""
        topic = MatchedTopic.model_validate(
            {"topic": "technology.ai", "teacher": "mentor", "offered_level": 4, "asked_level": 3}
        )
        event = PairFormed(
            **self._common, run_id=uuid7(), state=ProposalState.FORMED, score=800, topics=(topic,), shared_languages=("en",),
            overlap_minutes=300, grade_gap=4, proposed_at=NOW, expires_at=NOW, formed_at=NOW,
        )  # fmt: skip
        return enveloped(event, sequence)

    def _ended(self, model: Any, state: PairState, sequence: int) -> Envelope[Any]:
        event = model(
            **self._common,
            state=state,
            health=PairHealth.ENDED,
            agreement_version=1,
            formed_at=NOW,
            ends_on=NOW.date(),
            ended_at=NOW,
        )
        return enveloped(event, sequence)

    def dissolved(self, sequence: int = 1) -> Envelope[PairDissolved]:
        """Engagement ended it early."""
        return self._ended(PairDissolved, PairState.DISSOLVED, sequence)

    def completed(self, sequence: int = 1) -> Envelope[PairCompleted]:
        """Engagement ended it as agreed."""
        return self._ended(PairCompleted, PairState.COMPLETED, sequence)


def evaluated(unit: UUID, program: UUID, cohort: UUID) -> Envelope[CohortEvaluated]:
    """Evaluation wrote the cohort's report."""
    event = CohortEvaluated(
        business_unit_id=unit, named_unit_ids=(unit,), cohort_id=cohort, program_id=program, evaluated_at=NOW,
        design=EvaluationDesign.BEFORE_AFTER, suppression_threshold=5, report_hash="0" * 64,
    )  # fmt: skip
    return enveloped(event)
