"""The pair: two people from the day matching formed it to its completion or its end.

`version` counts the events published about the pair: a method that is such a fact raises it by exactly one. Training
done, contacts of a pair in rhythm and one side's word on a trial are no facts of their own about the pair; the next one
carries what they have come to. A quarantine is matching's fact, so that it has no version here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.ports import Conflict, InvalidInput

from engagement.domain import rhythm, training
from engagement.domain.agreement import Terms, check_terms
from engagement.domain.pause import Pause, standstill
from engagement.domain.vocabulary import (
    Channel,
    Ending,
    Formality,
    Health,
    PairState,
    Side,
    TrainingModule,
)

CLOCK_LEEWAY = timedelta(minutes=5)
"""How far ahead of the rules' clock a participant's own clock may run."""

_OVER = frozenset({PairState.COMPLETED, PairState.DISSOLVED})


@dataclass(slots=True)
class Member:
    """One of the two people, with what that person alone has to bring: a signature, the training path, a yes in a trial.

    `signed_at` is about the agreement's current version only. `confirmed` is kept while the trial lasts and forgotten
    when it is over, so that nobody can read from one yes whose the no was.
    """

    person_id: UUID
    participation_id: UUID
    signed_at: datetime | None = None
    confirmed: bool = False
    completed_modules: frozenset[TrainingModule] = frozenset()


@dataclass(frozen=True, slots=True)
class Rules:
    """What a program prescribes to its pairs; a later revision of the program leaves pairs that exist as they are."""

    formality: Formality
    cadence_days: int | None
    silence_days: int
    duration_months: int
    training_required: bool
    trial_days: int = 0
    """How long the two may find out whether they suit each other; 0 without a trial."""
    trial_reminder_days: int = 0
    """How long before the trial's end both are reminded; 0: nobody is."""


@dataclass(slots=True)
class Pair:
    """The aggregate. Its terms are those of the program when it was formed, then those both have signed.

    `cadence_days` is None in a light program. `agreement_in_force` is the last version both signed. Silence is
    counted from `silent_from`, the latest of formation, activation and contact. `ends_at` is the duration from
    activation on, before that from formation on. `trial_ends_at` is None without a trial, else the day promised to the
    two, also when both have confirmed before it. A pause moves all three on, and `trial_remind_at`, when both are reminded of
    the trial's end: None where it is too short for that. `resumes_as` is the state a quarantined pair goes back to.
    """

    pair_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    program_id: UUID
    cohort_id: UUID
    mentor: Member
    mentee: Member
    formality: Formality
    cadence_days: int | None
    cadence_floor_days: int | None
    silence_days: int
    duration_months: int
    training_required: bool
    formed_at: datetime
    silent_from: datetime
    ends_at: datetime
    state: PairState = PairState.FORMED
    channel: Channel | None = None
    activated_at: datetime | None = None
    ended_at: datetime | None = None
    last_held_at: datetime | None = None
    meetings_held: int = 0
    stalled_at: datetime | None = None
    stalls: int = 0
    agreement_version: int = 1
    agreement_in_force: int | None = None
    trial_ends_at: datetime | None = None
    trial_remind_at: datetime | None = None
    trial_reminded_at: datetime | None = None
    resumes_as: PairState | None = None
    pauses: tuple[Pause, ...] = ()
    ending: Ending | None = None
    version: int = 0

    @classmethod
    def form(
        cls,
        pair_id: UUID,
        *,
        business_unit_id: UUID,
        named_unit_ids: tuple[UUID, ...],
        program_id: UUID,
        cohort_id: UUID,
        mentor: Member,
        mentee: Member,
        rules: Rules,
        cadence_floor_days: int | None,
        formed_at: datetime,
    ) -> Pair:
        """A pair both people have accepted, under the rules of its program; on trial where these say so.

        `cadence_floor_days` is the longer floor of the two.
        """
        on_trial = rules.trial_days > 0
        reminded = 0 < rules.trial_reminder_days < rules.trial_days
        return cls(
            pair_id=pair_id,
            business_unit_id=business_unit_id,
            named_unit_ids=named_unit_ids,
            program_id=program_id,
            cohort_id=cohort_id,
            mentor=mentor,
            mentee=mentee,
            formality=rules.formality,
            cadence_days=rhythm.agreed_cadence(rules.formality, rules.cadence_days, cadence_floor_days),
            cadence_floor_days=cadence_floor_days,
            silence_days=rules.silence_days,
            duration_months=rules.duration_months,
            training_required=training.is_required(rules.formality, program_requires=rules.training_required),
            formed_at=formed_at,
            silent_from=formed_at,
            ends_at=rhythm.add_months(formed_at, rules.duration_months),
            state=PairState.TRIAL if on_trial else PairState.FORMED,
            trial_ends_at=formed_at + timedelta(days=rules.trial_days) if on_trial else None,
            trial_remind_at=formed_at + timedelta(days=rules.trial_days - rules.trial_reminder_days)
            if reminded
            else None,
        )

    def member(self, side: Side) -> Member:
        """The person on a side."""
        return self.mentor if side is Side.MENTOR else self.mentee

    def side_of(self, person_id: UUID | None) -> Side | None:
        """Which side a person is on; None for everybody else."""
        if person_id is None:
            return None
        return next((side for side in Side if self.member(side).person_id == person_id), None)

    @property
    def is_open(self) -> bool:
        """Whether the pair's life goes on."""
        return self.state not in _OVER

    @property
    def is_paused(self) -> bool:
        """Whether the pair stands still until a check is over."""
        return self.state is PairState.QUARANTINED

    @property
    def in_trial(self) -> bool:
        """Whether the two may still part on trial, also while a check has paused it."""
        return PairState.TRIAL in (self.state, self.resumes_as)

    @property
    def signed_by_both(self) -> bool:
        """Whether the agreement's current version carries both signatures."""
        return self.mentor.signed_at is not None and self.mentee.signed_at is not None

    @property
    def stalls_at(self) -> datetime:
        """When the pair counts as stalled unless it meets before."""
        return rhythm.stalls_at(self.silent_from, self.cadence_days, self.silence_days)

    @property
    def watched(self) -> bool:
        """Whether silence is being counted: active, and not known to be silent."""
        return self.state is PairState.ACTIVE and self.stalled_at is None

    def health(self, now: datetime) -> Health:
        """How it keeps to its rhythm."""
        if self.is_paused:
            return Health.PAUSED
        if self.state is not PairState.ACTIVE:
            return Health.NOT_STARTED if self.is_open else Health.ENDED
        if self.stalled_at is not None:
            return Health.STALLED
        return rhythm.health(
            silent_from=self.silent_from, cadence_days=self.cadence_days, silence_days=self.silence_days, now=now
        )

    def is_trained(self, side: Side) -> bool:
        """Whether a side has done its training path, required or not."""
        return training.path(self.formality, side) <= self.member(side).completed_modules

    def training_outstanding(self, side: Side) -> frozenset[TrainingModule]:
        """The modules a side still owes before the pair may become active."""
        if not self.training_required:
            return frozenset()
        return training.path(self.formality, side) - self.member(side).completed_modules

    @property
    def may_activate(self) -> bool:
        """Whether the gate stands open:

        formed and on trial no more, one agreement version signed by both, required training done by both.
        """
        return (
            self.state is PairState.FORMED
            and self.agreement_in_force is not None
            and not any(self.training_outstanding(side) for side in Side)
        )

    def sign(self, side: Side, *, agreement_version: int, terms: Terms, now: datetime) -> None:
        """A side signs the current agreement, whose terms are `terms`. The second signature puts it in force.

        :raises Conflict: the pair is over or paused, another version is the current one, or this side has signed already.
        :raises InvalidInput: a term the program's formality requires is empty.
        """
        self._require_running()
        self.require_agreement_version(agreement_version)
        if self.member(side).signed_at is not None:
            raise Conflict("you have signed this version of the agreement already")
        self._require_complete(terms)
        self._put_signature(side, terms, now)

    def require_agreement_version(self, agreement_version: int) -> None:
        """Refuse a signature under anything but the current agreement.

        :raises Conflict: another version is the current one.
        """
        if agreement_version != self.agreement_version:
            raise Conflict(
                f"version {self.agreement_version} of the agreement is the current one",
                field="agreement_version",
                remedy="read the current version and sign that",
            )

    def revise(self, side: Side, *, terms: Terms, now: datetime) -> None:
        """A side proposes other terms: a new version, signed by the one who proposes it, waiting for the other.

        What both signed before stays in force until the other signs.

        :raises Conflict: the pair is over or paused.
        :raises InvalidInput: a term breaks a rule, or one the formality requires is empty.
        """
        self._require_running()
        check_terms(terms, formality=self.formality, cadence_floor_days=self.cadence_floor_days)
        self._require_complete(terms)
        self.agreement_version += 1
        self.mentor.signed_at = self.mentee.signed_at = None
        self._put_signature(side, terms, now)

    def complete_training(self, side: Side, module: TrainingModule) -> bool:
        """A side has done a module of its path. False when that was known already: then nothing has changed.

        :raises Conflict: the pair is over.
        :raises InvalidInput: the module belongs to the other side's path.
        """
        self._require_open()
        if module not in training.offered(side):
            raise InvalidInput(
                f"{module.value} is no part of the {side.value}'s path",
                field="module",
                remedy=f"one of {', '.join(sorted(training.offered(side)))}",
            )
        member = self.member(side)
        if module in member.completed_modules:
            return False
        member.completed_modules |= {module}
        return True

    def activate(self, now: datetime) -> None:
        """Begin: duration and rhythm count from here.

        :raises Conflict: the gate is closed.
        """
        if not self.may_activate:
            raise Conflict("the pair cannot become active: signatures or required training are missing")
        self.state = PairState.ACTIVE
        self.activated_at = now
        self.ends_at = self._end_of_duration()
        self.silent_from = now
        self.version += 1

    def may_meet_at(self, moment: datetime) -> bool:
        """Whether a meeting at that time is one of this pair: of an active pair any, before that those within its trial."""
        if self.state is PairState.ACTIVE:
            return True
        not_yet_active = self.state in (PairState.TRIAL, PairState.FORMED)
        return not_yet_active and self.trial_ends_at is not None and moment <= self.trial_ends_at

    def require_may_meet_at(self, moment: datetime) -> None:
        """Refuse a meeting that cannot be the pair's.

        :raises Conflict: the pair is neither active nor on trial at that time.
        """
        if self.may_meet_at(moment):
            return
        self._require_running()
        raise Conflict(
            f"the pair is {self.state.value}",
            remedy="meet before the trial ends, or confirm the pair, sign the agreement and complete the required training"
            if self.state is PairState.TRIAL
            else "meetings belong to an active pair: sign the agreement and complete the required training first",
        )

    def record_contact(self, held_at: datetime, now: datetime) -> bool:
        """The two met. True when that ended a stall, which is a fact about the pair; else its version stays.

        :raises Conflict: the pair is neither active nor on trial at that time.
        :raises InvalidInput: the meeting lies in the future or before the pair was formed.
        """
        self.require_may_meet_at(held_at)
        if held_at > now + CLOCK_LEEWAY:
            raise InvalidInput("a meeting that was held lies in the past", field="held_at")
        if held_at < self.formed_at:
            raise InvalidInput("the pair did not exist at that time", field="held_at")
        self.meetings_held += 1
        self.last_held_at = max(held_at, self.last_held_at or held_at)
        self.silent_from = max(held_at, self.silent_from)
        if self.stalled_at is None or self.stalls_at <= now:
            return False
        self.stalled_at = None
        self.version += 1
        return True

    def stall(self, now: datetime) -> None:
        """Silence has lasted too long.

        :raises Conflict: the pair is not active, is stalled already, or has been in contact.
        """
        if not self.watched or now < self.stalls_at:
            raise Conflict("the pair has not fallen silent")
        self.stalled_at = now
        self.stalls += 1
        self.version += 1

    def complete(self, now: datetime) -> None:
        """The agreed duration is over.

        :raises Conflict: the pair never began, is over, or still has time.
        """
        if self.state is not PairState.ACTIVE or now < self.ends_at:
            raise Conflict("the pair has not reached the end of its duration")
        self._end(PairState.COMPLETED, now)

    def dissolve(self, now: datetime, ending: Ending | None = None) -> None:
        """End before time. Either side may, without fault; no name and no reason of anybody's is recorded.

        Of a pair on trial it is said that its trial has ended it, whoever asked and by whatever way.

        :raises Conflict: the pair is over already.
        """
        self._require_open()
        self.ending = ending or (Ending.TRIAL if self.in_trial else None)
        self._end(PairState.DISSOLVED, now)

    def confirm_trial(self, side: Side) -> bool:
        """A side wants to go on. True when both do, which ends the trial and is a fact; else the version stays.

        :raises Conflict: the pair is not on trial, or paused.
        """
        self.require_trial()
        self._require_running()
        self.member(side).confirmed = True
        if not (self.mentor.confirmed and self.mentee.confirmed):
            return False
        self._end_trial()
        return True

    def require_trial(self) -> None:
        """Refuse what only a pair on trial can do.

        :raises Conflict: the pair is not on trial.
        """
        if not self.in_trial:
            raise Conflict("the pair is not on trial")

    def pass_trial(self, now: datetime) -> None:
        """The days of the trial are over and nobody has left.

        :raises Conflict: the pair is not on trial, is paused, or still has time.
        """
        if self.state is not PairState.TRIAL or self.trial_ends_at is None or now < self.trial_ends_at:
            raise Conflict("the trial is not over")
        self._end_trial()

    def remind_of_trial(self, now: datetime) -> bool:
        """Note the one reminder that the trial is about to end; False when it is not due, was given, or nobody is on trial.

        It is no fact about the pair: the version stays.
        """
        if self.state is not PairState.TRIAL or self.trial_remind_at is None or self.trial_reminded_at is not None:
            return False
        if self.trial_ends_at is None or not self.trial_remind_at <= now < self.trial_ends_at:
            return False
        self.trial_reminded_at = now
        return True

    def quarantine(self, at: datetime) -> None:
        """Stand still until a check is over. Both may still leave.

        :raises Conflict: the pair is over, or paused already.
        """
        self._require_running()
        self.resumes_as, self.state = self.state, PairState.QUARANTINED
        self.pauses = (*self.pauses, Pause(at))

    def reinstate(self, at: datetime) -> Pause:
        """Go on as before; silence, trial and duration go on where they stood. Returns the pause that is over.

        :raises Conflict: the pair is not quarantined.
        """
        if self.resumes_as is None:
            raise Conflict("the pair is not quarantined")
        pause = self._end_pause(at)
        ended_at = max(at, pause.began_at)
        self.silent_from += standstill((pause,), since=self.silent_from, until=ended_at)
        if self.trial_ends_at is not None and self.resumes_as is PairState.TRIAL:
            self.trial_ends_at += ended_at - pause.began_at
            if self.trial_remind_at is not None:
                self.trial_remind_at += ended_at - pause.began_at
        self.ends_at = self._end_of_duration()
        self.state, self.resumes_as = self.resumes_as, None
        return pause

    def _end(self, state: PairState, now: datetime) -> None:
        if self.is_paused:
            self._end_pause(now)
        self.state, self.resumes_as = state, None
        self.ended_at = now
        self.stalled_at = None
        self.mentor.confirmed = self.mentee.confirmed = False
        self.version += 1

    def _end_trial(self) -> None:
        self.state = PairState.FORMED
        self.mentor.confirmed = self.mentee.confirmed = False
        self.version += 1

    def _end_pause(self, at: datetime) -> Pause:
        *before, last = self.pauses
        ended = last.end(at)
        self.pauses = (*before, ended)
        return ended

    def _end_of_duration(self) -> datetime:
        start = self.activated_at or self.formed_at
        until = (self.pauses[-1].ended_at if self.pauses else None) or start
        return rhythm.add_months(start, self.duration_months) + standstill(self.pauses, since=start, until=until)

    def _require_open(self) -> None:
        if not self.is_open:
            raise Conflict(f"the pair is {self.state.value}")

    def _require_running(self) -> None:
        self._require_open()
        if self.is_paused:
            raise Conflict("the pair is paused for a check", remedy="it goes on where it stood when the check is over")

    def _require_complete(self, terms: Terms) -> None:
        missing = terms.missing(self.formality)
        if missing:
            raise InvalidInput(
                f"the agreement of a {self.formality.value} program needs: {', '.join(missing)}",
                field=missing[0].value,
                remedy="fill in the terms, then sign",
            )

    def _put_signature(self, side: Side, terms: Terms, now: datetime) -> None:
        self.member(side).signed_at = now
        if self.signed_by_both:
            self.agreement_in_force = self.agreement_version
            self.cadence_days = terms.cadence_days
            self.channel = terms.medium
            self.duration_months = terms.duration_months
            self.ends_at = self._end_of_duration()
        self.version += 1
