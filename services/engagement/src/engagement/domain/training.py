"""The training path of each side, and which of it must be done before a pair may become active."""

from __future__ import annotations

from engagement.domain.vocabulary import Formality, Side, TrainingModule

_ONBOARDING = {Side.MENTOR: TrainingModule.MENTOR_ONBOARDING, Side.MENTEE: TrainingModule.MENTEE_ONBOARDING}
_FEEDBACK = {Side.MENTOR: TrainingModule.FEEDBACK_UPWARD, Side.MENTEE: TrainingModule.FEEDBACK_DOWNWARD}


def offered(side: Side) -> frozenset[TrainingModule]:
    """Every module a side can take. They are offered in every formality."""
    return frozenset({_ONBOARDING[side], _FEEDBACK[side]})


def path(formality: Formality, side: Side) -> frozenset[TrainingModule]:
    """The modules that make a side trained in a program of that formality:

    the whole offer in structured, else onboarding.
    """
    return offered(side) if formality is Formality.STRUCTURED else frozenset({_ONBOARDING[side]})


def is_required(formality: Formality, *, program_requires: bool) -> bool:
    """Whether a pair becomes active only after both have done their path: always in standard and structured.

    In light it is offered, unless the program asks for it all the same.
    """
    return formality is not Formality.LIGHT or program_requires
