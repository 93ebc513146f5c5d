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
from contracts.matching import PairFormed, PairHandedOver, PairQuarantined, PairReinstated

from engagement.application.on_cohort_changed import on_cohort_changed
from engagement.application.on_pair_formed import on_pair_formed
from engagement.application.on_pair_handed_over import on_pair_handed_over
from engagement.application.on_pair_quarantined import on_pair_quarantined
from engagement.application.on_pair_reinstated import on_pair_reinstated
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
    Acts(PairQuarantined, on_pair_quarantined),
    Acts(PairReinstated, on_pair_reinstated),
    Acts(PairHandedOver, on_pair_handed_over),
)
