"""A person is erased: what names them and what they declared goes, everywhere, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.ports import NotVisible
from enrollment.application.carry_out_erasures import carry_out_erasures
from enrollment.application.request_erasure import RequestErasure, request_erasure
from enrollment.domain.change_sets import ImportMode, KnownPerson, Particulars, Standing
from enrollment.domain.erasures import ErasureReason
from enrollment.domain.imports import Import, ImportFormat, ImportState
from enrollment.domain.languages import LanguageLevel, LanguageSkill, WorkingHours
from enrollment.domain.life_experience import LifeExperience, Purpose
from enrollment.domain.participations import Application, Participation, ParticipationState, Role
from enrollment.domain.people import Identity
from enrollment.domain.topics import TopicLevel

from .fakes import START, UNIT, FakeUnitOfWork

PROFILE = Application(
    Role.MENTOR,
    (TopicLevel("technology.ai", 4),),
    (),
    (LanguageSkill("en", LanguageLevel.C1),),
    "Europe/London",
    WorkingHours(time(9), time(17)),
)


class Scene:
    """A person in several cohorts, nothing published about them here yet."""

    def __init__(self) -> None:
        self.uow = FakeUnitOfWork()
        self.person = uuid4()
        self.uow.people.rows[self.person] = KnownPerson(
            self.person, UNIT, "canary-7", 0, True,
            Standing("E2", 2, uuid4(), team="canary"), Particulars(Identity("Canary"), "UTC"),
        )  # fmt: skip

    def takes_part(self, state: ParticipationState, **more: Any) -> UUID:
        participation = Participation(
            uuid4(), uuid4(), uuid4(), self.person, UNIT, UNIT, Role.MENTOR, state, PROFILE, True, version=0, **more
        )
        self.uow.participations.add(participation)
        self.uow.participations.notes[participation.participation_id] = "canary"
        return participation.participation_id

    async def asked(self, reason: ErasureReason = ErasureReason.OWN_REQUEST, unit: UUID = UNIT) -> Any:
        return await request_erasure(RequestErasure(self.person, unit, reason), self.uow)


async def test_it_is_asked_for_once_and_audited_with_its_reason() -> None:
    scene = Scene()
    first = await scene.asked()
    second = await scene.asked(ErasureReason.RETENTION_ENDED)
    assert first == second
    ((action, subject, _, after),) = scene.uow.audited
    assert (action, subject, after) == ("request-erasure", scene.person, {"reason": "own_request"})
    assert scene.uow.erasures.identities_gone == []


async def test_another_units_person_looks_as_if_there_were_none() -> None:
    scene = Scene()
    with pytest.raises(NotVisible):
        await scene.asked(unit=uuid4())
    assert scene.uow.erasures.rows == {}


@pytest.mark.requirement("S21")
async def test_what_was_declared_goes_and_what_statistics_need_stays() -> None:
    scene = Scene()
    pair = uuid4()
    admitted = scene.takes_part(ParticipationState.ADMITTED, background_codes=("a" * 16,))
    matched = scene.takes_part(ParticipationState.MATCHED, pair_ids=(pair,))
    completed = scene.takes_part(ParticipationState.COMPLETED, pairs_completed=1, past_pair_ids=(pair,))
    scene.uow.participations.experiences[admitted] = LifeExperience.consented(
        ("taught",), Purpose.MATCHING, consent=True
    )
    await scene.asked()
    assert await carry_out_erasures(scene.uow)
    kept = scene.uow.participations.rows
    assert [kept[which].state.value for which in (admitted, matched, completed)] == [
        "withdrawn", "withdrawn", "completed",
    ]  # fmt: skip
    assert all(row.application is None and row.background_codes == () for row in kept.values())
    assert (kept[completed].pairs_completed, kept[matched].past_pair_ids) == (1, (pair,))
    assert all(row.screening_passed and row.role is Role.MENTOR for row in kept.values())
    assert (scene.uow.participations.notes, scene.uow.participations.experiences) == ({}, {})
    assert scene.uow.erasures.identities_gone == [scene.person]
    names = scene.uow.names()
    assert sorted(names) == ["ParticipantCompleted", "ParticipantWithdrawn", "ParticipantWithdrawn", "PersonErased"]
    said = repr(scene.uow.published)
    assert "technology" not in said
    assert "canary" not in said.casefold()
    event, sequence = scene.uow.published[names.index("PersonErased")]
    assert (event.state.value, event.grade, event.team_code, event.change_set_size, sequence) == (
        "erased", "E2", None, 1, 1,
    )  # fmt: skip
    assert "canary" not in repr(scene.uow.audited).casefold()
    assert [line[0] for line in scene.uow.audited] == ["request-erasure", "erase-person"]
    assert scene.uow.erasures.rows[scene.person].erased_at == START
    assert not await carry_out_erasures(scene.uow)
    assert (await scene.asked()).erased_at == START


async def test_a_candidate_who_was_out_already_is_published_only_if_something_goes() -> None:
    scene = Scene()
    blank = scene.takes_part(ParticipationState.DECLINED)
    scene.uow.participations.rows[blank] = replace(scene.uow.participations.rows[blank], application=None)
    await scene.asked()
    await carry_out_erasures(scene.uow)
    assert scene.uow.names() == ["PersonErased"]
    assert scene.uow.participations.rows[blank].version == 0


async def test_it_waits_until_no_import_could_bring_the_person_back() -> None:
    scene = Scene()
    upload = Import(
        uuid4(), UNIT, (UNIT,), ImportFormat.UPDRAFT_CSV, ImportMode.PARTIAL, False, "somebody", START,
        state=ImportState.APPLYING,
    )  # fmt: skip
    scene.uow.imports.add(upload, {})
    await scene.asked()
    assert not await carry_out_erasures(scene.uow)
    assert scene.uow.erasures.identities_gone == []
    upload.state = ImportState.APPLIED
    scene.uow.imports.save(upload)
    assert await carry_out_erasures(scene.uow)
    assert scene.uow.erasures.identities_gone == [scene.person]
