"""The stack: starts, serves through its gateway, starts dead roles again, keeps data, and leaves no process behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest
from updraft.errors import DeploymentError, PortTaken
from updraft.places import choose_port
from updraft.processes import wait_until
from updraft.stack import AlreadyRunning, Stack
from updraft.stack_state import read_state, remove_data
from updraft.supervisor import start_detached, stop_running

pytestmark = pytest.mark.system


def running_below(folder: Path) -> list[str]:
    """Command lines of processes that work in the folder or name it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            where = f"{process.cwd()} {' '.join(process.cmdline())}"
        except psutil.Error:
            continue
        if str(folder) in where:
            found.append(where)
    return found


def nothing_runs_below(folder: Path) -> bool:
    return wait_until(lambda: not running_below(folder), 15.0, every=0.1)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, tiny_services: dict[str, str]) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("a stack, in a folder with späces")
    with Stack(folder, services=("alpha", "beta"), environment=tiny_services, fsync=False) as stack:
        yield stack
    assert nothing_runs_below(folder), running_below(folder)
    remove_data(folder)


def test_every_role_is_reached_through_the_gateway(stack: Stack):
    token = stack.token(roles=["program_manager"])
    for service in ("alpha", "beta"):
        answer = httpx.get(f"{stack.gateway_url}/{service}/v1/things", headers={"authorization": f"Bearer {token}"})
        assert answer.json()["service"] == service
        assert answer.json()["path"] == "/v1/things"
        assert httpx.get(f"{stack.url(service, 'worker')}/health/ready").status_code == 200


async def test_migrations_ran_as_the_owner_before_the_roles_started(stack: Stack):
    for service in ("alpha", "beta"):
        db = await asyncpg.connect(stack.postgres_dsn.removesuffix("/postgres") + f"/{service}")
        try:
            owner = await db.fetchval("select tableowner from pg_tables where tablename = 'migrated'")
            assert owner == f"{service}_owner"
        finally:
            await db.close()


async def test_topics_are_those_of_the_catalog(stack: Stack):
    from aiokafka.admin import AIOKafkaAdminClient
    from contracts.catalog import all_kafka_topics

    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    try:
        assert {topic.name for topic in all_kafka_topics()} <= set(await admin.list_topics())
    finally:
        await admin.close()


def test_a_killed_role_comes_back_on_its_port_and_the_count_is_kept(stack: Stack):
    before = httpx.get(f"{stack.url('alpha')}/health/ready").json()["pid"]
    stack.kill("alpha-api")
    assert wait_until(stack.roles["alpha-api"].is_ready, 20.0)
    assert httpx.get(f"{stack.url('alpha')}/health/ready").json()["pid"] != before
    noted = {role["name"]: role for role in read_state(stack.state_dir)["roles"]}
    assert noted["alpha-api"]["restarts"] == stack.roles["alpha-api"].restarts >= 1
    assert noted["beta-api"]["restarts"] == 0


def test_a_request_that_meets_a_restarting_service_waits_for_it(stack: Stack):
    headers = {"authorization": f"Bearer {stack.token(roles=['program_manager'])}"}
    stack.kill("beta-api")
    assert httpx.get(f"{stack.gateway_url}/beta/v1/things", headers=headers, timeout=30).status_code == 200


def test_a_role_that_keeps_dying_is_started_ever_more_slowly_and_recovers(stack: Stack):
    refusal = stack.state_dir / "refuse-alpha-worker"
    role = stack.roles["alpha-worker"]
    restarts = role.restarts
    refusal.touch()
    try:
        stack.kill("alpha-worker")
        assert wait_until(lambda: role.restarts >= restarts + 4, 30.0)
    finally:
        refusal.unlink()
    assert wait_until(role.is_ready, 30.0)
    lines = [
        line
        for line in (stack.state_dir / "logs" / "supervisor.log").read_text().splitlines()
        if "alpha-worker ended" in line
    ]
    pauses = [float(line.rsplit(" in ", 1)[1].removesuffix(" s")) for line in lines]
    assert pauses[-4:] == sorted(pauses[-4:])
    assert pauses[-1] >= 4 * pauses[0]


@pytest.mark.requirement("F4")
def test_a_killed_broker_and_a_killed_database_come_back_on_their_addresses(stack: Stack):
    addresses = stack.kafka_bootstrap, stack.postgres_dsn
    stack.kill("kafka")
    stack.kill("postgres")
    stack.wait_for("postgres", 30)
    stack.wait_for("kafka", 30)
    assert (stack.kafka_bootstrap, stack.postgres_dsn) == addresses


def test_a_held_role_stays_down_until_it_is_released(stack: Stack):
    stack.kill("beta-worker", hold=True)
    assert not wait_until(stack.roles["beta-worker"].is_running, 1.0)
    assert (
        next(role["state"] for role in read_state(stack.state_dir)["roles"] if role["name"] == "beta-worker") == "held"
    )
    stack.release("beta-worker")
    stack.wait_for("beta-worker", 20)


def test_a_second_stack_in_the_same_folder_is_refused_and_names_the_first(stack: Stack, tiny_services):
    with pytest.raises(AlreadyRunning, match=stack.gateway_url):
        Stack(stack.state_dir, services=("alpha",), environment=tiny_services).start()
    assert stack.roles["alpha-api"].is_ready()


def test_the_clock_of_the_rules_moves_and_goes_on(stack: Stack):
    target = datetime(2031, 5, 1, 8, 0, tzinfo=UTC)
    stack.clock.move_to(target)
    assert timedelta(0) <= stack.clock.now() - target < timedelta(seconds=5)
    stack.clock.move_by(timedelta(days=21))
    assert timedelta(days=21) <= stack.clock.now() - target < timedelta(days=21, seconds=5)
    assert json.loads((stack.state_dir / "clock.json").read_text()).keys() == {"offset_seconds"}
    stack.clock.reset()
    assert abs(stack.clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_a_taken_port_is_named_and_nothing_stays(stack: Stack, tmp_path: Path, tiny_services):
    taken = int(stack.gateway_url.rsplit(":", 1)[1])
    with pytest.raises(PortTaken, match=str(taken)):
        Stack(tmp_path, services=("alpha",), gateway_port=taken, environment=tiny_services, fsync=False).start()
    assert nothing_runs_below(tmp_path), running_below(tmp_path)
    remove_data(tmp_path)


def test_outside_servers_are_used_instead_of_embedded_ones(stack: Stack, tmp_path: Path, tiny_services):
    """Another stack on the first one's servers: it starts no server of its own and says where it connected."""
    outside = Stack(
        tmp_path,
        services=("alpha",),
        environment=tiny_services,
        postgres_dsn=stack.postgres_dsn,
        kafka_bootstrap=stack.kafka_bootstrap,
    )
    # The roles' passwords are the servers', so they are shared.
    (tmp_path / "passwords").symlink_to(stack.secrets_dir)
    with outside:
        assert set(outside.roles) == {"alpha-api", "alpha-worker", "gateway"}
        assert read_state(tmp_path)["kafka"] == stack.kafka_bootstrap
    assert stack.roles["kafka"].is_ready()
    (tmp_path / "passwords").unlink()


@pytest.fixture
def detached(tmp_path: Path, tiny_services, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, int, int]]:
    """A supervisor of its own: its folder, its process id, and the port that was named for its gateway."""
    pids: list[int] = []
    steps: list[tuple[str, str]] = []
    folder = tmp_path / "detached"
    port = choose_port("a test")
    options = {"services": ["alpha"], "environment": tiny_services, "fsync": False, "gateway_port": port}
    start_detached(folder, lambda step, state: steps.append((step, state)), options, opened=pids.append)
    assert ("alpha migrations", "done") in steps
    yield folder, pids[0], port
    stop_running(folder)
    assert nothing_runs_below(folder), running_below(folder)
    remove_data(folder)
    assert not folder.exists()


def test_a_told_supervisor_leaves_nothing_and_data_survives(detached, tiny_services):
    folder, pid, port = detached
    assert read_state(folder)["gateway"].endswith(f":{port}")
    assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    token_key = (folder / "identity" / "jwks.json").read_text()
    os.kill(pid, signal.SIGTERM)
    assert wait_until(lambda: read_state(folder) is None, 40.0)
    assert nothing_runs_below(folder), running_below(folder)
    with Stack(folder, services=("alpha",), environment=tiny_services, fsync=False) as again:
        rows = subprocess.run(
            [sys.executable, "-c", _COUNT, again.postgres_dsn.removesuffix("/postgres") + "/alpha"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert rows.stdout.strip() == "2"
        assert again.identity.jwks == token_key


_COUNT = """
import asyncio, asyncpg, sys
async def count():
    db = await asyncpg.connect(sys.argv[1])
    print(await db.fetchval("select count(*) from migrated"))
    await db.close()
asyncio.run(count())
"""


def test_a_killed_supervisor_leaves_nothing(detached):
    folder, pid, _ = detached
    os.kill(pid, signal.SIGKILL)
    assert nothing_runs_below(folder), running_below(folder)
    assert read_state(folder) is None


def test_an_interrupted_start_leaves_nothing(tmp_path: Path, tiny_services):
    command = [
        sys.executable,
        "-m",
        "updraft.supervisor",
        str(tmp_path),
        json.dumps({"services": ["alpha"], "environment": tiny_services}),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if json.loads(line) == {"step": "Kafka", "state": "begun"}:
            break
    try:
        # A first start fetches Kafka's jars.
        assert wait_until((tmp_path / "run" / "kafka.json").exists, 120)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(40) == 0
    finally:
        process.kill()
    assert nothing_runs_below(tmp_path), running_below(tmp_path)
    remove_data(tmp_path)


def test_a_service_that_cannot_start_is_told_with_the_end_of_its_log(tmp_path: Path, tiny_services):
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "refuse-alpha-api").touch()
    with pytest.raises(DeploymentError, match="alpha api refuses to start"):
        Stack(folder, services=("alpha",), environment=tiny_services, fsync=False).start()
    assert nothing_runs_below(folder), running_below(folder)
    remove_data(folder)
