"""What `python -m matching.domain.precompile` compiles is all that runs need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_LATER = """
import importlib, json, pkgutil, random, sys
from dataclasses import replace

import matching.domain
import worlds
from matching.domain.canonical import HashKey
from matching.domain.facts import Quota
from matching.domain.precompile import precompile
from matching.domain.relaxation import relaxations_of
from matching.domain.run_input import RunInput
from matching.domain.run_matching import match


def compiled():
    found = {}
    for one in pkgutil.iter_modules(matching.domain.__path__):
        module = importlib.import_module(f"matching.domain.{one.name}")
        for name, function in vars(module).items():
            if hasattr(function, "signatures") and function.__module__ == module.__name__:
                found[f"{one.name}.{name}"] = [str(signature) for signature in function.signatures]
    return found


precompile(threads=2)
before = compiled()
key = HashKey(b"later")
for number in range(6):
    world = worlds.random_snapshot(number, 12 + 60 * (number == 5), 11 + 80 * (number == 4))
    for threads in (1, 2):
        found = match(RunInput(world), key=key, threads=threads)
    pairs = frozenset((one.mentor.participation_id, one.mentee.participation_id) for one in found.pairs)
    match(RunInput(replace(world, previous=pairs)), key=key)
    match(RunInput(replace(world, quotas=(Quota(worlds.UNIT, 2),))), key=key)
    for one in found.unmatched[:2]:
        relaxations_of(RunInput(world), one.participation_id, own_only=False)
match(RunInput(worlds.snapshot()), key=key)
later = {name: said for name, said in compiled().items() if said != before[name]}
json.dump({"functions": sum(map(bool, before.values())), "later": later}, sys.stdout)
"""


@pytest.mark.requirement("N3")
def test_a_run_after_it_compiles_nothing() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _LATER],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
    )
    assert said.returncode == 0, said.stderr[-2000:]
    found = json.loads(said.stdout)
    assert found["functions"] > 10
    assert found["later"] == {}
