"""`python -m load.peers bare|core`: a peer's API, served exactly as ours is (UPDRAFT_HTTP_PORT), on the database of UPDRAFT_BENCH_DSN."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from chassis.server import serve
from chassis.settings import ServiceSettings

settings = ServiceSettings()
make = import_module(f"load.peers.{sys.argv[1]}").application
serve(make(os.environ["UPDRAFT_BENCH_DSN"], settings.api_pool_size), settings)
