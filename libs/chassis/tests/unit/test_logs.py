from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import logging
from chassis.logs import configure_logs, logger
from chassis.telemetry import start_span
configure_logs("sample", "api", style="{style}")
log = logger("chassis.sample")
with start_span("work", parent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"):
    log.info("pair formed", pairs=3)
def fails():
    raise ValueError("canary text of ada@canary.example")
try:
    fails()
except ValueError as error:
    log.exception("job failed")
    logging.getLogger("library").error("failed for %s", "ada@canary.example", exc_info=error)
logging.getLogger("uvicorn").info("chatter")
logging.getLogger("worker").info("started")
log.debug("detail")
"""


def lines(style: str) -> list[str]:
    script = SCRIPT.format(style=style)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(os.environ), timeout=60
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


@pytest.mark.requirement("S14")
def test_logs_say_what_and_where_and_nobodys_data() -> None:
    found = [json.loads(line) for line in lines("json")]
    formed, failed, library, started = found
    assert (formed["event"], formed["pairs"], formed["level"]) == ("pair formed", 3, "info")
    assert (formed["service"], formed["role"]) == ("sample", "api")
    assert formed["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert formed["timestamp"].endswith("Z")
    assert failed["error_type"] == "ValueError"
    assert failed["error_at"][-1].endswith("fails")
    assert "trace_id" not in failed
    assert library["event"] == "failed for [address]"
    assert library["error_type"] == "ValueError"
    assert started["event"] == "started"
    assert "canary" not in json.dumps(found)


def test_logs_for_people() -> None:
    found = lines("console")
    assert any("pair formed" in line for line in found)
    assert not any("canary" in line for line in found)
