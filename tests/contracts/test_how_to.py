"""docs/contracts.md is true: its steps, read from the page and done in a copy of the contracts, end as the page says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "contracts.md"
PYTHON = ".venv/bin/python"
_BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SUBJECT = re.compile(r"^\*\*(.+?)\*\*", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One fenced block of the page: edits of files, or commands."""

    kind: str
    refused: bool
    text: str


def steps() -> dict[str, list[Step]]:
    """The blocks of the page in order, under the words in bold that begin their part."""
    parts = _SUBJECT.split(PAGE.read_text(encoding="utf-8"))
    return {
        subject: [Step(kind, mark == "refused", text) for kind, mark, text in _BLOCK.findall(body)]
        for subject, body in zip(parts[1::2], parts[2::2], strict=True)
    }


FIELD, TYPE, BREAKING = steps().values()


class Copy:
    """The contracts, alone in a folder, with what generating them needs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
        shutil.copytree(REPOSITORY / "libs" / "contracts", root / "libs" / "contracts", ignore=ignored)
        (root / "docs").mkdir()
        shutil.copy(REPOSITORY / "docs" / "events.md", root / "docs")

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python with the copy in front of the installed contracts."""
        known = {
            **os.environ,
            "PYTHONPATH": str(self.root / "libs" / "contracts" / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.root, env=known, capture_output=True, text=True, timeout=240, check=False
        )

    def edit(self, step: Step) -> None:
        """Make the changes of a diff: each of its parts must fit exactly one place of its file."""
        assert step.kind == "diff"
        for part in re.split(r"^--- ", step.text, flags=re.MULTILINE)[1:]:
            name, _, lines = part.partition("\n")
            before = "".join(line[1:] + "\n" for line in lines.splitlines() if line[:1] in {" ", "-"})
            after = "".join(line[1:] + "\n" for line in lines.splitlines() if line[:1] in {" ", "+"})
            path = self.root / name
            text = path.read_text(encoding="utf-8")
            assert text.count(before) == 1, f"{name} has {text.count(before)} times:\n{before}"
            path.write_text(text.replace(before, after), encoding="utf-8")

    def run(self, step: Step) -> list[subprocess.CompletedProcess[str]]:
        """Run each command of a step; all must succeed."""
        assert step.kind == "sh"
        done = []
        for line in step.text.splitlines():
            program, *arguments = shlex.split(line)
            assert program == PYTHON, line
            done.append(self.python(*arguments))
            assert done[-1].returncode == 0, done[-1].stdout + done[-1].stderr
        return done

    def generated(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    made = Copy(tmp_path)
    where = made.python("-c", "import contracts; print(contracts.__file__)").stdout.strip()
    assert Path(where).is_relative_to(tmp_path)
    return made


def test_the_page_holds_what_is_walked_here() -> None:
    assert list(steps()) == ["A field", "An event type", "A breaking change"]
    assert [[step.kind for step in part] for part in steps().values()] == [
        ["diff"],
        ["diff", "sh"],
        ["diff", "diff", "sh"],
    ]
    assert [step.refused for step in BREAKING] == [True, False, False]
    words = [line for line in _BLOCK.sub("", PAGE.read_text(encoding="utf-8")).splitlines() if line.strip()]
    assert len(words) <= 12, "a title and about ten lines"


def test_a_field_is_added_as_the_page_says(copy: Copy) -> None:
    copy.edit(FIELD[0])
    _, gate = copy.run(TYPE[1])
    (said,) = (line for line in gate.stdout.splitlines() if line.startswith("fits ") and "rating" in line)
    assert said.endswith("updraft.engagement.MeetingScheduled.v1: field rating: new optional field")
    assert "its readers are safe" in gate.stdout
    assert "`rating`" in copy.generated("docs/events.md")
    assert '"rating"' in copy.generated("libs/contracts/schemas/updraft.engagement.MeetingLogged.v1.json")
    assert "name: rating" in copy.generated("libs/contracts/odcs/updraft.engagement.meetings.odcs.yaml")


def test_an_event_type_is_added_as_the_page_says(copy: Copy) -> None:
    copy.edit(TYPE[0])
    _, gate = copy.run(TYPE[1])
    assert "updraft.engagement.MeetingMoved.v1: new event type" in gate.stdout
    assert "readers first" in gate.stdout
    for page in ("docs/events.md", "libs/contracts/asyncapi.yaml"):
        assert "updraft.engagement.MeetingMoved.v1" in copy.generated(page)
    own = copy.python("-m", "pytest", *OWN_TESTS)
    assert own.returncode == 0, own.stdout[-3000:]


OWN_TESTS = (
    "-q",
    "-p",
    "no:cacheprovider",
    "libs/contracts/tests/test_catalog.py",
    "libs/contracts/tests/test_models.py",
)
BOTH_VERSIONS = """
from chassis.handlers import Acts, Routing
from contracts import catalog
from contracts.engagement import MeetingLogged, MeetingLoggedV2
from contracts.envelope import decode, encode
from contracts.examples import example_envelope
for model in (MeetingLogged, MeetingLoggedV2):
    envelope = example_envelope(model)
    assert decode(*encode(envelope)) == envelope
async def on_meeting_logged(event, uow): ...
print(*Routing.of((Acts(MeetingLogged, on_meeting_logged), Acts(MeetingLoggedV2, on_meeting_logged))).by_type)
print(*catalog.topic_of(MeetingLoggedV2).events)
"""


@pytest.mark.requirement("F15")
def test_a_breaking_change_is_refused_and_made_as_a_new_version_as_the_page_says(copy: Copy) -> None:
    models = copy.root / "libs" / "contracts" / "src" / "contracts" / "engagement.py"
    whole = models.read_text(encoding="utf-8")
    copy.edit(BREAKING[0])
    gate = copy.python("-m", "contracts.compatibility")
    assert gate.returncode == 1, gate.stdout + gate.stderr
    assert "field held_at: was optional, is required" in gate.stdout
    assert "read by evaluation, data teams" in gate.stdout
    assert "MeetingCancelled.v2` (and so for the others) where it is required" in gate.stdout
    refused = copy.python("-m", "contracts.release", "1.1.0")
    assert refused.returncode == 1
    assert "Not released" in refused.stderr

    models.write_text(whole, encoding="utf-8")
    copy.edit(BREAKING[1])
    _, gate, release = copy.run(BREAKING[2])
    assert "updraft.engagement.MeetingLogged.v2: new version" in gate.stdout
    assert "send the older version too" in gate.stdout
    assert release.stdout == "released: libs/contracts/released/1.1.0\n"
    versions = copy.python("-c", BOTH_VERSIONS)
    assert versions.stdout.splitlines() == [
        "updraft.engagement.MeetingLogged.v1 updraft.engagement.MeetingLogged.v2",
        "MeetingScheduled MeetingLogged MeetingCancelled MeetingMissed",
    ], versions.stderr
    after = copy.python("-m", "contracts.compatibility")
    assert after.stdout == "Nothing has changed since 1.1.0; its readers are safe.\n"
    assert "Fields of `updraft.engagement.MeetingLogged.v2`:" in copy.generated("docs/events.md")
    own = copy.python("-m", "pytest", *OWN_TESTS)
    assert own.returncode == 0, own.stdout[-3000:]
