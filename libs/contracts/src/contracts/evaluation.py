"""What evaluation publishes: survey waves (never a response) and the evaluation of a cohort."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, ValidationInfo, model_validator

from contracts.enrollment import EvaluationDesign
from contracts.event import Event, Part, SharedEvent
from contracts.fields import Count, Instant, OpenEnum, Permille, Role, ScaleValue, Sha256, Version, is_reading


class WaveKind(OpenEnum):
    """When in a cohort's life a survey is sent."""

    BASELINE = "baseline"
    PULSE = "pulse"
    CLOSING = "closing"
    UNKNOWN = "unknown"


class WaveState(OpenEnum):
    """The life of a wave."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class WaveFacts(SharedEvent):
    """One sending of a questionnaire."""

    TOPIC: ClassVar[str] = "updraft.evaluation.waves"
    KEY: ClassVar[str] = "wave_id"

    wave_id: UUID
    cohort_id: UUID
    program_id: UUID
    kind: WaveKind
    state: WaveState
    instrument_version: Version
    opens_at: Instant
    closes_at: Instant
    """Planned, then actual."""
    invited_count: Count
    answered_count: Count | None = None
    """Only once the wave is closed: a running count would give away who answers when."""

    @model_validator(mode="after")
    def _no_running_count(self, info: ValidationInfo) -> Self:
        if self.state is WaveState.OPEN and self.answered_count is not None and not is_reading(info.context):
            raise ValueError("answered_count is said only when the wave is closed")
        return self


class SurveyWaveOpened(WaveFacts):
    """The people invited can answer."""


class SurveyWaveClosed(WaveFacts):
    """Nobody can answer any more."""


class Measure(OpenEnum):
    """What the survey asks about; each is the mean of its items on a scale of 1 to 5."""

    SKILL = "skill"
    PERSPECTIVE = "perspective"
    CONFIDENCE = "confidence"
    ENGAGEMENT = "engagement"
    INTENT_TO_STAY = "intent_to_stay"
    CONNECTEDNESS = "connectedness"
    INCLUSION = "inclusion"
    SATISFACTION = "satisfaction"
    UNKNOWN = "unknown"


class MeasuredChange(Part):
    """How one measure changed from the baseline to the closing wave, in one group.

    All numbers are None when the group is too small to be shown.
    """

    measure: Measure
    role: Role | None = None
    """The group; None means everybody."""
    baseline_answers: Count | None = None
    """Answers before."""
    closing_answers: Count | None = None
    """Answers after."""
    change: ScaleValue | None = None
    """Difference of means, closing less baseline."""
    low: ScaleValue | None = None
    """Lower end of the 95 % interval."""
    high: ScaleValue | None = None
    """Upper end of the 95 % interval."""


class CohortEvaluation(SharedEvent):
    """The headline of a cohort's report. A figure about fewer people than the threshold is None."""

    TOPIC: ClassVar[str] = "updraft.evaluation.cohorts"
    KEY: ClassVar[str] = "cohort_id"

    cohort_id: UUID
    program_id: UUID
    evaluated_at: Instant
    design: EvaluationDesign
    suppression_threshold: Annotated[Count, Field(ge=2, le=100)]
    applied: Count | None = None
    """People who applied."""
    admitted: Count | None = None
    """People who were admitted."""
    pairs_formed: Count | None = None
    """Pairs both people of which accepted."""
    pairs_completed: Count | None = None
    """Pairs that reached the end as agreed."""
    pairs_dissolved: Count | None = None
    """Pairs that ended early."""
    pairs_rescued: Count | None = None
    """Pairs that stalled and met again."""
    meetings_held: Count | None = None
    """Meetings logged."""
    meetings_missed: Count | None = None
    """Meetings whose date passed in silence."""
    cadence_kept: Permille | None = None
    """Share of the meetings the agreed cadences asked for that were held."""
    changes: Annotated[tuple[MeasuredChange, ...], Field(max_length=64)] = ()
    """What the surveys say."""
    report_hash: Sha256
    """Of the full report."""

    @model_validator(mode="after")
    def _small_groups_are_suppressed(self, info: ValidationInfo) -> Self:
        if is_reading(info.context):
            return self
        for change in self.changes:
            answers = (change.baseline_answers, change.closing_answers)
            figures = (change.change, change.low, change.high)
            if any(count is not None and count < self.suppression_threshold for count in answers):
                raise ValueError("a group below the suppression threshold must not be counted")
            if None in answers and figures != (None, None, None):
                raise ValueError("a figure needs the number of answers it rests on")
        return self


class CohortEvaluated(CohortEvaluation):
    """The closing wave is closed and the report is written."""


EVENTS: tuple[type[Event], ...] = (SurveyWaveOpened, SurveyWaveClosed, CohortEvaluated)
