"""What the running system says of its API is what is committed."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from contracts.identifiers import uuid7
from updraft.gateway import OPENAPI
from updraft.stack import Stack

from ..services.anatomy import ROLES, SERVICES
from ..services.openapi import render

pytestmark = pytest.mark.system


@pytest.mark.requirement("S12")
def test_the_running_services_are_those_of_the_committed_document(stack: Stack) -> None:
    running = {service: httpx.get(f"{stack.url(service)}/openapi.json").json() for service in SERVICES}
    assert render(running) == OPENAPI.read_text(encoding="utf-8")
    assert httpx.get(f"{stack.gateway_url}/openapi.json").content == OPENAPI.read_bytes()


@pytest.mark.requirement("S12", "S8")
def test_the_gateway_leads_to_every_operation_of_the_document(stack: Stack) -> None:
    """To somebody whose role may not use it each says 403, which only its service can; an unknown address would say 404."""
    said: dict[str, int] = {}
    with httpx.Client(base_url=stack.gateway_url) as client:
        for path, operations in json.loads(OPENAPI.read_text(encoding="utf-8"))["paths"].items():
            place = re.sub(r"\{\w+\}", str(uuid7()), path)
            for method, operation in operations.items():
                stranger = min(ROLES - set(operation["x-roles"]))
                token = stack.token(roles=[stranger], business_unit_id=uuid7(), subject="stranger")
                answer = client.request(method, place, headers={"authorization": f"Bearer {token}"})
                said[operation["operationId"]] = answer.status_code
    # Open to every role, and to everybody.
    for name in ("enrollment_list_topics", "enrollment_list_declarations", "enrollment_list_audit_dimensions"):
        assert said.pop(name) == 200
    assert said.pop("evaluation_submit_wave_response") == 422
    assert {name: status for name, status in said.items() if status != 403} == {}
