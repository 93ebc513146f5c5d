"""Passwords for containers, and what is rendered for them."""

from __future__ import annotations

import json
from pathlib import Path

import jwt
import pytest
import yaml
from typer.testing import CliRunner
from updraft.command import app
from updraft.command_secrets import make_secrets, secret_names
from updraft.errors import DeploymentError
from updraft.gateway import validate
from updraft.identity import DevelopmentIdentity
from updraft.places import REPOSITORY
from updraft.provision import SERVICES, service_secrets

COMPOSE = REPOSITORY / "docker-compose.yml"


def test_every_secret_is_made_once_and_stays(tmp_path: Path):
    folder = tmp_path / "secrets"
    assert set(make_secrets(folder)) == {*secret_names(), "jwks.json"}
    first = {name: (folder / name).read_text() for name in secret_names()}
    assert len(set(first.values())) == len(first)
    assert all(len(value) >= 32 and value == value.strip() for value in first.values())
    (folder / "kafka_admin_password").unlink()
    assert make_secrets(folder) == ["kafka_admin_password"]
    changed = {name for name in first if (folder / name).read_text() != first[name]}
    assert changed == {"kafka_admin_password"}


def test_the_folder_keeps_others_out_and_the_files_let_containers_in(tmp_path: Path):
    folder = tmp_path / "secrets"
    make_secrets(folder, development=True)
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in (*secret_names(), "jwks.json"):
        assert (folder / name).stat().st_mode & 0o777 == 0o444
    assert (folder / "identity" / "key.pem").stat().st_mode & 0o077 == 0


def test_without_an_issuer_nobody_is_let_in_and_development_replaces_no_issuer(tmp_path: Path):
    make_secrets(tmp_path)
    assert json.loads((tmp_path / "jwks.json").read_text()) == {"keys": []}
    refused = CliRunner().invoke(app, ["token", "--secrets", str(tmp_path), "--role", "platform_admin"])
    assert refused.exit_code == 1
    make_secrets(tmp_path, development=True)
    assert make_secrets(tmp_path, development=True) == []
    told = CliRunner().invoke(app, ["token", "--secrets", str(tmp_path), "--role", "platform_admin"])
    key = jwt.PyJWKSet.from_dict(json.loads((tmp_path / "jwks.json").read_text())).keys[0]
    claims = jwt.decode(told.stdout.strip(), key, audience=DevelopmentIdentity.AUDIENCE)
    assert claims["roles"] == ["platform_admin"]

    (tmp_path / "jwks.json").chmod(0o644)
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{"kid": "the company's"}]}))
    with pytest.raises(DeploymentError, match="another issuer"):
        make_secrets(tmp_path, development=True)


def test_compose_hands_out_every_secret_and_each_to_those_who_need_it():
    compose = yaml.safe_load(COMPOSE.read_text())
    assert set(compose["secrets"]) == {*secret_names(), "jwks"}
    for name, secret in compose["secrets"].items():
        assert secret["file"].endswith(f"/{name}" if name != "jwks" else "/jwks.json")
    handed = {name: set(service.get("secrets", [])) for name, service in compose["services"].items()}
    for service in SERVICES:
        assert handed[f"{service}-migrate"] == {f"{service}_owner_password"}
        worker, keys = {f"{service}_worker_password", f"kafka_{service}_password"}, set(service_secrets(service))
        assert handed[f"{service}-api"] == {f"{service}_api_password", "jwks"} | keys
        assert handed[f"{service}-consumer"] == worker | keys
        assert handed[f"{service}-relay"] == worker
    assert handed["gateway"] == set()


def test_compose_keeps_every_process_small():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    published = {name for name, service in services.items() if "ports" in service}
    assert published == {"gateway"}
    assert all(port.startswith("127.0.0.1:") for port in services["gateway"]["ports"])
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert "updraft/" in service["image"] or service["user"].split(":")[0] not in ("0", "root"), name


def test_the_four_services_read_alike():
    services = yaml.safe_load(COMPOSE.read_text())["services"]

    def seen(service: str, part: str) -> str:
        found = {key: value for key, value in services[f"{service}-{part}"].items() if key != "deploy"}
        keys = service_secrets(service)
        found["secrets"] = [secret for secret in found["secrets"] if secret not in keys]
        return json.dumps(json.loads(json.dumps(found).replace(service, "<service>")), sort_keys=True)

    for part in ("migrate", "api", "consumer", "relay"):
        assert len({seen(service, part) for service in SERVICES}) == 1


@pytest.mark.parametrize("by_address", [False, True])
def test_the_gateway_for_containers_leads_to_the_services_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_address: bool
):
    make_secrets(tmp_path, development=True)
    address = "https://issuer.example/keys"
    monkeypatch.setenv("UPDRAFT_JWKS", address if by_address else str(tmp_path / "jwks.json"))
    monkeypatch.setenv("UPDRAFT_DOCUMENTATION", "false")
    file = tmp_path / "envoy.yaml"
    told = CliRunner().invoke(app, ["apply", "gateway", str(file)])
    assert told.exit_code == 0, told.output
    validate(file)
    configuration = yaml.safe_load(file.read_text())
    clusters = {
        cluster["name"]: cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]
        for cluster in configuration["static_resources"]["clusters"]
    }
    for service in SERVICES:
        assert clusters[service]["socket_address"] == {"address": f"{service}-api", "port_value": 8000}
    assert ("issuer" in clusters) is by_address
    assert configuration["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UPDRAFT_SECRETS", str(tmp_path))
    for arguments in (["apply", "databases", "--server", "127.0.0.1:1"], ["apply", "broker"]):
        told = CliRunner().invoke(app, arguments)
        assert told.exit_code == 1
        assert "there is no password" in told.output.replace("\n", " ")
