"""What matching keeps of the facts that decide who fits: from enrollment's events to the projection, old events included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from contracts.enrollment import ParticipantAdmitted, ParticipantWithdrawn, PersonJoined, ProgramChartered
from contracts.envelope import Envelope
from contracts.examples import example
from matching.adapters import rows
from matching.application.on_participation_changed import on_participation_changed
from matching.application.on_people_changed import on_people_changed
from matching.application.on_program_changed import on_program_changed
from matching.application.ports import KnownParticipation, KnownPerson, KnownProgram
from matching.domain.facts import UnitPolicy, Weights
from matching.domain.match_request import AskingSide

from ..older_events import NEW_OF_A_PARTICIPATION, NEW_OF_A_PERSON, NEW_OF_A_PROGRAM, NOW, without
from .fakes import FakeUnitOfWork

ONE, OTHER = UUID(int=0x0A), UUID(int=0x0B)
CODES = ("00000000000000aa", "00000000000000bb")


def said(model: Any, sequence: int = 1, **changes: Any) -> Envelope[Any]:
    return Envelope.of(example(model, **changes), sequence=sequence, time=NOW)


async def person_of(event: Envelope[Any]) -> KnownPerson:
    uow = FakeUnitOfWork()
    await on_people_changed([event], uow)
    (kept,) = uow.known_people.held.values()
    return kept


async def participation_of(*events: Envelope[Any]) -> KnownParticipation:
    uow = FakeUnitOfWork()
    for event in events:
        await on_participation_changed(event, uow)
    kept: list[KnownParticipation] = list(uow.known_participations.held.values())
    return kept[0]


async def program_of(event: Envelope[Any]) -> KnownProgram:
    uow = FakeUnitOfWork()
    await on_program_changed(event, uow)
    kept: list[KnownProgram] = list(uow.known_programs.held.values())
    return kept[0]


@pytest.mark.requirement("N2", "R3-25")
async def test_projects_reviewers_and_tenure_of_a_person() -> None:
    event = said(PersonJoined, project_codes=CODES[::-1], reviewer_ids=(OTHER, ONE), tenure_band="over_10")
    kept = await person_of(event)
    assert (kept.project_codes, kept.reviewer_ids, kept.tenure_band) == (CODES, (ONE, OTHER), "over_10")
    assert kept.line.reviewer_ids == {ONE, OTHER}
    assert rows.person_of(rows.person_values(kept)) == kept
    old = await person_of(without(event.data, NEW_OF_A_PERSON))
    assert old == replace(kept, project_codes=(), reviewer_ids=(), tenure_band=None)


@pytest.mark.requirement("R1-13", "R0-38", "N10")
async def test_declarations_and_priority_of_a_participation() -> None:
    event = said(
        ParticipantAdmitted,
        values=("variety", "income"),
        working_style={"pace": 5, "formality": 1},
        preferred_channels=("video", "phone", "video"),
        background_codes=CODES[::-1],
        priority=1,
    )
    kept = await participation_of(event)
    assert (kept.values, kept.style, kept.channels) == (
        ("income", "variety"),
        {"pace": 5, "formality": 1},
        ("phone", "video"),
    )
    assert (kept.background_codes, kept.priority) == (CODES, 1)
    assert rows.participation_of(rows.participation_values(kept)) == kept
    old = await participation_of(without(event.data, NEW_OF_A_PARTICIPATION))
    assert old == replace(kept, values=(), style={}, channels=(), background_codes=(), priority=2)


@pytest.mark.requirement("R0-38", "N7")
async def test_a_consent_that_is_taken_back_is_gone_here_too() -> None:
    given = said(ParticipantAdmitted, background_codes=CODES)
    revoked = said(ParticipantAdmitted, 2, background_codes=())
    left = said(ParticipantWithdrawn, 3, background_codes=())
    for order in ((given, revoked), (revoked, given), (left, revoked, given)):
        assert (await participation_of(*order)).background_codes == ()


@pytest.mark.requirement("RX-01", "R1-07")
async def test_policies_mode_and_weights_of_a_program() -> None:
    weights = {"topics": 9, "reciprocity": 8, "distance": 7, "language": 6, "hours": 5}
    event = said(
        ProgramChartered,
        matching_mode="hybrid",
        unit_policy="within",
        repeat_pairs=True,
        preference_limit=3,
        mentors_per_mentee=2,
        trial_days=30,
        request_days=10,
        request_reminder_days=4,
        asking_side="both",
        score_weights=weights | {"values": 4, "style": 3, "preferences": 2, "channel": 1},
    )
    kept = await program_of(event)
    assert kept.rules.weights == Weights(9, 8, 7, 6, 5, 4, 3, 2, 1)
    assert (kept.rules.unit_policy, kept.rules.repeat_pairs, kept.rules.preference_limit) == (
        UnitPolicy.WITHIN,
        True,
        3,
    )
    assert (kept.mode, kept.trial_days, kept.request_days, kept.request_reminder_days) == ("hybrid", 30, 10, 4)
    assert (kept.mentors_per_mentee, kept.asking_side) == (2, AskingSide.BOTH)
    assert rows.program_of(rows.program_values(kept)) == kept
    old = await program_of(without(event.data, NEW_OF_A_PROGRAM))
    assert old.rules.weights == Weights(9, 8, 7, 6, 5)
    assert (old.rules.unit_policy, old.rules.repeat_pairs, old.rules.preference_limit) == (UnitPolicy.ANY, False, 5)
    assert (old.mode, old.trial_days, old.request_days, old.mentors_per_mentee) == ("hybrid", 0, 14, 1)
    assert old.asking_side is None


@pytest.mark.parametrize("field", ["unit_policy", "matching_mode", "asking_side"])
async def test_a_policy_mode_or_side_nobody_here_knows_is_not_guessed(field: str) -> None:
    event = said(ProgramChartered)
    odd: Any = {"unit_policy": "sideways", "matching_mode": "astrology", "asking_side": "neither"}[field]
    newer = event.data.model_copy(update={field: type(getattr(event.data, field))(odd)})
    with pytest.raises(KeyError):
        await on_program_changed(replace(event, data=newer), FakeUnitOfWork())
