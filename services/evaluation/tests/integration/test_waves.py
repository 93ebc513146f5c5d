"""A whole wave through HTTP on a real database: blind tokens, answers without a name, closing, and what an attacker finds."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from contracts import enrollment as e
from evaluation.application.close_waves import close_due_waves

from ..events import PairIds, World, cohort, pair_formed, participations, program
from ..running import Evaluation

pytestmark = pytest.mark.integration


async def activated(evaluation: Evaluation, *, pairs: int = 6, **changes: Any) -> World:
    """A cohort with an open baseline wave."""
    world = World(pairs=tuple(PairIds() for _ in range(pairs)), **changes)
    await evaluation.hear(
        program(world),
        cohort(world, e.CohortOpened),
        cohort(world, e.CohortEnrollmentClosed),
        *participations(world),
        cohort(world, e.CohortActivated),
    )
    return world


async def test_activation_opens_the_baseline_with_items_and_a_key(evaluation: Evaluation) -> None:
    world = await activated(evaluation)
    wave = await evaluation.wave_of(world, "baseline")
    assert wave["state"] == "open"
    assert wave["invited_count"] is None
    assert len(wave["items"]) == 9
    assert int.from_bytes(base64.b64decode(wave["public_key"]["modulus"])).bit_length() == 2048
    seen = await evaluation.person(world.people[0], world.unit).get(f"/v1/waves/{wave['wave_id']}")
    assert seen.status_code == 200
    assert seen.headers["etag"] == '"1"'
    ((name, sequence, event),) = await evaluation.published(wave["wave_id"])
    assert (name, sequence, event["invited_count"]) == ("SurveyWaveOpened", 1, 12)


@pytest.mark.requirement("S9")
async def test_one_token_a_person_one_answer_a_token(evaluation: Evaluation) -> None:
    world = await activated(evaluation)
    wave = await evaluation.wave_of(world, "baseline")
    ballot = await evaluation.ballot(world, world.people[0], wave)
    body = ballot.answering(wave, 4, "mentor")
    assert (await evaluation.answer(wave, body)).status_code == 204
    again = await evaluation.answer(wave, body)
    assert (again.status_code, again.json()["detail"]) == (409, "This token has been used.")
    second = await evaluation.person(world.people[0], world.unit).post(
        f"/v1/waves/{wave['wave_id']}/tokens", {"blinded": base64.b64encode(b"\x01" * 256).decode()}
    )
    assert second.status_code == 409
    assert "already" in second.json()["detail"]
    assert len(await evaluation.sql("SELECT 1 FROM responses WHERE wave_id = $1", wave["wave_id"])) == 1


async def test_a_lost_answer_to_the_token_request_is_given_again(evaluation: Evaluation) -> None:
    world = await activated(evaluation)
    wave = await evaluation.wave_of(world, "baseline")
    person = evaluation.person(world.people[0], world.unit)
    path, body = f"/v1/waves/{wave['wave_id']}/tokens", {"blinded": base64.b64encode(b"\x01" * 256).decode()}
    first = await person.post(path, body, key="the-same")
    again = await person.post(path, body, key="the-same")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content


@pytest.mark.requirement("S9")
async def test_a_forged_signature_is_refused_and_uses_nothing_up(evaluation: Evaluation) -> None:
    world = await activated(evaluation)
    wave = await evaluation.wave_of(world, "baseline")
    ballot = await evaluation.ballot(world, world.people[0], wave)
    body = ballot.answering(wave, 4, "mentor")
    forged = body | {"signature": base64.b64encode(bytes(reversed(ballot.signature))).decode()}
    refused = await evaluation.answer(wave, forged)
    assert (refused.status_code, refused.json()["code"]) == (403, "token-refused")
    other = await evaluation.wave_of(await activated(evaluation), "baseline")
    elsewhere = await evaluation.client.post(f"/v1/waves/{other['wave_id']}/responses", json=body)
    assert elsewhere.status_code == 403
    assert (await evaluation.answer(wave, body)).status_code == 204


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"answers": {"confidence": 3}}, "learning_named"),
        ({"role": "boss"}, "role"),
        ({"person_id": str(uuid4())}, "person_id"),
        ({"token": "not base64 !"}, "token"),
    ],
)
async def test_a_wrong_answer_says_what_is_wrong(evaluation: Evaluation, change: dict[str, Any], field: str) -> None:
    world = await activated(evaluation)
    wave = await evaluation.wave_of(world, "baseline")
    ballot = await evaluation.ballot(world, world.people[0], wave)
    body = ballot.answering(wave, 4, "mentor")
    refused = await evaluation.answer(wave, body | change)
    assert refused.status_code == 422, refused.text
    assert field in refused.text
    assert (await evaluation.answer(wave, body)).status_code == 204


@pytest.mark.requirement("S1")
async def test_who_is_not_asked_sees_nothing(evaluation: Evaluation) -> None:
    world, other = await activated(evaluation), await activated(evaluation)
    wave = await evaluation.wave_of(world, "baseline")
    unknown = await evaluation.manager(other).get(f"/v1/waves/{uuid4()}")
    strangers = (
        evaluation.manager(other),
        evaluation.person(other.people[0], other.unit),
        evaluation.person(uuid4(), world.unit),
        evaluation.person(uuid4(), world.unit, "facilitator"),
        evaluation.person(None, world.unit),
    )
    for stranger in strangers:
        hidden = await stranger.get(f"/v1/waves/{wave['wave_id']}")
        assert (hidden.status_code, hidden.content) == (404, unknown.content)
        listed = await stranger.get(f"/v1/waves?cohort_id={world.cohort}")
        assert listed.json()["items"] == []
    refused = await evaluation.person(uuid4(), world.unit).post(
        f"/v1/waves/{wave['wave_id']}/tokens", {"blinded": base64.b64encode(b"\x01" * 256).decode()}
    )
    assert refused.status_code == 404
    nowhere = await evaluation.client.post(
        f"/v1/waves/{uuid4()}/responses",
        json={"token": "AAAA", "signature": "AAAA", "role": "mentor", "answers": {}},
    )
    assert (nowhere.status_code, nowhere.content) == (404, unknown.content)


async def test_who_is_in_a_formed_pair_is_asked_before_enrollment_has_said_so(evaluation: Evaluation) -> None:
    world = World()
    pair = world.pairs[0]
    await evaluation.hear(
        program(world),
        *(cohort(world, event) for event in (e.CohortOpened, e.CohortEnrollmentClosed, e.CohortActivated)),
        pair_formed(world, pair),
    )
    wave = await evaluation.wave_of(world, "baseline")
    seen = await evaluation.person(pair.mentee, world.unit).get(f"/v1/waves/{wave['wave_id']}")
    assert seen.status_code == 200
    await evaluation.ballot(world, pair.mentor, wave)
    await evaluation.hear(*participations(World(**{**vars(world), "pairs": (pair,)})))
    await evaluation.manager(world).post(f"/v1/waves/{wave['wave_id']}/closure")
    while await evaluation.run(close_due_waves):
        pass
    assert (await evaluation.wave_of(world, "baseline"))["invited_count"] == 2


@pytest.mark.requirement("R3-20")
async def test_a_facilitator_sees_the_waves_of_programs_that_name_them(evaluation: Evaluation) -> None:
    world = await activated(evaluation)
    wave = await evaluation.wave_of(world, "baseline")
    facilitator = evaluation.person(world.facilitator, world.unit, "facilitator")
    assert (await facilitator.get(f"/v1/waves/{wave['wave_id']}")).status_code == 200
    assert (await facilitator.post(f"/v1/waves/{wave['wave_id']}/closure")).status_code == 403


async def test_a_guest_unit_s_people_answer_too(evaluation: Evaluation) -> None:
    world = await activated(evaluation, guest_unit=uuid4())
    wave = await evaluation.wave_of(world, "baseline")
    guest = World(unit=world.guest_unit or world.unit, program=world.program, cohort=world.cohort, pairs=world.pairs)
    ballot = await evaluation.ballot(guest, world.people[3], wave)
    assert (await evaluation.answer(wave, ballot.answering(wave, 5, "mentor"))).status_code == 204
    assert (await evaluation.manager(guest).post(f"/v1/waves/{wave['wave_id']}/closure")).status_code == 404


async def test_a_wave_closes_by_date_and_by_hand(evaluation: Evaluation) -> None:
    by_date, by_hand = await activated(evaluation), await activated(evaluation)
    wave = await evaluation.wave_of(by_hand, "baseline")
    asked = await evaluation.manager(by_hand).post(f"/v1/waves/{wave['wave_id']}/closure")
    assert asked.status_code == 202
    assert await evaluation.run(close_due_waves)
    assert not await evaluation.run(close_due_waves)
    assert (await evaluation.wave_of(by_hand, "baseline"))["state"] == "closed"
    assert (await evaluation.wave_of(by_date, "baseline"))["state"] == "open"
    late = await evaluation.person(by_hand.people[0], by_hand.unit).post(
        f"/v1/waves/{wave['wave_id']}/tokens", {"blinded": base64.b64encode(b"\x01" * 256).decode()}
    )
    assert late.status_code == 409
    evaluation.clock.move(timedelta(days=14))
    try:
        while await evaluation.run(close_due_waves):
            pass
    finally:
        evaluation.clock.move(timedelta(days=-14))
    closed = await evaluation.wave_of(by_date, "baseline")
    assert (closed["state"], closed["invited_count"], closed["response_count"]) == ("closed", 12, None)
    audited = await evaluation.sql("SELECT action FROM audit_log WHERE subject_id = $1", wave["wave_id"])
    assert [row["action"] for row in audited] == ["end-survey-wave"]


def rank_agreement(left: list[Any], right: list[Any]) -> float:
    """Spearman's correlation of the places that the same things have in two orders."""
    places = {thing: place for place, thing in enumerate(right)}
    n = len(left)
    squares = sum((place - places[thing]) ** 2 for place, thing in enumerate(left))
    return 1 - 6 * squares / (n * (n * n - 1))


@pytest.mark.requirement("S18")
async def test_join_attack(evaluation: Evaluation) -> None:
    """Everybody takes a token and answers at once, in a known order, the worst case; every row that exists is looked at.

    Each person's answers spell out who they are, so the test knows the truth. The attacker sorts answers by everything
    a database keeps about a row and joins them, place by place, with those who took a token.
    """
    world = await activated(evaluation, pairs=30)
    wave = await evaluation.wave_of(world, "baseline")
    people = list(world.people)
    random.Random(18).shuffle(people)
    codes = [item["code"] for item in wave["items"]]
    truth: dict[str, int] = {}
    for number, person in enumerate(people):
        ballot = await evaluation.ballot(world, person, wave)
        spelled = {code: 1 + (number // 5**place) % 5 for place, code in enumerate(codes)}
        assert (await evaluation.answer(wave, ballot.answering(wave, spelled.__getitem__, "mentor"))).status_code == 204
        truth[json.dumps(spelled, sort_keys=True)] = number

    async def attack() -> list[Any]:
        rows = await evaluation.sql(
            "SELECT ctid::text, xmin::text, cmin::text, response_id, answers FROM responses WHERE wave_id = $1 ORDER BY ctid",
            wave["wave_id"],
        )
        assert len(rows) == 60
        stamps = {(row["xmin"], row["cmin"]) for row in rows}
        assert len(stamps) == 1, "transaction and command ids tell when an answer was written"
        arrival = list(range(60))
        for order in (rows, sorted(rows, key=lambda row: row["response_id"])):
            found = [truth[json.dumps(row["answers"], sort_keys=True)] for row in order]
            assert sorted(found) == arrival
            # Chance has a standard deviation of 1 / sqrt(59), so 0.6 lies 4.6 of them out; arrival order gives 1.
            assert abs(rank_agreement(found, arrival)) < 0.6
        return [row["ctid"] for row in rows]

    grants = await evaluation.sql(
        "SELECT person_id FROM participation.token_grants WHERE wave_id = $1 ORDER BY ctid", wave["wave_id"]
    )
    assert [row["person_id"] for row in grants] == people, "the attack is only worth something if this order is known"
    await attack()
    newest = await evaluation.sql(
        "SELECT max(xmin::text::bigint) AS x FROM responses WHERE wave_id = $1", wave["wave_id"]
    )
    spent = await evaluation.sql("SELECT xmin::text::bigint AS x FROM spent_tokens WHERE wave_id = $1", wave["wave_id"])
    assert len(spent) == 60
    assert sum(row["x"] == newest[0]["x"] for row in spent) == 1, "of used tokens only the last shares a transaction"

    for table in ("idempotency_keys", "audit_log", "outbox"):
        for row in await evaluation.sql(f"SELECT t::text AS whole FROM {table} AS t"):
            assert "learning_named" not in row["whole"]
            assert b"learning_named".hex() not in row["whole"]

    evaluation.clock.move(timedelta(days=14))
    try:
        while await evaluation.run(close_due_waves):
            pass
    finally:
        evaluation.clock.move(timedelta(days=-14))
    await attack()
    for table in ("participation.token_grants", "spent_tokens", "signing_keys"):
        left = await evaluation.sql(f"SELECT 1 FROM {table} WHERE wave_id = $1", wave["wave_id"])
        assert not left, table


@pytest.mark.requirement("S18")
async def test_the_naive_table_gives_everybody_away(evaluation: Evaluation) -> None:
    """What the attack finds when answers are simply inserted: the control of the test above."""
    wave_id, unit = uuid4(), uuid4()
    async with evaluation.worker.database.write() as session:
        driver = await session.driver()
        for number in range(60):
            await driver.execute(
                "INSERT INTO responses (business_unit_id, named_unit_ids, wave_id, role, answers)"
                " VALUES ($1, ARRAY[$1::uuid], $2, 'mentor', jsonb_build_object('arrival', $3::int))",
                unit, wave_id, number,
            )  # fmt: skip
        rows = await driver.fetch(
            "SELECT (answers->>'arrival')::int AS arrival FROM responses WHERE wave_id = $1 ORDER BY cmin::text::int",
            wave_id,
        )
    assert rank_agreement([row["arrival"] for row in rows], list(range(60))) == 1


@pytest.mark.requirement("S18")
async def test_answering_stores_nothing_of_the_request(evaluation: Evaluation) -> None:
    world = await activated(evaluation)
    wave = await evaluation.wave_of(world, "baseline")
    ballot = await evaluation.ballot(world, world.people[0], wave)
    counts = "SELECT (SELECT count(*) FROM idempotency_keys) k, (SELECT count(*) FROM audit_log) a, (SELECT count(*) FROM outbox) o"
    before = await evaluation.sql(counts)
    sent = await evaluation.client.post(
        f"/v1/waves/{wave['wave_id']}/responses",
        json=ballot.answering(wave, 3, "mentee"),
        headers={"idempotency-key": "mine", "authorization": "Bearer whatever"},
    )
    assert sent.status_code == 204
    assert await evaluation.sql(counts) == before


async def test_every_answer_arrives_exactly_once(evaluation: Evaluation) -> None:
    world = await activated(evaluation, pairs=12)
    wave = await evaluation.wave_of(world, "baseline")
    given: Counter[int] = Counter()
    for place, person in enumerate(world.people):
        ballot = await evaluation.ballot(world, person, wave)
        value = 1 + place % 5
        given[value] += 1
        assert (await evaluation.answer(wave, ballot.answering(wave, value, "mentor"))).status_code == 204
    rows = await evaluation.sql("SELECT answers FROM responses WHERE wave_id = $1", wave["wave_id"])
    assert Counter(row["answers"]["confidence"] for row in rows) == given
