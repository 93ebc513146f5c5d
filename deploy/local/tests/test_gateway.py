"""The gateway, a real Envoy, in front of a tiny service that says what reached it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from chassis.problems import NOT_FOUND
from updraft.gateway import Gateway, Identity, Limits, RateLimit, Upstream, render, validate
from updraft.identity import DevelopmentIdentity
from updraft.places import LOCAL_HOST

pytestmark = pytest.mark.system


class Echo(BaseHTTPRequestHandler):
    """Answers with the method, path, headers and body length it got; `/v1/slow` takes six seconds."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the name is the standard library's
        if self.path.startswith("/v1/slow"):
            time.sleep(6)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = json.dumps(
            {
                "method": self.command,
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "bytes": len(body),
            }
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    server = QuietServer((LOCAL_HOST, 0), Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentIdentity:
    return DevelopmentIdentity(tmp_path_factory.mktemp("identity")).ensure()


@pytest.fixture(scope="module")
def gateway(upstream: int, issuer: DevelopmentIdentity, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    served = [Upstream(name, LOCAL_HOST, upstream) for name in ("enrollment", "evaluation")]
    gateway = Gateway(
        tmp_path_factory.mktemp("gate way"),
        [*served, Upstream("matching", LOCAL_HOST, 1)],
        Identity(issuer.ISSUER, issuer.AUDIENCE, jwks=issuer.jwks),
        limits=Limits(answer_seconds=5),
        rate_limit=RateLimit(per_second=1, burst=10),
    )
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        yield client


@pytest.fixture
def bearer(issuer: DevelopmentIdentity) -> dict[str, str]:
    """A token of a business unit of its own, so that no test uses up another's rate."""
    token = issuer.token(roles=["participant"], person_id=uuid4(), business_unit_id=uuid4())
    return {"authorization": f"Bearer {token}"}


def assert_problem(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status
    assert response.headers["content-type"].startswith("application/problem+json")
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)


def test_the_prefix_is_taken_away_and_the_token_forwarded(client, bearer):
    seen = client.get("/enrollment/v1/people?limit=5", headers=bearer).json()
    assert seen["path"] == "/v1/people?limit=5"
    assert seen["headers"]["authorization"] == bearer["authorization"]
    assert seen["headers"]["x-request-id"]


def test_trace_context_and_idempotency_key_pass_unchanged(client, bearer):
    context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    seen = client.post(
        "/enrollment/v1/people", headers=bearer | {"traceparent": context, "idempotency-key": "k1"}
    ).json()
    assert seen["headers"]["traceparent"] == context
    assert seen["headers"]["idempotency-key"] == "k1"


def test_what_callers_say_in_the_gateways_name_is_dropped(client, bearer):
    forged = {
        "x-updraft-business-unit": str(uuid4()),
        "X-Updraft-Admin": "1",
        "x-forwarded-for": "10.0.0.1",
        "x-envoy-max-retries": "9",
    }
    seen = client.get("/enrollment/v1/people", headers=bearer | forged).json()
    assert not [name for name in seen["headers"] if name.startswith(("x-updraft-", "x-envoy-", "x-forwarded-for"))]


@pytest.mark.requirement("S5")
def test_tokens_are_needed_and_checked(client, issuer, tmp_path):
    unit = uuid4()
    stranger = DevelopmentIdentity(tmp_path).ensure()
    refused = {
        "none": None,
        "other key": stranger.token(roles=["participant"], business_unit_id=unit),
        "expired": issuer.token(roles=["participant"], business_unit_id=unit, lifetime=-300),
        "not one": "abc.def.ghi",
    }
    for token in refused.values():
        headers = {"authorization": f"Bearer {token}"} if token else {}
        response = client.get("/enrollment/v1/people", headers=headers)
        assert_problem(response, 401, "unauthenticated")
    in_query = client.get("/enrollment/v1/people", params={"access_token": issuer.token(roles=["participant"])})
    assert_problem(in_query, 401, "unauthenticated")


@pytest.mark.requirement("S5")
def test_a_token_for_somebody_else_is_no_token(client, issuer):
    import jwt

    key = (issuer.folder / "key.pem").read_text()
    kid = json.loads(issuer.jwks)["keys"][0]["kid"]
    good = jwt.decode(issuer.token(roles=["participant"]), options={"verify_signature": False})
    for wrong in ({"aud": "another"}, {"iss": "https://elsewhere.example"}):
        token = jwt.encode(good | wrong, key, "RS256", headers={"kid": kid})
        response = client.get("/enrollment/v1/people", headers={"authorization": f"Bearer {token}"})
        assert_problem(response, 401, "unauthenticated")


@pytest.mark.requirement("S18")
def test_an_anonymous_answer_passes_without_a_token_and_without_its_sender(client, bearer, gateway):
    wave = uuid4()
    sent = bearer | {
        "user-agent": "somebody",
        "cookie": "a=b",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    response = client.post(f"/evaluation/v1/waves/{wave}/responses", headers=sent, json={"answers": []})
    seen = response.json()
    assert seen["path"] == f"/v1/waves/{wave}/responses"
    assert (
        not {"authorization", "cookie", "user-agent", "traceparent", "x-request-id", "idempotency-key"}
        & seen["headers"].keys()
    )
    assert_problem(client.get(f"/evaluation/v1/waves/{wave}/responses"), 401, "unauthenticated")
    assert_problem(client.post(f"/evaluation/v1/waves/{wave}/tokens"), 401, "unauthenticated")
    client.get("/evaluation/v1/waves", headers=bearer)
    lines = _access_log(gateway, until=lambda rows: any(row["route"] == "evaluation" for row in rows))
    assert not [row for row in lines if row["route"] == "evaluation-responses"]


@pytest.mark.requirement("S12")
def test_only_the_public_api_is_routed(client, bearer):
    for path in (
        "/enrollment/metrics",
        "/enrollment/health/ready",
        "/enrollment/openapi.json",
        "/enrollment/v1/../metrics",
        "/metrics",
        "/nothing/v1/x",
        "/enrollment/v1",
    ):
        response = client.get(path, headers=bearer)
        assert_problem(response, 404, "not-found")
        assert response.content == NOT_FOUND
    assert client.get("/enrollment/v1%2f..%2fmetrics", headers=bearer).status_code == 400


def test_health_is_open(client):
    assert client.get("/health").json() == {"status": "ok"}


@pytest.mark.requirement("S7")
def test_bodies_over_the_limit_are_refused_save_for_imports(client, bearer):
    assert client.post("/enrollment/v1/people", headers=bearer, content=b"x" * 256 * 1024).json()["bytes"] == 256 * 1024
    too_large = b"x" * (256 * 1024 + 1)
    assert_problem(client.post("/enrollment/v1/people", headers=bearer, content=too_large), 413, "body-too-large")
    chunked = client.post("/enrollment/v1/people", headers=bearer, content=(too_large[i::4] for i in range(4)))
    assert_problem(chunked, 413, "body-too-large")
    imported = client.post("/enrollment/v1/imports?format=updraft_csv", headers=bearer, content=too_large * 8)
    assert imported.json()["bytes"] == len(too_large) * 8


@pytest.mark.requirement("S7")
def test_each_business_unit_has_a_rate_of_its_own(client, issuer):
    def bearer_of(unit: object) -> dict[str, str]:
        return {"authorization": f"Bearer {issuer.token(roles=['participant'], business_unit_id=unit)}"}

    noisy = bearer_of(uuid4())
    answers = [client.get("/enrollment/v1/people", headers=noisy) for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    assert len(refused) >= 10
    assert_problem(refused[0], 429, "too-many-requests")
    assert refused[0].headers["retry-after"] == "1"
    # More units than Envoy keeps buckets for by default.
    assert {client.get("/enrollment/v1/people", headers=bearer_of(uuid4())).status_code for _ in range(40)} == {200}
    assert 429 in {client.get("/enrollment/v1/people", headers=noisy).status_code for _ in range(20)}


def test_a_service_that_is_away_or_slow_is_a_problem_that_says_when_to_come_back(client, bearer):
    away = client.get("/matching/v1/runs", headers=bearer)
    assert_problem(away, 503, "unavailable")
    assert int(away.headers["retry-after"]) > 0
    assert_problem(client.get("/enrollment/v1/slow", headers=bearer), 504, "timeout")


@pytest.mark.requirement("S14")
def test_the_access_log_names_routes_and_nobody(client, bearer, gateway):
    client.get("/enrollment/v1/people/jane.doe@example.org?email=jane.doe@example.org", headers=bearer)
    rows = _access_log(
        gateway, until=lambda rows: any(row["route"] == "enrollment" and row["status"] == 200 for row in rows)
    )
    text = json.dumps(rows)
    assert "jane" not in text
    assert "Bearer" not in text
    assert "127.0.0.1" not in text
    assert {"time", "method", "route", "status", "milliseconds", "request_id", "traceparent"} <= rows[0].keys()


def test_the_configuration_with_a_remote_issuer_is_valid(tmp_path: Path):
    configuration = tmp_path / "envoy.yaml"
    configuration.write_text(
        render(
            services=[Upstream(name, name, 8000) for name in ("enrollment", "matching", "engagement", "evaluation")],
            identity=Identity("https://login.example", "updraft", jwks_uri="https://login.example/keys"),
            listener=("0.0.0.0", 8080),
            admin=(LOCAL_HOST, 9901),
        )
    )
    validate(configuration)
    assert "openapi.json" not in configuration.read_text()


def _access_log(gateway: Gateway, *, until) -> list[dict[str, object]]:
    """The rows of the access log, once the condition holds (Envoy writes it once a second or so)."""
    deadline = time.monotonic() + 15
    while True:
        lines = gateway.access_log.read_text().splitlines() if gateway.access_log.exists() else []
        rows = [json.loads(line) for line in lines]
        if until(rows):
            return rows
        assert time.monotonic() < deadline, rows
        time.sleep(0.1)
