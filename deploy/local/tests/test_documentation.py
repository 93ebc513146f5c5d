"""The API's documentation as the gateway answers it: one page, its files, and nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from updraft.gateway import OPENAPI, Gateway, Identity, Upstream, documentation_files, write_documentation
from updraft.identity import DevelopmentIdentity
from updraft.places import DEPLOY, LOCAL_HOST

pytestmark = pytest.mark.system
SERVICES = ("enrollment", "matching", "engagement", "evaluation")


def _gateway(folder: Path, *, documentation: bool) -> Gateway:
    issuer = DevelopmentIdentity(folder / "identity").ensure()
    return Gateway(
        folder,
        [Upstream(name, LOCAL_HOST, 1) for name in SERVICES],
        Identity(issuer.ISSUER, issuer.AUDIENCE, jwks=issuer.jwks),
        documentation=documentation,
    )


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    gateway = _gateway(tmp_path_factory.mktemp("gate way"), documentation=True)
    gateway.start()
    with httpx.Client(base_url=gateway.url) as client:
        yield client
    gateway.stop()


class Links(HTMLParser):
    """Every address a page names, and what would run or colour it without being a file."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action") and value]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


def test_the_root_leads_to_the_page(client: httpx.Client) -> None:
    for path in ("/", "/docs/"):
        answer = client.get(path)
        # Without a host: behind a proxy that ends TLS the gateway knows neither scheme nor name.
        assert (answer.status_code, answer.headers["location"]) == (302, "/docs")
    assert client.get("/docs").status_code == 200


@pytest.mark.requirement("S11")
def test_the_page_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = Links(page.text)
    assert {"/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/page.js"} <= set(links.addresses)
    assert [address for address in links.addresses if not address.startswith("/") or address.startswith("//")] == []
    assert links.inline == []
    for address in links.addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["x-content-type-options"] == "nosniff"
    own = "".join(client.get(path).text for path in ("/docs/page.js", "/docs/page.css"))
    assert "://" not in own
    style = client.get("/docs/swagger-ui.css").text
    assert not re.findall(r"@import|url\((?![\"']?data:)", style)


@pytest.mark.requirement("S11")
def test_the_browser_is_told_to_take_only_our_own_files(client: httpx.Client) -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in client.get("/docs").headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert {policy[kind] for kind in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert policy["img-src"] == "'self' data:"
    assert {policy[kind] for kind in ("frame-ancestors", "base-uri", "form-action")} == {"'none'"}


def test_the_document_is_the_committed_one_and_whole(client: httpx.Client) -> None:
    answer = client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == OPENAPI.read_bytes()
    bundle = client.get("/docs/swagger-ui-bundle.js")
    assert bundle.headers["content-type"] == "text/javascript; charset=utf-8"
    assert len(bundle.content) > 1_000_000
    assert bundle.headers["cache-control"] == "max-age=3600"
    assert client.get("/docs").headers["cache-control"] == "no-store"


def test_the_pages_example_of_a_key_is_the_documents() -> None:
    """The page sends a fresh key in its place; it must know which one to replace."""
    script = (DEPLOY / "gateway" / "documentation" / "page.js").read_text()
    keys = [
        parameter["example"]
        for operations in json.loads(OPENAPI.read_text())["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["name"] == "Idempotency-Key"
    ]
    assert keys
    assert set(keys) == set(re.findall(r'EXAMPLE_KEY = "(.+)"', script))


@pytest.mark.requirement("S11")
def test_without_documentation_the_gateway_tells_nobody_anything(tmp_path: Path) -> None:
    gateway = _gateway(tmp_path, documentation=False)
    gateway.start()
    try:
        with httpx.Client(base_url=gateway.url) as client:
            for path in ("/", "/docs", "/docs/", "/openapi.json", "/docs/page.js", "/enrollment/openapi.json"):
                assert client.get(path).status_code == 401, path
    finally:
        gateway.stop()
    assert not (gateway.configuration.parent / "documentation").exists()


def test_what_is_written_is_what_the_gateway_answers(tmp_path: Path) -> None:
    write_documentation(tmp_path / "made")
    named = {Path(file.file).name for file in documentation_files(tmp_path / "made")}
    assert {path.name for path in (tmp_path / "made").iterdir()} == named
