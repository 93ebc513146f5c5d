"""`python -m updraft`: the same as the console script."""

from __future__ import annotations

from updraft.command import app

if __name__ == "__main__":
    app(prog_name="updraft")
