"""`python -m engagement migrate|api|consumer|relay|worker`."""

from __future__ import annotations

import sys

from chassis.main import main

if __name__ == "__main__":
    sys.exit(main("engagement"))
