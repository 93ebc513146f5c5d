"""`python -m matching migrate|api|consumer|relay|worker`."""

from __future__ import annotations

import sys

from chassis.main import main

from matching.bootstrap import bootstrap
from matching.entrypoints.api import app
from matching.entrypoints.consumer import HANDLERS
from matching.entrypoints.schedule import SCHEDULE

if __name__ == "__main__":
    sys.exit(main(bootstrap=bootstrap, app=app, handlers=HANDLERS, schedule=SCHEDULE))
