"""Pairs and terms that tests start from."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from engagement.domain.agreement import Terms
from engagement.domain.pair import Member, Pair, Rules
from engagement.domain.training import offered
from engagement.domain.vocabulary import Channel, Formality, Side

START = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)

COMPLETE_TERMS = Terms(
    duration_months=12,
    cadence_days=21,
    boundaries="No questions about our own teams.",
    goal_topics=("technology.ai",),
    medium=Channel.VIDEO,
    place="The small room on the third floor",
    number_one_outcome="Use the assistant daily without being shown.",
)
LIGHT_TERMS = Terms(duration_months=12)


def terms_for(formality: Formality) -> Terms:
    """Terms that any side can sign in a program of that formality."""
    return LIGHT_TERMS if formality is Formality.LIGHT else COMPLETE_TERMS


def rules_of(formality: Formality, trial_days: int = 0, reminder_days: int = 0) -> Rules:
    """The platform's defaults for a formality, with a trial of that many days and a reminder so long before its end."""
    light = formality is Formality.LIGHT
    return Rules(
        formality=formality,
        cadence_days=None if light else 21,
        silence_days=21,
        duration_months=12,
        training_required=not light,
        trial_days=trial_days,
        trial_reminder_days=reminder_days,
    )


def formed_pair(
    formality: Formality = Formality.STANDARD,
    *,
    business_unit_id: UUID | None = None,
    floor: int | None = None,
    trial_days: int = 0,
    reminder_days: int = 0,
    now: datetime = START,
) -> Pair:
    """A pair as it stands the moment matching has formed it."""
    unit = business_unit_id or uuid4()
    return Pair.form(
        uuid4(),
        business_unit_id=unit,
        named_unit_ids=(unit,),
        program_id=uuid4(),
        cohort_id=uuid4(),
        mentor=Member(uuid4(), uuid4()),
        mentee=Member(uuid4(), uuid4()),
        rules=rules_of(formality, trial_days, reminder_days),
        cadence_floor_days=floor,
        formed_at=now,
    )


def pair_on_trial(
    formality: Formality = Formality.STANDARD,
    *,
    days: int = 30,
    reminder_days: int = 0,
    business_unit_id: UUID | None = None,
) -> Pair:
    """A pair at the beginning of its trial."""
    return formed_pair(formality, business_unit_id=business_unit_id, trial_days=days, reminder_days=reminder_days)


def active_pair(
    formality: Formality = Formality.STANDARD, *, business_unit_id: UUID | None = None, now: datetime = START
) -> Pair:
    """A pair that has passed the gate at `now`."""
    pair = formed_pair(formality, business_unit_id=business_unit_id, now=now)
    for side in Side:
        pair.sign(side, agreement_version=1, terms=terms_for(formality), now=now)
        for module in sorted(offered(side)):
            pair.complete_training(side, module)
    pair.activate(now)
    return pair
