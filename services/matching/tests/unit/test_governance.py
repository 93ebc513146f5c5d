from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from contracts.audit_groups import code_of
from contracts.enrollment import AttributesConsented, ConsentedAttribute, ConsentWithdrawn, Purpose
from contracts.envelope import Envelope
from matching.application.compute_pack import NoPack, compute_pack
from matching.application.on_consent_changed import on_consent_changed
from matching.domain.facts import Role
from matching.domain.run_input import input_of
from matching.entrypoints.governance_page import page_of
from matching.entrypoints.governance_table import COLUMNS, table_of

from .audited_worlds import some
from .fakes import COHORT, NOW, FakeUnitOfWork, cohort_of, ended
from .run_fakes import completed, released, transactions
from .worlds import UNIT, participation, person

KEY = b"a key of tests"


def consent(number: int, sequence: int = 1, model: Any = AttributesConsented, **groups: str) -> Envelope[Any]:
    key = participation(number)
    event = model(
        business_unit_id=UNIT, consent_id=UUID(int=key.int + 1), purpose=Purpose.AUDIT, participation_id=key,
        cohort_id=COHORT, person_id=person(number),
        attributes=tuple(
            ConsentedAttribute(dimension=dimension, code=code_of(KEY, key, dimension, group))
            for dimension, group in groups.items()
        ),
    )  # fmt: skip
    return Envelope.of(event, sequence=sequence, time=NOW)


async def declared(uow: FakeUnitOfWork, mentors: int, mentees: int) -> None:
    for number in (*range(1, mentors + 1), *range(101, mentees + 101)):
        await on_consent_changed(consent(number, gender="woman" if number % 2 else "man"), uow)


async def packed(uow: FakeUnitOfWork, run_id: UUID) -> dict[str, Any]:
    text = await compute_pack(run_id, KEY, transactions(uow))
    assert text is not None
    document: dict[str, Any] = json.loads(text)
    return document


@pytest.mark.requirement("N15", "N7", "R3-17")
async def test_a_released_run_gets_one_pack_and_keeps_it() -> None:
    uow = cohort_of(16, 14)
    await declared(uow, 16, 14)
    run = await released(uow, COHORT)
    assert await uow.governance.due(9) == [run.run_id]
    document = await packed(uow, run.run_id)
    side = some(document["sides"], role="mentor")
    assert (side["people"], side["covered"]) == (16, 14)
    gender = some(side["dimensions"], dimension="gender")
    assert {group["group"]: group["people"] for group in gender["groups"]} == {"woman": 8, "man": 8}
    assert some(side["dimensions"], dimension="age_band")["withheld"] == "nobody_declared"
    assert document["oversight"]["released"] == 14
    assert document["oversight"]["by"]["released"] != "manager"
    (reading,) = [entry for entry in uow.audited if entry[0] == "read-consented-attributes"]
    assert "'purpose': 'audit'" in str(reading)
    assert await uow.governance.due(9) == []
    kept = uow.governance.held[run.run_id]
    await on_consent_changed(consent(1, 2, ConsentWithdrawn), uow)
    await compute_pack(run.run_id, KEY, transactions(uow))
    assert uow.governance.held[run.run_id] == kept


@pytest.mark.requirement("N7", "R3-17", "S16")
async def test_who_withdraws_is_forgotten_everywhere_and_later_packs_do_not_tell() -> None:
    uow = cohort_of(16, 14)
    await declared(uow, 16, 14)
    first = await released(uow, COHORT)
    await packed(uow, first.run_id)
    gone = participation(1)
    assert any(gone in cell.members for cell in uow.governance.cells[first.run_id])
    await on_consent_changed(consent(1, 2, ConsentWithdrawn), uow)
    assert not uow.known_audit_groups.held[gone].codes
    assert not any(gone in cell.members for cell in uow.governance.cells[first.run_id])
    # What was published before the withdrawal and comes after it brings nothing back.
    await on_consent_changed(consent(1, 1, gender="woman"), uow)
    assert not uow.known_audit_groups.held[gone].codes
    for pair in uow.pairs.held.values():
        uow.known_pairs.put(ended(pair))
    again = await released(uow, COHORT)
    cut = some(some((await packed(uow, again.run_id))["sides"], role="mentor")["dimensions"], dimension="gender")
    assert cut["withheld"] is not None


@pytest.mark.requirement("R0-06", "R2-13", "R3-17")
async def test_a_run_is_given_the_same_bytes_with_and_without_audit_groups() -> None:
    plain, audited = cohort_of(6, 5), cohort_of(6, 5)
    await declared(audited, 6, 5)
    inputs = []
    for uow in (plain, audited):
        run = await completed(uow, COHORT)
        content = await uow.run_records.get(run.run_id, "input")
        assert content is not None
        inputs.append((content, run.result and run.result.certificate_hash))
    assert inputs[0] == inputs[1]
    codes = [code for one in audited.known_audit_groups.held.values() for code in one.codes.values()]
    assert codes
    assert not any(code.encode() in inputs[1][0] for code in codes)
    assert len(input_of(inputs[1][0]).snapshot.mentors) == 6


async def test_only_a_released_run_has_a_pack_and_never_one_whose_input_is_gone() -> None:
    uow = cohort_of(3, 3)
    run = await completed(uow, COHORT)
    assert await compute_pack(run.run_id, KEY, transactions(uow)) is None
    uow = cohort_of(3, 3)
    run = await released(uow, COHORT)
    await uow.run_records.erase([person(1)])
    with pytest.raises(NoPack):
        await compute_pack(run.run_id, KEY, transactions(uow))
    for _ in range(3):
        await uow.governance.note_failure(run.run_id)
    assert await uow.governance.due(9) == []


@pytest.mark.requirement("N7")
async def test_a_consent_that_changes_meanwhile_is_counted_by_the_next_try() -> None:
    uow = cohort_of(12, 12)
    await declared(uow, 12, 12)
    run = await released(uow, COHORT)
    read = uow.known_audit_groups.of_cohort
    calls = 0

    async def changing(cohort_id: UUID) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            await on_consent_changed(consent(1, 2, ConsentWithdrawn), uow)
        return await read(cohort_id)

    uow.known_audit_groups.of_cohort = changing  # type: ignore[method-assign]  # the moment between two transactions
    assert await compute_pack(run.run_id, KEY, transactions(uow)) is None
    assert run.run_id not in uow.governance.held
    assert await compute_pack(run.run_id, KEY, transactions(uow)) is not None


async def test_another_purpose_is_none_of_matchings() -> None:
    uow = FakeUnitOfWork()
    event = consent(1, gender="woman")
    other = replace(event, data=event.data.model_copy(update={"purpose": Purpose.UNKNOWN}))
    await on_consent_changed(other, uow)
    assert not uow.known_audit_groups.held


class Outline(HTMLParser):
    """Tags of a page that is well formed: every element is closed where it was opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.requirement("N15", "R3-19")
async def test_the_page_says_what_the_pack_says_and_loads_nothing() -> None:
    uow = cohort_of(40, 30)
    await declared(uow, 40, 30)
    run = await released(uow, COHORT)
    document = await packed(uow, run.run_id)
    page = page_of(document)
    outline = Outline(page)
    assert outline.open == []
    tags = [tag for tag, _ in outline.tags]
    assert tags.count("h1") == 1
    assert not {"script", "link", "img", "iframe", "object"} & set(tags)
    assert all(attributes.get("aria-label") for tag, attributes in outline.tags if tag == "svg")
    assert all(attributes.get("scope") for tag, attributes in outline.tags if tag == "th")
    assert "url(" not in page
    assert "http" not in page
    for word in ("Women", "Coverage", "Nobody has declared", "Not testable", "What it never uses", "How to contest it"):
        assert word in page, word
    assert document["model_card"]["certificate_hash"] in page
    rows = table_of(document).splitlines()
    assert rows[0] == ",".join(COLUMNS)
    assert sum(row.startswith("mentor,gender,woman") for row in rows) == 5


def test_what_a_page_is_given_is_escaped() -> None:
    uow = cohort_of(6, 6)

    async def made() -> dict[str, Any]:
        run = await released(uow, COHORT)
        return await packed(uow, run.run_id)

    document = asyncio.run(made())
    document["run_id"] = "<b>"
    document["model_card"]["tie_rule"] = "<i>"
    page = page_of(document)
    assert "<b>" not in page
    assert "<i>" not in page
    assert Role.MENTOR.value in {side["role"] for side in document["sides"]}
