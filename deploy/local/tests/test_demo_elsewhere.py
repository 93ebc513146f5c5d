"""The demonstration on a deployment that runs elsewhere: what it needs, and what it says when that is missing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner
from updraft.command import app
from updraft.command_secrets import make_secrets, password_names
from updraft.demo import UNCHECKED, RemoteDeployment
from updraft.demo.story import Story
from updraft.demo.summary import show
from updraft.errors import DeploymentError

NOBODY = "127.0.0.1:9"
GATEWAY = f"http://{NOBODY}"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    make_secrets(folder, development=True)
    return folder


def said(*arguments: str, code: int) -> str:
    done = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["demo", *arguments])
    assert done.exit_code == code, done.output
    return " ".join(done.output.replace("│", " ").split())


def test_what_is_missing_is_named(secrets: Path, tmp_path: Path):
    clock = str(tmp_path / "clock.json")
    assert "name the deployment's secrets with --secrets" in said("--gateway", GATEWAY, code=2)
    assert "--clock: a year cannot be played" in said("--gateway", GATEWAY, "--secrets", str(secrets), code=2)
    assert "belong to a deployment named by --gateway" in said("--kafka", NOBODY, code=2)
    empty = tmp_path / "empty"
    empty.mkdir()
    named = ("--gateway", GATEWAY, "--clock", clock)
    assert "no identity/key.pem" in said(*named, "--secrets", str(empty), code=1)
    assert f"no gateway answers at {GATEWAY}" in said(*named, "--secrets", str(secrets), code=1)


@pytest.mark.parametrize("named", [{}, {"kafka": NOBODY}, {"postgres": NOBODY}], ids=["neither", "kafka", "postgres"])
def test_without_both_servers_five_invariants_are_said_to_be_unchecked(secrets: Path, tmp_path: Path, named):
    deployment = RemoteDeployment(GATEWAY, secrets, clock=tmp_path / "clock.json", **named)
    assert deployment.evidence is None
    shown = io.StringIO()
    show(Story("a test", True, 1, unchecked=UNCHECKED), tmp_path / "report.html", Console(file=shown, width=200))
    assert f"Not checked: {UNCHECKED}" in shown.getvalue()
    assert "Nothing was killed" in shown.getvalue()


def test_servers_are_entered_with_the_passwords_in_the_folder(secrets: Path, tmp_path: Path):
    deployment = RemoteDeployment(GATEWAY, secrets, clock=tmp_path / "clock.json", kafka=NOBODY, postgres=NOBODY)
    evidence = deployment.evidence
    assert evidence is not None
    assert evidence.security["sasl_plain_password"] == (secrets / "kafka_admin_password").read_text()
    assert evidence.environment("matching")["UPDRAFT_KAFKA_PASSWORD_FILE"] == str(secrets / "kafka_admin_password")
    assert (secrets / "postgres_password").read_text() in evidence.database("matching")
    (secrets / "kafka_admin_password").unlink()
    plain = RemoteDeployment(GATEWAY, secrets, clock=tmp_path / "clock.json", kafka=NOBODY, postgres=NOBODY).evidence
    assert plain is not None
    assert not plain.security


@pytest.mark.parametrize("name", [name for name in password_names() if not name.startswith("kafka")])
def test_a_missing_password_is_an_error_and_is_never_made_up(secrets: Path, tmp_path: Path, name: str):
    (secrets / name).unlink()
    with pytest.raises(DeploymentError, match=name):
        RemoteDeployment(GATEWAY, secrets, clock=tmp_path / "clock.json", kafka=NOBODY, postgres=NOBODY)
    assert not (secrets / name).exists()
