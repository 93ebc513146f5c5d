from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import httpx
import pytest
from chassis.front import Front, too_deep
from chassis.health import Progress
from chassis.http import anonymous, create_app, decode_cursor, encode_cursor, role_matrix
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st

from .sample import Note, Sample, make_sample
from .tokens import Issuer

PROBLEM = "application/problem+json"


def add_notes(sample: Sample, number: int, **values: object) -> list[Note]:
    notes = [Note(uuid4(), values.get("unit"), f"n{place}", "s-1") for place in range(number)]  # type: ignore[arg-type]
    sample.database.notes.update({note.note_id: note for note in notes})
    return sorted(notes, key=lambda note: note.note_id.bytes)


async def test_lists_come_in_pages(sample: Sample, issuer: Issuer) -> None:
    notes = add_notes(sample, 7)
    seen, cursor, sizes = [], None, []
    async with sample.client(issuer.token()) as client:
        while True:
            parameters = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
            body = (await client.get("/v1/notes", params=parameters)).json()
            seen += [item["note_id"] for item in body["items"]]
            sizes.append(len(body["items"]))
            cursor = body["next"]
            if cursor is None:
                break
    assert seen == [str(note.note_id) for note in notes]
    assert sizes == [3, 3, 1]


@pytest.mark.requirement("S7")
@pytest.mark.parametrize("query", ["limit=201", "limit=0", "limit=x", "cursor=abc", "cursor=" + "!" * 22])
async def test_pages_are_bounded(sample: Sample, issuer: Issuer, query: str) -> None:
    async with sample.client(issuer.token()) as client:
        response = await client.get(f"/v1/notes?{query}")
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert (error["location"], error["field"]) == ("query", query.split("=", maxsplit=1)[0])


@given(st.uuids())
def test_cursors_come_back(value: object) -> None:
    assert decode_cursor(encode_cursor(value)) == value  # type: ignore[arg-type]


async def test_what_has_not_changed_is_not_sent_again(sample: Sample, issuer: Issuer) -> None:
    (note,) = add_notes(sample, 1)
    path = f"/v1/notes/{note.note_id}"
    async with sample.client(issuer.token()) as client:
        full = await client.get(path)
        same = await client.get(path, headers={"if-none-match": 'W/"9", "1"'})
        other = await client.get(path, headers={"if-none-match": '"2"'})
    assert (full.status_code, full.headers["etag"]) == (200, '"1"')
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"1"')
    assert (other.status_code, other.content) == (200, full.content)


@pytest.mark.requirement("S1")
async def test_every_404_is_the_same_bytes(sample: Sample, issuer: Issuer) -> None:
    (foreign,) = add_notes(sample, 1, unit=uuid4())
    async with sample.client(issuer.token(business_unit=str(uuid4()))) as client:
        answers = [
            await client.get(f"/v1/notes/{foreign.note_id}"),
            await client.get(f"/v1/notes/{uuid4()}"),
            await client.patch(f"/v1/notes/{foreign.note_id}", json={"text": "x"}, headers={"if-match": '"1"'}),
            await client.get("/v1/nothing"),
        ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1


@pytest.mark.requirement("S8")
async def test_roles_decide_who_may_use_a_route(sample: Sample, issuer: Issuer) -> None:
    async with sample.client(issuer.token(roles=["data_reader"])) as client:
        reader = await client.get("/v1/notes")
    async with sample.client(issuer.token(roles=[])) as client:
        nobody = await client.get("/v1/notes")
    assert (reader.status_code, reader.json()["code"]) == (403, "not-allowed")
    assert reader.content == nobody.content


@pytest.mark.requirement("S8")
async def test_a_token_is_asked_for_before_the_body_is_judged(sample: Sample) -> None:
    async with sample.client() as client:
        response = await client.post("/v1/notes", json={"wrong": 1})
    assert response.status_code == 401


@pytest.mark.requirement("S8")
def test_routes_say_who_may_use_them(sample: Sample) -> None:
    lines = {(line.method, line.path): line.access for line in role_matrix(sample.app)}
    assert len(lines) == 7
    assert lines["POST", "/v1/notes"].roles == {"participant", "program_manager"}
    assert lines["POST", "/v1/answers"].anonymous
    assert [path for (_, path), access in lines.items() if not access.anonymous and not access.roles] == []


def test_a_route_that_does_not_say_it_is_refused(sample: Sample) -> None:
    from chassis.http import create_app

    router = APIRouter(prefix="/v1")

    @router.get("/open")
    async def open_to_all() -> None:
        return None

    with pytest.raises(ValueError, match="say who may use it"):
        create_app(sample.app.state.service, title="Open", routers=[router])


@pytest.mark.requirement("S11")
async def test_validation_errors_name_the_field_and_never_the_value(sample: Sample, issuer: Issuer) -> None:
    sent = {"text": "canary-" + "c" * 60, "importance": "canary-number", "ann@canary.example": 1, "extra": 1}
    async with sample.client(issuer.token()) as client:
        response = await client.post("/v1/notes", json=sent, headers={"idempotency-key": "k"})
    assert (response.status_code, response.headers["content-type"]) == (422, PROBLEM)
    problem = response.json()
    assert {error["field"] for error in problem["errors"]} == {"/text", "/importance", "/?", "/extra"}
    assert all(error["location"] == "body" and error["message"] and error["remedy"] for error in problem["errors"])
    by_field = {error["field"]: error["remedy"] for error in problem["errors"]}
    assert by_field["/text"] == "Send at most 40 characters."
    assert "canary" not in response.text


@pytest.mark.requirement("S11")
async def test_a_defect_shows_only_an_error_id(sample: Sample, issuer: Issuer) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with sample.client(issuer.token(), traceparent=f"00-{trace_id}-00f067aa0ba902b7-00") as client:
        response = await client.post("/v1/notes", json={"text": "bug"}, headers={"idempotency-key": "k"})
    assert (response.status_code, response.headers["content-type"]) == (500, PROBLEM)
    problem = response.json()
    assert problem["error_id"] == trace_id
    assert set(problem) == {"type", "title", "status", "code", "detail", "error_id"}
    assert "secret" not in response.text
    assert not sample.database.notes


async def test_methods_of_an_address_are_named(sample: Sample, issuer: Issuer) -> None:
    async with sample.client(issuer.token()) as client:
        response = await client.put("/v1/notes", json={})
    assert (response.status_code, response.headers["content-type"]) == (405, PROBLEM)
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.requirement("S7")
@pytest.mark.parametrize("chunked", [False, True])
async def test_large_bodies_are_refused(sample: Sample, issuer: Issuer, chunked: bool) -> None:
    body = json.dumps({"text": "x" * (256 * 1024)}).encode()

    async def parts() -> object:
        for place in range(0, len(body), 1000):
            yield body[place : place + 1000]

    async with sample.client(issuer.token()) as client:
        response = await client.post(
            "/v1/notes",
            content=parts() if chunked else body,  # type: ignore[arg-type]
            headers={"idempotency-key": "k", "content-type": "application/json"},
        )
    assert (response.status_code, response.json()["code"]) == (413, "body-too-large")
    assert response.headers["connection"] == "close"


@pytest.mark.requirement("S7")
async def test_a_route_may_take_more_and_has_its_own_limit(sample: Sample, issuer: Issuer) -> None:
    headers = {"idempotency-key": "k"}
    async with sample.client(issuer.token()) as client:
        taken = await client.post("/v1/files", files={"file": ("a", b"x" * 600_000)}, headers=headers)
        refused = await client.post("/v1/files", files={"file": ("a", b"x" * 1_100_000)}, headers=headers)
    assert (taken.status_code, refused.status_code) == (202, 413)


@pytest.mark.requirement("S7")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"text":' + b"[" * 30 + b"]" * 30 + b"}", "body-too-deep"),
        (b"[" * 100_000, "body-too-deep"),
        (b'{"text":"a\\u0000b"}', "bad-request"),
        (b'{"text":"\xff"}', "bad-request"),
        (b'{"text":', "invalid-request"),
        (b'{"text":"\\ud800"}', "invalid-request"),
        (b"", "invalid-request"),
        (b"null", "invalid-request"),
    ],
)
async def test_malformed_bodies_are_problems(sample: Sample, issuer: Issuer, body: bytes, code: str) -> None:
    async with sample.client(issuer.token()) as client:
        headers = {"idempotency-key": "k", "content-type": "application/json"}
        response = await client.post("/v1/notes", content=body, headers=headers)
    assert response.headers["content-type"] == PROBLEM
    assert response.json()["code"] == code
    assert 400 <= response.status_code < 500


@given(
    st.recursive(
        st.none() | st.text('[]{}"\\a'), lambda inner: st.lists(inner) | st.dictionaries(st.text('[{"'), inner)
    )
)
def test_depth_counts_nesting_and_not_text(value: object) -> None:
    def depth(part: object) -> int:
        if isinstance(part, dict):
            return 1 + max(map(depth, part.values()), default=0)
        return 1 + max(map(depth, part), default=0) if isinstance(part, list) else 0

    assert too_deep(json.dumps(value).encode(), deepest=2) == (depth(value) > 2)


@pytest.mark.parametrize("path", ["/v1/notes?cursor=%00", "/v1/notes/%00"])
async def test_characters_that_no_value_may_hold(sample: Sample, issuer: Issuer, path: str) -> None:
    async with sample.client(issuer.token()) as client:
        response = await client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (400, PROBLEM)


@pytest.mark.requirement("S11")
async def test_every_answer_carries_security_headers(issuer: Issuer) -> None:
    async with make_sample(issuer.path, documentation=True).client(issuer.token()) as client:
        answers = [await client.get(path) for path in ("/v1/notes", "/nothing", "/health/live", "/openapi.json")]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


@pytest.mark.requirement("S11")
async def test_browsers_of_other_origins_are_kept_out_unless_listed(issuer: Issuer) -> None:
    origin = "https://people.example"
    preflight = {"origin": origin, "access-control-request-method": "POST"}
    async with make_sample(issuer.path).client() as client:
        closed = await client.options("/v1/notes", headers=preflight)
    async with make_sample(issuer.path, cors_origins=(origin,)).client() as client:
        opened = await client.options("/v1/notes", headers=preflight)
        foreign = await client.options("/v1/notes", headers={**preflight, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in closed.headers
    assert opened.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.requirement("F12")
async def test_a_database_that_is_away_is_503(sample: Sample, issuer: Issuer) -> None:
    sample.database.down = True
    async with sample.client(issuer.token()) as client:
        response = await client.get("/v1/notes")
    assert (response.status_code, response.headers["content-type"]) == (503, PROBLEM)
    assert int(response.headers["retry-after"]) >= 1


@pytest.mark.requirement("S7")
async def test_requests_in_flight_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.front.MOST_IN_FLIGHT", 2)
    release = asyncio.Event()

    async def slow(scope: object, receive: object, send: object) -> None:
        await release.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    front = Front(slow, progress=Progress())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="http://x") as client:
        held = [asyncio.create_task(client.get("/a")) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await client.get("/a")
        release.set()
        served = [answer.status_code for answer in await asyncio.gather(*held)]
        after = await client.get("/a")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert served == [204, 204]
    assert after.status_code == 204


@pytest.mark.requirement("S7")
async def test_a_body_that_does_not_arrive_is_given_up(
    sample: Sample, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.front._BODY_PATIENCE_SECONDS", 0.05)

    async def parts() -> object:
        yield b'{"text":'
        await asyncio.sleep(30)

    async with sample.client(issuer.token()) as client:
        headers = {"idempotency-key": "k", "content-type": "application/json"}
        response = await client.post("/v1/notes", content=parts(), headers=headers)  # type: ignore[arg-type]
    assert (response.status_code, response.json()["code"]) == (408, "request-timeout")


SAME = "application/json"
"""What clients send, and what is read without FastAPI; any other spelling of it goes through FastAPI."""


@pytest.mark.parametrize(
    "body",
    [
        b'{"text":"one"}',
        b'{ "text" : "one", "importance": "2" }',
        b'{"text":"one","text":"two"}',
        b'\xef\xbb\xbf{"text":"one"}',
        '{"text":"eins"}'.encode("utf-16"),
        b'{"text":"one","importance":2.0}',
        b'{"text":"one","importance":true}',
        b'{"text":"one","importance":NaN}',
        b'{"text":"one","importance":1' + b"0" * 5000 + b"}",
        b'{"text":"\\ud800"}',
        b'{"text":"one","more":1}',
        b'{"text":"forbidden"}',
        b'{"text":"bug"}',
        b"[]",
        b"",
        b"{",
    ],
)
async def test_the_short_way_answers_as_fastapi_does(issuer: Issuer, body: bytes) -> None:
    answers = []
    for content_type in (SAME, "Application/JSON ;charset=utf-8"):
        sample = make_sample(issuer.path)
        async with sample.client(issuer.token()) as client:
            headers = {"idempotency-key": "k", "content-type": content_type}
            response = await client.post("/v1/notes", content=body, headers=headers)
        notes = [note.text for note in sample.database.notes.values()]
        kept = {name: value for name, value in response.headers.items() if name != "location"}
        answer = {name: value for name, value in response.json().items() if name not in ("note_id", "error_id")}
        answers.append((response.status_code, kept.keys(), answer, notes))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_what_is_not_said_to_be_json_is_refused(sample: Sample, issuer: Issuer, content_type: str | None) -> None:
    async with sample.client(issuer.token()) as client:
        headers = {"idempotency-key": "k"} | ({"content-type": content_type} if content_type else {})
        response = await client.post("/v1/notes", content=b'{"text":"one"}', headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")
    assert not sample.database.notes


def test_a_parameter_that_may_hold_slashes_is_refused(issuer: Issuer) -> None:
    router = APIRouter()

    @router.get("/v1/{place:path}", dependencies=[anonymous])
    async def anywhere(place: str) -> None:
        """Would be missed by the short way."""

    with pytest.raises(ValueError, match="slashes"):
        create_app(make_sample(issuer.path).app.state.service, title="Sample", routers=[router])
