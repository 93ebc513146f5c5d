"""One role of evaluation: `python -m evaluation migrate|api|consumer|relay|worker`."""

from __future__ import annotations

from chassis.main import main

from evaluation.bootstrap import bootstrap
from evaluation.entrypoints.api import app
from evaluation.entrypoints.consumer import HANDLERS
from evaluation.entrypoints.schedule import SCHEDULE

if __name__ == "__main__":
    raise SystemExit(main(bootstrap=bootstrap, app=app, handlers=HANDLERS, schedule=SCHEDULE))
