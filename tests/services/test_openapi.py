"""The one description of all services, and that it is the running routes'."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chassis.http import role_matrix

from .anatomy import SERVICES, api_of
from .openapi import PAGE, merged, render


def _committed() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(PAGE.read_text(encoding="utf-8"))
    return document


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(_references, part.values()))
    return set().union(*map(_references, part)) if isinstance(part, list) else set()


@pytest.mark.requirement("S12")
def test_the_committed_document_is_the_services_own() -> None:
    documents = {service: api_of(service).openapi() for service in SERVICES}
    assert PAGE.read_text(encoding="utf-8") == render(documents), "run `make contracts`"


@pytest.mark.requirement("S12", "S8")
def test_every_route_is_in_it_with_its_roles_and_nothing_else() -> None:
    routes = {
        (f"/{service}{line.path}", line.method): sorted(line.access.roles)
        for service in SERVICES
        for line in role_matrix(api_of(service))
    }
    operations = {
        (path, method.upper()): operation
        for path, methods in _committed()["paths"].items()
        for method, operation in methods.items()
    }
    assert {place: operation["x-roles"] for place, operation in operations.items()} == routes
    assert len({operation["operationId"] for operation in operations.values()}) == len(routes)


def test_every_reference_and_tag_leads_somewhere_and_every_component_is_referred_to() -> None:
    document = _committed()
    components = document["components"]
    there = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in components[kind]}
    assert _references(document) == there
    tags = [tag["name"] for tag in document["tags"]]
    used = [
        tag for methods in document["paths"].values() for operation in methods.values() for tag in operation["tags"]
    ]
    assert sorted(set(used)) == sorted(tags)
    assert {tag.split(": ")[0] for tag in tags} == set(SERVICES)


def test_components_of_one_name_stay_apart_unless_they_are_alike() -> None:
    def document(title: str) -> dict[str, Any]:
        return {
            "openapi": "3.1.0",
            "info": {"description": title},
            "paths": {
                "/v1/things": {
                    "get": {
                        "tags": ["things"],
                        "operationId": "list_things_route",
                        "responses": {"200": {"$ref": "#/components/responses/Page"}},
                    }
                }
            },
            "components": {
                "responses": {"Page": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                "schemas": {"Thing": {"title": title}, "Word": {"type": "string"}},
            },
        }

    both = merged({"one": document("a thing"), "two": document("another")})
    # A response that reads alike but refers to what differs is not alike.
    assert set(both["components"]["responses"]) == {"one.Page", "two.Page"}
    assert set(both["components"]["schemas"]) == {"one.Thing", "two.Thing", "Word"}
    assert both["components"]["responses"]["two.Page"]["schema"] == {"$ref": "#/components/schemas/two.Thing"}
    listing = both["paths"]["/two/v1/things"]["get"]
    assert (listing["operationId"], listing["tags"]) == ("two_list_things", ["two: things"])
    assert listing["responses"]["200"] == {"$ref": "#/components/responses/two.Page"}
