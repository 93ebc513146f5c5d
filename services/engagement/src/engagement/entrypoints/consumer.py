"""The events engagement listens to."""

from __future__ import annotations

from chassis.handlers import Acts, Projects
from contracts.enrollment import (
    CohortActivated,
    CohortClosed,
    CohortEnrollmentClosed,
    CohortEvaluationStarted,
    CohortOpened,
    ParticipantAdmitted,
    ParticipantMatched,
    ParticipantWithdrawn,
    ProgramChartered,
    ProgramRevised,
)
from contracts.matching import PairFormed

from engagement.application.on_cohort_changed import on_cohort_changed
from engagement.application.on_pair_formed import on_pair_formed
from engagement.application.on_participant_withdrawn import on_participant_withdrawn
from engagement.application.on_participation_changed import on_participation_changed
from engagement.application.on_program_changed import on_program_changed

HANDLERS = (
    Projects(ProgramChartered, on_program_changed),
    Projects(ProgramRevised, on_program_changed),
    Projects(CohortOpened, on_cohort_changed),
    Projects(CohortEnrollmentClosed, on_cohort_changed),
    Projects(CohortActivated, on_cohort_changed),
    Projects(CohortEvaluationStarted, on_cohort_changed),
    Projects(CohortClosed, on_cohort_changed),
    Projects(ParticipantAdmitted, on_participation_changed),
    Projects(ParticipantMatched, on_participation_changed),
    Acts(ParticipantWithdrawn, on_participant_withdrawn),
    Acts(PairFormed, on_pair_formed),
)
