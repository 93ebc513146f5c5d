"""`python -m enrollment migrate|api|consumer|relay|worker`."""

from __future__ import annotations

import sys

from chassis.main import main

from enrollment.bootstrap import bootstrap
from enrollment.entrypoints.api import app
from enrollment.entrypoints.consumer import HANDLERS
from enrollment.entrypoints.schedule import SCHEDULE

if __name__ == "__main__":
    sys.exit(main(bootstrap=bootstrap, app=app, handlers=HANDLERS, schedule=SCHEDULE))
