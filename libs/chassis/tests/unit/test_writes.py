from __future__ import annotations

import re
from uuid import uuid4

import pytest
from chassis.database import IdempotentRequest, StoredResponse

from .sample import Sample
from .tokens import Issuer

KEY = {"idempotency-key": "k-1"}


async def test_a_write_answers_with_its_result(sample: Sample, issuer: Issuer) -> None:
    unit = uuid4()
    async with sample.client(issuer.token(business_unit=str(unit))) as client:
        response = await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
    assert response.status_code == 201
    (note,) = sample.database.notes.values()
    assert (note.unit, note.author) == (unit, "s-1")
    assert response.json() == {"note_id": str(note.note_id), "text": "one", "version": 1}
    assert response.headers["location"] == f"/v1/notes/{note.note_id}"
    assert response.headers["etag"] == '"1"'


@pytest.mark.requirement("I9")
async def test_the_same_request_gets_the_same_answer_and_no_second_effect(sample: Sample, issuer: Issuer) -> None:
    async with sample.client(issuer.token()) as client:
        first = await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
        again = await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    for name in ("etag", "location", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert len(sample.database.notes) == 1


async def test_a_replay_does_not_depend_on_the_state_that_the_effect_left(sample: Sample, issuer: Issuer) -> None:
    """The second run of the use case is refused (the text exists); the first answer counts, not the refusal."""
    async with sample.client(issuer.token()) as client:
        await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
        again = await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
        other_key = await client.post("/v1/notes", json={"text": "one"}, headers={"idempotency-key": "k-2"})
    assert again.status_code == 201
    assert (other_key.status_code, other_key.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("second", [{"text": "two"}, {"text": "one", "importance": 2}, {"text": "forbidden"}])
async def test_a_key_is_not_used_for_another_request(sample: Sample, issuer: Issuer, second: dict[str, object]) -> None:
    async with sample.client(issuer.token()) as client:
        await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
        response = await client.post("/v1/notes", json=second, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency-key-reused")
    assert response.json()["type"].endswith("/idempotency-key-reused")
    assert len(sample.database.notes) == 1


async def test_keys_of_different_subjects_and_units_are_apart(sample: Sample, issuer: Issuer) -> None:
    tokens = [
        issuer.token(),
        issuer.token(sub="s-2"),
        issuer.token(business_unit=str(uuid4())),
    ]
    codes = []
    for number, token in enumerate(tokens):
        async with sample.client(token) as client:
            codes.append((await client.post("/v1/notes", json={"text": f"t{number}"}, headers=KEY)).status_code)
    assert codes == [201, 201, 201]


@pytest.mark.parametrize("key", [None, "", " ", "a b", "ü".encode(), "x" * 256])
async def test_a_post_needs_a_key(sample: Sample, issuer: Issuer, key: str | bytes | None) -> None:
    async with sample.client(issuer.token()) as client:
        value = key.encode() if isinstance(key, str) else key
        headers = {} if value is None else {b"idempotency-key": value}
        response = await client.post("/v1/notes", json={"text": "one"}, headers=headers)
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert (error["location"], error["field"]) == ("header", "Idempotency-Key")
    assert error["remedy"]
    assert not sample.database.notes


@pytest.mark.requirement("F11")
@pytest.mark.parametrize("faults", [["after"], ["before"], ["after", "after"], ["cut"], ["before", "cut"]])
async def test_a_commit_in_doubt_is_resolved_by_the_key(sample: Sample, issuer: Issuer, faults: list[str]) -> None:
    sample.database.faults = list(faults)
    async with sample.client(issuer.token()) as client:
        response = await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
    assert response.status_code == 201
    assert [note.text for note in sample.database.notes.values()] == ["one"]
    assert str(next(iter(sample.database.notes))) == response.json()["note_id"]


@pytest.mark.requirement("F11")
async def test_retries_are_bounded(sample: Sample, issuer: Issuer) -> None:
    sample.database.faults = ["before"] * 10
    async with sample.client(issuer.token()) as client:
        response = await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response.headers["retry-after"]) >= 1
    assert sample.database.attempts == 3
    assert not sample.database.notes


@pytest.mark.requirement("F12")
async def test_an_overloaded_database_is_not_asked_again(sample: Sample, issuer: Issuer) -> None:
    sample.database.faults = ["busy"]
    async with sample.client(issuer.token()) as client:
        response = await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
    assert (response.status_code, response.headers["retry-after"]) == (503, "3")
    assert sample.database.attempts == 1


async def test_without_a_key_nothing_is_run_twice(sample: Sample, issuer: Issuer) -> None:
    async with sample.client(issuer.token()) as client:
        note = (await client.post("/v1/notes", json={"text": "one"}, headers=KEY)).json()
        sample.database.attempts = 0
        sample.database.faults = ["after"]
        path = f"/v1/notes/{note['note_id']}"
        response = await client.patch(path, json={"text": "two"}, headers={"if-match": '"1"'})
    assert response.status_code == 503
    assert sample.database.attempts == 1


async def test_a_twin_that_came_first_is_answered_with_its_answer(sample: Sample, issuer: Issuer) -> None:
    """Two equal requests at once: the one that comes second at the key applies nothing."""
    async with sample.client(issuer.token()) as client:
        first = await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
        (identity,) = sample.database.answers
        sample.database.notes.clear()
        second = await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
    assert identity == (None, "s-1", "k-1")
    assert second.content == first.content
    assert not sample.database.notes


async def test_a_refusal_is_not_stored(sample: Sample, issuer: Issuer) -> None:
    async with sample.client(issuer.token()) as client:
        refused = await client.post("/v1/notes", json={"text": "forbidden"}, headers=KEY)
        accepted = await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["code"] == "invalid-input"
    assert problem["errors"] == [
        {"location": "body", "field": "/text", "message": "This word is not wanted.", "remedy": "Choose another."}
    ]
    assert accepted.status_code == 201


async def test_a_change_needs_the_version_it_is_based_on(sample: Sample, issuer: Issuer) -> None:
    async with sample.client(issuer.token()) as client:
        note = (await client.post("/v1/notes", json={"text": "one"}, headers=KEY)).json()
        path = f"/v1/notes/{note['note_id']}"
        without = await client.patch(path, json={"text": "two"})
        malformed = await client.patch(path, json={"text": "two"}, headers={"if-match": "1"})
        right = await client.patch(path, json={"text": "two"}, headers={"if-match": '"1"'})
        stale = await client.patch(path, json={"text": "three"}, headers={"if-match": '"1"'})
    assert (without.status_code, without.json()["code"]) == (428, "precondition-required")
    assert malformed.status_code == 400
    assert (right.status_code, right.headers["etag"]) == (200, '"2"')
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")


async def test_a_key_makes_a_patch_repeatable(sample: Sample, issuer: Issuer) -> None:
    async with sample.client(issuer.token()) as client:
        note = (await client.post("/v1/notes", json={"text": "one"}, headers=KEY)).json()
        path, headers = f"/v1/notes/{note['note_id']}", {"if-match": '"1"', "idempotency-key": "p-1"}
        first = await client.patch(path, json={"text": "two"}, headers=headers)
        again = await client.patch(path, json={"text": "two"}, headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"


async def test_who_has_no_unit_acts_for_the_one_it_names(sample: Sample, issuer: Issuer) -> None:
    unit = uuid4()
    async with sample.client(issuer.token(roles=["platform_admin"])) as client:
        response = await client.post(f"/v1/units/{unit}/notes", json={"text": "one"}, headers=KEY)
    assert response.status_code == 201
    assert [note.unit for note in sample.database.notes.values()] == [unit]


@pytest.mark.requirement("S18")
async def test_an_anonymous_write_leaves_no_key_subject_or_trace(sample: Sample, issuer: Issuer) -> None:
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with sample.client(issuer.token(), traceparent=traceparent) as client:
        response = await client.post("/v1/answers", json={"text": "one"}, headers=KEY)
    assert (response.status_code, response.content) == (202, b"")
    assert not sample.database.answers
    assert [note.author for note in sample.database.notes.values()] == ["anonymous"]
    assert sample.traces_seen == [None]


async def test_a_file_is_the_same_whatever_boundary_the_client_draws(sample: Sample, issuer: Issuer) -> None:
    content = b"x" * 400_000
    async with sample.client(issuer.token()) as client:
        answers = [await client.post("/v1/files", files={"file": ("f.csv", content)}, headers=KEY) for _ in range(2)]
        other = await client.post("/v1/files", files={"file": ("f.csv", content[:-1] + b"y")}, headers=KEY)
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["text"] == "400000 bytes"
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert other.status_code == 422


async def test_what_is_stored_holds_no_header_of_the_request(sample: Sample, issuer: Issuer) -> None:
    async with sample.client(issuer.token()) as client:
        await client.post("/v1/notes", json={"text": "one"}, headers=KEY)
    ((unit, subject, key),) = sample.database.answers
    (stored,) = sample.database.answers.values()
    assert (unit, subject, key) == (None, "s-1", "k-1")
    assert set(stored.headers) == {"content-type", "etag", "location"}
    assert re.fullmatch(rb'\{"note_id":"[^"]+","text":"one","version":1\}', stored.body)
    assert len(stored.request_hash) == 32
    assert isinstance(stored, StoredResponse)
    assert await sample.database.stored_response(IdempotentRequest(None, "s-1", "k-1", b"")) is stored
