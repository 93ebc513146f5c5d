"""`python -m engagement migrate|api|consumer|relay|worker`."""

from __future__ import annotations

import sys

from chassis.main import main

from engagement.bootstrap import bootstrap
from engagement.entrypoints.api import app
from engagement.entrypoints.consumer import HANDLERS
from engagement.entrypoints.schedule import SCHEDULE

if __name__ == "__main__":
    sys.exit(main(bootstrap=bootstrap, app=app, handlers=HANDLERS, schedule=SCHEDULE))
