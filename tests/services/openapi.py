"""One OpenAPI document of all services, as seen through the gateway: docs/openapi.json.

python tests/services/openapi.py            writes docs/openapi.json
python tests/services/openapi.py --check    fails when it is stale
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "openapi.json"

_REFERENCE = "#/components/"
_INTRODUCTION = """\
Runs reverse-mentoring programs of a multinational's business units.

Every call needs a bearer token of the deployment's issuer. On one machine `updraft token --role program_manager --unit <id>` prints
one. `x-roles` of an operation names the roles that may call it; what somebody may not see answers 404 like what does not exist.
Every POST carries an `Idempotency-Key`: sent again with the same key, it is answered as it was and changes nothing. Updates take the
`ETag` of what they are based on as `If-Match`. Errors are `application/problem+json` (RFC 9457). Lists come in pages; `next` leads on.
The answer to a survey alone takes neither token nor key.

"""


def merged(documents: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The documents of all services, by name, as one: paths begin with the service's name, tags and operations say whose they are.

    Components that every service has alike keep their name, others get their service's in front. Raises ValueError when two
    operations have one name.
    """
    shared = _shared(documents)
    result: dict[str, Any] = {
        "openapi": next(iter(documents.values()))["openapi"],
        "info": {"title": "Updraft", "description": _INTRODUCTION + _services(documents), "version": "1"},
        "servers": [{"url": "/", "description": "The gateway."}],
        "tags": [],
        "paths": {},
        "components": {},
    }
    names: set[str] = set()
    for service, original in documents.items():
        document = copy.deepcopy(original)
        for reference in list(_references(document)):
            kind, name = reference["$ref"].removeprefix(_REFERENCE).split("/")
            if (kind, name) not in shared:
                reference["$ref"] = f"{_REFERENCE}{kind}/{service}.{name}"
        for kind, components in document["components"].items():
            there = result["components"].setdefault(kind, {})
            for name, component in components.items():
                there[name if (kind, name) in shared else f"{service}.{name}"] = component
        tags: dict[str, None] = {}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["tags"] = [f"{service}: {tag}" for tag in operation["tags"]]
                tags |= dict.fromkeys(operation["tags"])
                name = f"{service}_{operation['operationId'].removesuffix('_route')}"
                if name in names:
                    raise ValueError(f"two operations are called {name}")
                names.add(name)
                operation["operationId"] = name
            result["paths"][f"/{service}{path}"] = operations
        result["tags"] += [{"name": tag} for tag in tags]
    return result


def _services(documents: Mapping[str, dict[str, Any]]) -> str:
    return "\n\n".join(
        f"**{service.capitalize()}**: {document['info']['description']}" for service, document in documents.items()
    )


def _references(part: Any) -> Iterator[dict[str, Any]]:
    """Every object in `part` that refers to a component."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def _shared(documents: Mapping[str, dict[str, Any]]) -> set[tuple[str, str]]:
    """Kind and name of the components that all services have alike, down to what they refer to."""
    first, *others = [document["components"] for document in documents.values()]
    alike = {
        (kind, name)
        for kind, components in first.items()
        for name, component in components.items()
        if all(other.get(kind, {}).get(name) == component for other in others)
    }
    while True:
        loose = {
            (kind, name)
            for kind, name in alike
            for reference in _references(first[kind][name])
            if tuple(reference["$ref"].removeprefix(_REFERENCE).split("/")) not in alike
        }
        if not loose:
            return alike
        alike -= loose


def render(documents: Mapping[str, dict[str, Any]]) -> str:
    """The file docs/openapi.json."""
    return json.dumps(merged(documents), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    from anatomy import SERVICES, api_of

    text = render({service: api_of(service).openapi() for service in SERVICES})
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            sys.exit("docs/openapi.json is stale; run `make contracts`")
    else:
        PAGE.write_text(text, encoding="utf-8")
