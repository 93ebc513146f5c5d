"""The embedded servers: started, killed, restarted and found again, wherever their folder is and whoever starts them."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from updraft import jars
from updraft.errors import PortTaken
from updraft.kafka import EmbeddedKafka, embedded_kafka
from updraft.places import LOCAL_HOST, choose_port, private_state_of
from updraft.postgres import EmbeddedPostgres, embedded_postgres
from updraft.processes import wait_until
from updraft.provision import blocking, provision, role_password
from updraft.topics import apply_topics

# Longer than a Unix socket's path may be, with what shells and settings files treat specially.
AWKWARD = "a folder, with späces & $igns; " + "deep" * 30


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / AWKWARD
    yield folder
    EmbeddedPostgres(folder).remove()


async def query(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@pytest.mark.integration
def test_postgres_keeps_its_data_through_stop_kill_and_restart(state: Path):
    with embedded_postgres(state) as server:
        assert str(blocking(query(server.dsn, "show server_version"))).startswith("18.")
        assert blocking(query(server.dsn, "show fsync")) == "on"
        assert blocking(query(server.dsn, "show max_connections")) == "300"
        blocking(query(server.dsn, "create table kept as select 1 as fact"))
        before = server.address
        server.kill()
        server.restart()
        assert server.address == before
        assert blocking(query(server.dsn, "select fact from kept")) == 1
    with embedded_postgres(state) as again:
        assert blocking(query(again.dsn, "select fact from kept")) == 1


@pytest.mark.integration
def test_postgres_needs_its_password_and_provisioning_repeats(state: Path):
    secrets = state / "passwords"
    with embedded_postgres(state, fsync=False) as server:
        provision(server.dsn, ["matching"], secrets)
        first = role_password(secrets, "matching_api")
        provision(server.dsn, ["matching"], secrets)
        assert role_password(secrets, "matching_api") == first
        assert all(file.stat().st_mode & 0o077 == 0 for file in secrets.iterdir())
        host = f"{server.address}/matching"
        assert blocking(query(f"postgresql://matching_api:{first}@{host}", "select current_user")) == "matching_api"
        with pytest.raises(asyncpg.InvalidPasswordError):
            blocking(query(f"postgresql://matching_api:guess@{host}", "select 1"))


@pytest.mark.integration
def test_a_state_folder_thrown_away_by_hand_starts_anew(tmp_path: Path):
    folder = tmp_path / "state"
    with embedded_postgres(folder, fsync=False) as server:
        blocking(query(server.dsn, "create table kept as select 1 as fact"))
    shutil.rmtree(folder)
    with embedded_postgres(folder, fsync=False) as server:
        assert blocking(query(server.dsn, "select to_regclass('kept')")) is None
        server.remove()


@pytest.mark.integration
def test_a_server_left_by_a_killed_process_is_ended_first(state: Path):
    """A holder is killed together with the guard of its children, so that its server stays; the next start must cope."""
    code = "import sys; from pathlib import Path; from updraft.postgres import EmbeddedPostgres as P\n"
    code += "p = P(Path(sys.argv[1])); p.start(); print(p.child.pid, flush=True); import time; time.sleep(600)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(state)], stdout=subprocess.PIPE, text=True)
    left = int(holder.stdout.readline())
    guard = next(child for child in psutil.Process(holder.pid).children() if "lifeline" in " ".join(child.cmdline()))
    guard.kill()
    holder.kill()
    holder.wait()
    assert psutil.pid_exists(left)
    with embedded_postgres(state) as server:
        assert server.child.pid != left
        assert not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE
        assert blocking(query(server.dsn, "select 1")) == 1


@pytest.mark.integration
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_started_by_root_postgres_runs_as_nobody_of_importance_outside_private_folders(tmp_path: Path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    before = {parent: parent.stat().st_mode for parent in private.parents}
    with embedded_postgres(private / "state", fsync=False) as server:
        user = pwd.getpwuid(psutil.Process(server.child.pid).uids().real)
        assert user.pw_uid != 0
        assert server.data_dir.is_relative_to(private_state_of(private / "state"))
        assert server.data_dir.stat().st_mode & 0o077 == 0
    assert {parent: parent.stat().st_mode for parent in private.parents} == before
    assert private.stat().st_mode & 0o777 == 0o700
    server.remove()
    assert not server.data_dir.parent.exists()


@pytest.mark.integration
@pytest.mark.skipif(os.geteuid() == 0, reason="root's data is elsewhere")
def test_started_by_a_plain_user_the_data_is_in_the_state_folder(state: Path):
    with embedded_postgres(state, fsync=False) as server:
        assert server.data_dir.is_relative_to(state)


@pytest.mark.wire
def test_kafka_keeps_its_topics_through_stop_kill_and_restart(state: Path):
    with embedded_kafka(state) as broker:
        made = apply_topics(broker.bootstrap).made
        assert "updraft.engagement.meetings" in made
        before = broker.bootstrap
        broker.kill()
        broker.restart()
        assert broker.bootstrap == before
        assert apply_topics(broker.bootstrap).made == []
    with embedded_kafka(state) as again:
        assert apply_topics(again.bootstrap).made == []


@pytest.mark.wire
async def test_topics_are_never_made_by_use(kafka):
    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import KafkaError

    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, request_timeout_ms=1500)
    await producer.start()
    try:
        with pytest.raises(KafkaError):
            await producer.send_and_wait("no.such.topic", b"x")
    finally:
        await producer.stop()


@pytest.mark.parametrize("server", [EmbeddedPostgres, EmbeddedKafka])
@pytest.mark.integration
def test_a_taken_port_that_was_named_is_an_error_that_names_it(state: Path, server):
    with socket.socket() as other:
        other.bind((LOCAL_HOST, choose_port("a test")))
        other.listen()
        port = other.getsockname()[1]
        started = server(state, port=port)
        with pytest.raises(PortTaken, match=str(port)):
            started.start()
        assert started.child is None


def test_a_port_that_is_only_wanted_is_chosen_free():
    port = choose_port("a test")
    with socket.socket() as probe:
        probe.bind((LOCAL_HOST, port))


_CHOOSES = """
import os, sys
os.getpid = lambda: 1
from updraft.places import choose_port
print(*(choose_port("a test") for _ in range(5)), flush=True)
sys.stdin.read()
"""


def test_a_chosen_port_is_chosen_by_no_other_process_until_this_one_ends():
    """Also between the choice and the binding, and while what listened there is being restarted."""
    started = [
        subprocess.Popen([sys.executable, "-c", _CHOOSES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    chosen = []
    for process in started:
        assert process.stdout is not None
        chosen.append({int(port) for port in process.stdout.readline().split()})
    assert [len(ports) for ports in chosen] == [5, 5]
    assert not chosen[0] & chosen[1]
    for process in started:
        process.communicate(timeout=30)
    after = subprocess.run([sys.executable, "-c", _CHOOSES], input="", capture_output=True, text=True, check=True)
    assert {int(port) for port in after.stdout.split()} & (chosen[0] | chosen[1])


def test_a_port_that_another_process_has_chosen_may_be_named():
    with subprocess.Popen(
        [sys.executable, "-c", _CHOOSES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline().split()[0])
        assert choose_port("a test", port) == port
        other.communicate(timeout=30)


@pytest.mark.requirement("S23")
def test_jars_that_are_not_the_locked_ones_are_refused(tmp_path: Path):
    good = b"a jar"
    lock = tmp_path / "jars.lock"
    lock.write_text(f"# comment\norg.example:thing:1.0 {hashlib.sha256(good).hexdigest()}\n")
    jar = tmp_path / "cache" / "kafka" / "thing-1.0.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(good)
    folder, names = jars.kafka_jars(cache=tmp_path / "cache", lock=lock)
    assert (folder, names) == (jar.parent, ("thing-1.0.jar",))
    jar.write_bytes(b"another jar")
    with pytest.raises(jars.HashMismatch, match=r"org\.example:thing:1\.0"):
        jars.kafka_jars(cache=tmp_path / "cache", lock=lock)


@pytest.mark.requirement("S23")
def test_a_fetched_jar_that_is_not_the_locked_one_never_reaches_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    served = tmp_path / "served.jar"
    served.write_bytes(b"tampered")

    class Artifact:
        def __getattr__(self, _name: str) -> object:
            return lambda *_: self

        def resolve(self) -> Path:
            return served

    monkeypatch.setattr("jgo.maven.MavenContext", lambda **_: Artifact())
    lock = tmp_path / "jars.lock"
    lock.write_text(f"org.example:thing:1.0 {hashlib.sha256(b'a jar').hexdigest()}\n")
    with pytest.raises(jars.HashMismatch):
        jars.kafka_jars(cache=tmp_path / "cache", lock=lock)
    assert not list((tmp_path / "cache").rglob("*.jar"))
    served.write_bytes(b"a jar")
    progress: list[tuple[int, int]] = []
    jars.kafka_jars(cache=tmp_path / "cache", lock=lock, progress=lambda done, total: progress.append((done, total)))
    assert progress == [(1, 1)]


def test_the_lock_names_the_whole_broker():
    locked = jars.locked_jars()
    assert len(locked) == 46
    assert len({jar.file_name for jar in locked}) == 46
    assert {jar.version for jar in locked if jar.artifact == "kafka-clients"} == {"4.3.1"}
    assert all(len(jar.sha256) == 64 for jar in locked)


def test_children_end_when_their_starter_is_killed_even_grandchildren(tmp_path: Path):
    code = """
import sys, time
from pathlib import Path
from updraft.processes import spawn
folder = Path(sys.argv[1])
child = spawn("sleeper", ["sh", "-c", "sleep 600 & echo $! > grandchild; wait"], run_dir=folder / "run", log=folder / "log", cwd=folder)
print(child.pid, flush=True)
time.sleep(600)
"""
    starter = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    child = int(starter.stdout.readline())
    note = tmp_path / "grandchild"
    assert wait_until(lambda: note.exists() and note.read_text().strip() != "", 10.0)
    grandchild = int(note.read_text())
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()

    def gone(pid: int) -> bool:
        return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    assert wait_until(lambda: gone(child) and gone(grandchild), 10.0)
