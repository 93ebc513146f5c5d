"""The two addresses a process may call besides database and broker: the issuer's keys and the trace collector."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from chassis.auth import KeysUnavailable, TokenVerifier
from chassis.settings import ServiceSettings
from chassis.telemetry import configure_tracing, start_span, stop_tracing
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from .tokens import Issuer

Answer = Callable[[str, bytes], tuple[int, dict[str, str], bytes]]


@contextmanager
def server(answer: Answer, certificate: Path | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, content = answer(self.path, body)
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{listening.server_port}"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "issuer.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.requirement("S5")
async def test_keys_come_over_verified_https(
    issuer: Issuer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(path: str, _body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append(path)
        return 200, {}, issuer.path.read_bytes()

    with server(answer, certificate) as address:
        settings = ServiceSettings(jwks=f"{address}/keys?v=1")
        with pytest.raises(KeysUnavailable):
            await TokenVerifier(settings).verify(issuer.token())
        assert asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        verifier = TokenVerifier(settings)
        for number in range(3):
            assert await verifier.verify(issuer.token(sub=f"s-{number}"))
    assert asked == ["/keys?v=1"]


@pytest.mark.requirement("S5", "S10")
@pytest.mark.parametrize("fault", ["redirect", "error", "oversize", "not keys"])
async def test_whatever_else_the_address_answers_is_not_followed(
    issuer: Issuer, certificate: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    asked = []

    def answer(path: str, _body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append(path)
        return {
            "redirect": (302, {"location": "/other"}, b""),
            "error": (500, {}, issuer.path.read_bytes()),
            "oversize": (200, {}, issuer.path.read_bytes() + b" " * 1024 * 1024),
            "not keys": (200, {}, b"<html>"),
        }[fault]

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with server(answer, certificate) as address, pytest.raises(KeysUnavailable):
        await TokenVerifier(ServiceSettings(jwks=f"{address}/keys")).verify(issuer.token())
    assert asked == ["/keys"]


def test_spans_go_to_a_collector_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    received = []

    def answer(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        received.append((path, body))
        return 200, {}, b""

    with server(answer) as address:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        configure_tracing("sample", "worker", ServiceSettings(trace_ratio=1))
        try:
            with start_span("work"):
                pass
        finally:
            stop_tracing()
    ((path, body),) = received
    assert path == "/v1/traces"
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    attributes = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert (attributes["service.name"], attributes["updraft.role"]) == ("sample", "worker")
    assert [span.name for scope in resource.scope_spans for span in scope.spans] == ["work"]
