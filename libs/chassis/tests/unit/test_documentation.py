from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from .sample import Sample, make_sample
from .tokens import Issuer


@pytest.fixture
def sample(issuer: Issuer) -> Sample:
    return make_sample(issuer.path, documentation=True)


async def document(sample: Sample) -> dict[str, object]:
    async with sample.client() as client:
        response = await client.get("/openapi.json")
    assert response.status_code == 200
    return response.json()  # type: ignore[no-any-return]


@pytest.mark.requirement("S11")
async def test_unless_asked_for_there_is_no_document(issuer: Issuer) -> None:
    async with make_sample(issuer.path).client() as client:
        answers = [await client.get(path) for path in ("/openapi.json", "/docs", "/redoc", "/nothing")]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {answers[-1].content}


@pytest.mark.requirement("S12")
async def test_the_document_tells_all_that_the_mechanism_adds(sample: Sample) -> None:
    openapi: dict[str, dict] = await document(sample)  # type: ignore[type-arg, assignment]
    post = openapi["paths"]["/v1/notes"]["post"]
    assert post["operationId"] == "write_note_route"
    assert post["summary"] == "Write note"
    assert post["security"] == [{"bearer": []}]
    assert post["x-roles"] == ["participant", "program_manager"]
    headers = {parameter["name"]: parameter["required"] for parameter in post["parameters"]}
    assert headers == {"Idempotency-Key": True, "traceparent": False}
    assert set(post["responses"]) == {"201", "400", "401", "403", "409", "422", "500", "503"}
    patch = openapi["paths"]["/v1/notes/{note_id}"]["patch"]
    named = {parameter["name"]: parameter.get("required") for parameter in patch["parameters"]}
    assert named == {"note_id": True, "Idempotency-Key": False, "If-Match": False, "traceparent": False}
    answer = openapi["paths"]["/v1/answers"]["post"]
    assert (answer["security"], answer["x-roles"]) == ([], [])
    assert "parameters" not in answer
    assert not {"401", "403"} & set(answer["responses"])
    assert "HTTPValidationError" not in openapi["components"]["schemas"]


async def test_every_reference_of_the_document_leads_somewhere(sample: Sample) -> None:
    openapi = await document(sample)
    found = []

    def walk(part: object) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                found.append(part["$ref"])
            for inner in part.values():
                walk(inner)
        elif isinstance(part, list):
            for inner in part:
                walk(inner)

    walk(openapi)
    assert found
    for reference in set(found):
        target: object = openapi
        for step in reference.removeprefix("#/").split("/"):
            assert isinstance(target, dict)
            assert step in target, reference
            target = target[step]


async def test_problems_match_their_schema(sample: Sample, issuer: Issuer) -> None:
    openapi: dict[str, dict] = await document(sample)  # type: ignore[type-arg, assignment]
    schema = {"$ref": "#/components/schemas/ProblemBody", "components": openapi["components"]}
    validator = Draft202012Validator(schema)
    async with sample.client(issuer.token()) as client:
        answers = [
            await client.get("/nothing"),
            await client.get("/v1/notes?limit=0"),
            await client.post("/v1/notes", json={"text": "bug"}, headers={"idempotency-key": "k"}),
            await client.post("/v1/notes", json={"text": "a"}),
        ]
    assert [answer.status_code for answer in answers] == [404, 422, 500, 400]
    for answer in answers:
        validator.validate(answer.json())
        assert answer.json()["status"] == answer.status_code
