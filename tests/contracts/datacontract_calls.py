"""Runs in the environment of datacontract.lock: each line of standard input is one call of a tool, as a JSON list.

`["datacontract", "lint", FILE]` and the like are calls of its command line; `["asyncapi", FILE]` reads an AsyncAPI document. One
line of JSON goes out for each: the exit status and what was said.
"""

from __future__ import annotations

import json
import sys
import warnings

import yaml
from datacontract.cli import app
from typer.testing import CliRunner

warnings.simplefilter("ignore")
from asyncapi3.models.asyncapi import AsyncAPI3  # noqa: E402  # warns while it is imported


def call(tool: str, *arguments: str) -> tuple[int, str]:
    """The exit status of a tool and its output."""
    if tool == "datacontract":
        done = CliRunner().invoke(app, list(arguments))
        return done.exit_code, done.output
    with open(arguments[0], encoding="utf-8") as file:
        document = yaml.safe_load(file)
    try:
        AsyncAPI3.model_validate(document)
    except ValueError as error:
        return 1, str(error)
    return 0, ""


for line in sys.stdin:
    status, said = call(*json.loads(line))
    sys.stdout.write(json.dumps({"status": status, "said": said}) + "\n")
    sys.stdout.flush()
