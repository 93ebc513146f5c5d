"""A stack of two tiny services, so that the deployment is tested without the real ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# What every service is to the deployment: `python -m <service> migrate|api|worker`, health over HTTP, settings from the environment.
TINY_SERVICE = """
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

service, part = Path(__file__).parent.name, sys.argv[1]
if part == "migrate":
    import asyncio, asyncpg
    async def migrate():
        password = (Path(os.environ["UPDRAFT_SECRETS"]) / f"{service}_owner_password").read_text()
        host, name = os.environ["UPDRAFT_DATABASE"].removeprefix("postgresql+asyncpg://").split("/")
        db = await asyncpg.connect(f"postgresql://{service}_owner:{password}@{host}/{name}")
        await db.execute("create table if not exists migrated (at timestamptz default now())")
        await db.execute("insert into migrated default values")
        await db.close()
    asyncio.run(migrate())
    sys.exit(0)

if Path(f"refuse-{service}-{part}").exists():
    sys.exit(f"{service} {part} refuses to start")

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"service": service, "path": self.path, "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer((os.environ["UPDRAFT_HTTP_HOST"], int(os.environ["UPDRAFT_HTTP_PORT"])), Answer).serve_forever()
"""


@pytest.fixture(scope="session")
def tiny_services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment by which processes find the services `alpha` and `beta`."""
    folder: Path = tmp_path_factory.mktemp("tiny services")
    for name in ("alpha", "beta"):
        (folder / name).mkdir()
        (folder / name / "__main__.py").write_text(TINY_SERVICE)
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}
