"""What every API says of itself, and whom it lets in."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from chassis.http import PROBLEM_MEDIA_TYPE, role_matrix
from chassis.testing import settings_on
from jsonschema import Draft202012Validator

from .anatomy import ROLES, SERVICES, api_of, part, running

# Answers to a survey are sent without a name.
ANONYMOUS = {"evaluation": {("POST", "/v1/waves/{wave_id}/responses")}}
# The tree of topics and the lists that declarations are chosen from belong to nobody.
ANY_ROLE = {"enrollment": {("GET", "/v1/topics"), ("GET", "/v1/declarations"), ("GET", "/v1/audit-dimensions")}}

each_service = pytest.mark.parametrize("service", SERVICES)


def _operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


@pytest.mark.requirement("S8")
@each_service
def test_every_route_says_who_may_use_it(service: str) -> None:
    matrix = role_matrix(api_of(service))
    assert matrix
    anonymous = {(line.method, line.path) for line in matrix if line.access.anonymous}
    assert anonymous == ANONYMOUS.get(service, set())
    without_roles = {(line.method, line.path) for line in matrix if not line.access.roles} - anonymous
    assert without_roles == ANY_ROLE.get(service, set())
    assert {role for line in matrix for role in line.access.roles} <= ROLES


@pytest.mark.integration
@pytest.mark.requirement("S8", "R3-20")
@each_service
async def test_every_route_lets_in_its_roles_and_no_other(
    make_database: Any, tmp_path_factory: pytest.TempPathFactory, service: str
) -> None:
    database = make_database(service, migrated=True)
    settings = settings_on(part(service, "settings").Settings, database, tmp_path_factory.mktemp("keys"))
    async with running(service, settings) as served:
        for line in role_matrix(served.app):
            if line.access.anonymous:
                continue
            path = re.sub(r"\{\w+\}", str(uuid4()), line.path)
            assert (await served.client.request(line.method, path)).status_code == 401, line.name
            for role in sorted(ROLES):
                answer = await served.person(uuid4(), uuid4(), role).call(line.method, path, version=1)
                assert (answer.status_code == 403) is (role not in (line.access.roles or ROLES)), (
                    line.name,
                    role,
                    answer.text,
                )


@each_service
def test_every_body_that_is_asked_for_has_an_example_which_fits(service: str) -> None:
    document = api_of(service).openapi()
    bodies = {
        name: operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].removeprefix(
            "#/components/schemas/"
        )
        for name, operation in _operations(document).items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    for name, body in bodies.items():
        examples = document["components"]["schemas"][body].get("examples")
        assert examples, (name, body)
        schema = {"$ref": f"#/components/schemas/{body}", "components": document["components"]}
        for example in examples:
            Draft202012Validator(schema).validate(example)


@each_service
def test_every_operation_answers_its_errors_with_problems(service: str) -> None:
    document = api_of(service).openapi()
    shared = document["components"]["responses"]
    for name, operation in _operations(document).items():
        errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        usual = {"400", "422", "500", "503"} | (set() if operation.get("x-anonymous") else {"401", "403"})
        assert usual <= set(errors), name
        for status, answer in errors.items():
            said = shared[answer["$ref"].rsplit("/", 1)[-1]] if "$ref" in answer else answer
            assert set(said["content"]) == {PROBLEM_MEDIA_TYPE}, (name, status)
            assert said["content"][PROBLEM_MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/ProblemBody"}, (
                name,
                status,
            )
    assert "ProblemBody" in document["components"]["schemas"]
