"""Enrollment has chartered or revised a program: engagement keeps the rules for the pairs to come."""

from __future__ import annotations

from contracts.enrollment import Formality as PublishedFormality
from contracts.enrollment import ProgramSettings
from contracts.envelope import Envelope

from engagement.application.ports import EngagementUnitOfWork, KnownProgram
from engagement.domain.pair import Rules
from engagement.domain.vocabulary import Formality


async def on_program_changed(event: Envelope[ProgramSettings], uow: EngagementUnitOfWork) -> None:
    """Keep the newest version.

    A formality this service does not know yet is taken as the platform's default, standard.
    """
    program = event.data
    uow.known_programs.put(
        KnownProgram(
            program_id=program.program_id,
            business_unit_id=program.business_unit_id,
            rules=Rules(
                formality=Formality.STANDARD
                if program.formality is PublishedFormality.UNKNOWN
                else Formality(program.formality.value),
                cadence_days=program.cadence_days,
                silence_days=program.silence_days,
                duration_months=program.duration_months,
                training_required=program.training_required,
                trial_days=program.trial_days,
                trial_reminder_days=program.trial_reminder_days,
            ),
            facilitator_ids=program.facilitator_ids,
            sequence=event.sequence,
        )
    )
