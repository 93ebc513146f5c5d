"""The command as people use it: on the real services, from `up` to `reset`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import jwt
import psutil
import pytest
from updraft.places import REPOSITORY
from updraft.processes import wait_until
from updraft.stack_state import read_state

Updraft = Callable[..., "subprocess.CompletedProcess[str]"]
_POISONED = "updraft.enrollment.business-units"


def command_in(state: Path) -> Updraft:
    def updraft(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "updraft", *arguments],
            env=os.environ | {"UPDRAFT_STATE": str(state), "COLUMNS": "200", "NO_COLOR": "1"},
            cwd=state.parent,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return updraft


def test_without_a_stack_the_command_says_so_and_exits_3(tmp_path: Path):
    updraft = command_in(tmp_path / "state")
    for words in (("status",), ("events", "tail"), ("dead-letters", "list")):
        assert "no stack is running" in updraft(*words, code=3).stderr
    assert "Nothing was running" in updraft("down").stdout


def test_token_prints_one_verifiable_line_and_refuses_unknown_roles(tmp_path: Path):
    updraft = command_in(tmp_path / "state")
    unit = "01890a5d-ac96-774b-bcce-b302099a8057"
    printed = updraft("token", "--role", "program_manager", "--unit", unit, "--lifetime", "60").stdout
    assert printed.count("\n") == 1
    keys = jwt.PyJWKSet.from_json((tmp_path / "state" / "identity" / "jwks.json").read_text())
    token = printed.strip()
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key.key, ["RS256"], audience="updraft")["business_unit"] == unit
    assert "no such role" in updraft("token", "--role", "king", code=2).stderr


def test_a_port_that_is_no_number_is_an_error_that_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UPDRAFT_GATEWAY_PORT", "eighty")
    assert "UPDRAFT_GATEWAY_PORT" in command_in(tmp_path / "state")("up", code=1).stderr


def test_sample_org_writes_a_file_and_its_units(tmp_path: Path):
    updraft = command_in(tmp_path / "state")
    updraft("sample-org", str(tmp_path / "people.csv"), "--people", "300", "--units", "2", "--seed", "4")
    assert len((tmp_path / "people.csv").read_text().splitlines()) == 301
    assert len(json.loads((tmp_path / "people.units.json").read_text())) == 2
    assert "people" in updraft("sample-org", str(tmp_path / "few.csv"), "--people", "3", code=1).stderr


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Updraft, str]]:
    """State folder, command and what `up` printed, with the real services running."""
    state = tmp_path_factory.mktemp("a user's folder") / "state"
    updraft = command_in(state)
    said = updraft("up").stdout
    yield state, updraft, said
    updraft("reset", "--yes")
    assert not state.exists()


@pytest.mark.system
class TestRunning:
    """One stack, looked at and worked with through the command."""

    def test_up_says_where_everything_is(self, running):
        state, _, said = running
        found = read_state(state)
        assert found["gateway"] in said
        assert f"{found['gateway']}/docs" in said
        paths = httpx.get(f"{found['gateway']}/openapi.json").json()["paths"]
        assert {path.split("/")[1] for path in paths} == set(found["services"])
        token = next(line for line in said.splitlines() if line.startswith("ey"))
        listed = httpx.get(
            f"{found['gateway']}/enrollment/v1/business-units", headers={"authorization": f"Bearer {token}"}
        )
        assert listed.status_code == 200

    def test_a_second_up_says_that_one_is_running(self, running):
        state, updraft, _ = running
        before = read_state(state)["pid"]
        assert "already running" in updraft("up").stdout
        assert read_state(state)["pid"] == before

    def test_an_organisation_is_imported_and_its_events_can_be_read(self, running, tmp_path):
        _, updraft, _ = running
        people = tmp_path / "people.csv"
        updraft("sample-org", str(people), "--people", "200", "--units", "2", "--seed", "5")
        with people.open("a") as file:
            file.write("no-such-unit" + "," * (people.read_text().splitlines()[0].count(",")) + "\n")
        said = updraft("import", str(people), "--units", str(tmp_path / "people.units.json")).stdout
        assert "200 joined" in said
        assert "no-such-unit" in said or "business_unit" in said

        def events(*words: str) -> list[dict[str, object]]:
            lines = updraft("events", "tail", "--from-start", "--no-follow", "--json", *words).stdout.splitlines()
            return [json.loads(line) for line in lines]

        assert wait_until(lambda: len(events("--type", "PersonJoined")) == 200, 30.0)
        units = events("--type", "BusinessUnitRegistered")
        assert len(units) == 2
        unit = str(units[0]["business_unit_id"])
        assert {str(event["business_unit_id"]) for event in events("--unit", unit)} == {unit}
        assert [event["id"] for event in events("--key", unit)] == [units[0]["id"]]

    @pytest.mark.requirement("F9")
    def test_a_poison_record_is_listed_shown_and_handed_back(self, running):
        state, updraft, _ = running
        asyncio.run(_produce(read_state(state)["kafka"], b"not an event"))

        def letters() -> list[dict[str, str]]:
            return [json.loads(line) for line in updraft("dead-letters", "list", "--json").stdout.splitlines()]

        assert wait_until(lambda: any(letter["topic"] == _POISONED for letter in letters()), 30.0, every=0.5)
        letter = next(letter for letter in letters() if letter["topic"] == _POISONED)
        shown = updraft("dead-letters", "show", letter["key"]).stdout
        assert "not an event" in shown
        assert letter["reason"] in shown
        assert letter["key"] in updraft("dead-letters", "replay", letter["key"]).stdout
        assert "no such dead letter" in updraft("dead-letters", "replay", "a/0/1", code=1).stderr

    def test_status_tells_a_restarted_role_and_the_backlogs(self, running):
        state, updraft, _ = running
        victim = next(role for role in read_state(state)["roles"] if role["name"] == "matching-worker")
        os.kill(victim["pid"], signal.SIGKILL)

        def restarted() -> bool:
            role = next(role for role in read_state(state)["roles"] if role["name"] == "matching-worker")
            return role["restarts"] == 1 and role["state"] == "running"

        assert wait_until(restarted, 30.0)
        done: list[dict[str, object]] = []

        def well() -> bool:
            command = [sys.executable, "-m", "updraft", "status", "--json"]
            answer = subprocess.run(
                command, env=os.environ | {"UPDRAFT_STATE": str(state)}, capture_output=True, check=False
            )
            done[:] = [json.loads(answer.stdout)]
            return answer.returncode == 0

        assert wait_until(well, 60.0, every=0.5), done
        roles = {role["name"]: role for role in done[0]["roles"]}
        assert roles["matching-worker"]["restarts"] == 1
        assert roles["engagement-worker"]["restarts"] == 0
        backlogs = {row["service"]: row for row in done[0]["backlogs"]}
        assert set(backlogs) == {"enrollment", "matching", "engagement", "evaluation"}
        assert all(row["outbox_depth"] is not None for row in backlogs.values())
        assert "watermark" in updraft("status").stdout

    def test_down_leaves_no_process_and_says_that_the_data_stays(self, running):
        state, updraft, _ = running
        assert "data stays" in updraft("down").stdout

        def below() -> list[str]:
            found = []
            for process in psutil.process_iter():
                try:
                    words = f"{process.cwd()} {' '.join(process.cmdline())}"
                except psutil.Error:
                    continue
                if str(state) in words:
                    found.append(words)
            return found

        assert wait_until(lambda: not below(), 10.0), below()
        assert (state / "kafka" / "data").exists()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_names_a_python_it_cannot_use(tmp_path: Path):
    shutil.copy(REPOSITORY / "Makefile", tmp_path / "Makefile")
    (tmp_path / "requirements.lock").touch()
    old = tmp_path / "python2"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 2.7.18 && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = subprocess.run(["make", f"PYTHON={old}", "up"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "3.11 to 3.14" in done.stderr
    assert "2.7.18" in done.stderr
    assert not (tmp_path / ".venv").exists()


async def _produce(kafka: str, value: bytes) -> None:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        await producer.send_and_wait(_POISONED, value, key=b"poison")
    finally:
        await producer.stop()
