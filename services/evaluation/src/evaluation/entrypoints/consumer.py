"""Which events evaluation takes in, and what it does with each."""

from __future__ import annotations

from chassis.handlers import Acts, Handler, Projects, ProjectsBatch
from contracts.engagement import (
    AgreementSigned,
    MeetingCancelled,
    MeetingLogged,
    MeetingMissed,
    MeetingScheduled,
    PairActivated,
    PairCompleted,
    PairDissolved,
    PairStalled,
    PairTrialEnded,
)
from contracts.enrollment import (
    BusinessUnitRegistered,
    CohortActivated,
    CohortClosed,
    CohortEnrollmentClosed,
    CohortEvaluationStarted,
    CohortOpened,
    ParticipantAdmitted,
    ParticipantApplied,
    ParticipantCompleted,
    ParticipantDeclined,
    ParticipantMatched,
    ParticipantNominated,
    ParticipantScreened,
    ParticipantWaitlisted,
    ParticipantWithdrawn,
    ProgramChartered,
    ProgramProposed,
    ProgramRevised,
)
from contracts.matching import MatchRunReleased, PairFormed, PairHandedOver, PairQuarantined, PairReinstated

from evaluation.application.on_business_unit_registered import on_business_unit_registered
from evaluation.application.on_cohort_changed import (
    on_cohort_activated,
    on_cohort_changed,
    on_cohort_evaluation_started,
)
from evaluation.application.on_match_run_released import on_match_run_released
from evaluation.application.on_meetings_changed import on_meetings_changed
from evaluation.application.on_pair_changed import on_pair_changed
from evaluation.application.on_pair_checked import on_pair_checked
from evaluation.application.on_pair_formed import on_pair_formed
from evaluation.application.on_participation_changed import on_participation_changed
from evaluation.application.on_program_changed import on_program_changed

_PARTICIPATIONS = (
    ParticipantNominated,
    ParticipantApplied,
    ParticipantScreened,
    ParticipantAdmitted,
    ParticipantWaitlisted,
    ParticipantDeclined,
    ParticipantMatched,
    ParticipantCompleted,
    ParticipantWithdrawn,
)

HANDLERS: tuple[Handler, ...] = (
    Projects(BusinessUnitRegistered, on_business_unit_registered),
    *(Projects(event, on_program_changed) for event in (ProgramProposed, ProgramChartered, ProgramRevised)),
    *(Projects(event, on_cohort_changed) for event in (CohortOpened, CohortEnrollmentClosed, CohortClosed)),
    Acts(CohortActivated, on_cohort_activated),
    Acts(CohortEvaluationStarted, on_cohort_evaluation_started),
    *(Projects(event, on_participation_changed) for event in _PARTICIPATIONS),
    Projects(MatchRunReleased, on_match_run_released),
    Projects(PairFormed, on_pair_formed),
    *(Projects(event, on_pair_checked) for event in (PairQuarantined, PairReinstated, PairHandedOver)),
    *(
        Projects(event, on_pair_changed)
        for event in (AgreementSigned, PairTrialEnded, PairActivated, PairStalled, PairCompleted, PairDissolved)
    ),
    ProjectsBatch((MeetingScheduled, MeetingLogged, MeetingCancelled, MeetingMissed), on_meetings_changed),
)
