"""The events matching listens to. All of them only keep projections, so they are right in any order of arrival."""

from __future__ import annotations

from chassis.handlers import Handler, Projects, ProjectsBatch
from contracts.engagement import (
    AgreementSigned,
    PairActivated,
    PairCompleted,
    PairDissolved,
    PairStalled,
    PairTrialEnded,
)
from contracts.enrollment import (
    AttributesConsented,
    CohortActivated,
    CohortClosed,
    CohortEnrollmentClosed,
    CohortEvaluationStarted,
    CohortOpened,
    ConsentWithdrawn,
    ParticipantAdmitted,
    ParticipantApplied,
    ParticipantCompleted,
    ParticipantDeclined,
    ParticipantMatched,
    ParticipantNominated,
    ParticipantScreened,
    ParticipantWaitlisted,
    ParticipantWithdrawn,
    PersonErased,
    PersonJoined,
    PersonLeft,
    PersonMoved,
    ProgramChartered,
    ProgramProposed,
    ProgramRevised,
)

from matching.application.on_cohort_changed import on_cohort_changed
from matching.application.on_consent_changed import on_consent_changed
from matching.application.on_pair_changed import on_pair_changed
from matching.application.on_participation_changed import on_participation_changed
from matching.application.on_people_changed import on_people_changed
from matching.application.on_program_changed import on_program_changed

HANDLERS: tuple[Handler, ...] = (
    ProjectsBatch((PersonJoined, PersonMoved, PersonLeft, PersonErased), on_people_changed),
    *(Projects(event, on_program_changed) for event in (ProgramProposed, ProgramChartered, ProgramRevised)),
    *(
        Projects(event, on_cohort_changed)
        for event in (CohortOpened, CohortEnrollmentClosed, CohortActivated, CohortEvaluationStarted, CohortClosed)
    ),
    *(
        Projects(event, on_participation_changed)
        for event in (
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
    ),
    *(Projects(event, on_consent_changed) for event in (AttributesConsented, ConsentWithdrawn)),
    *(
        Projects(event, on_pair_changed)
        for event in (AgreementSigned, PairTrialEnded, PairActivated, PairStalled, PairCompleted, PairDissolved)
    ),
)
