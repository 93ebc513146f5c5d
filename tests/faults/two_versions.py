"""Two versions of engagement out of one tree: the present code, and a later one with one column and one event field more."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from figures import REPOSITORY
from updraft.processes import run

_COPIED = ("libs/contracts", "services/engagement")

_MIGRATION = '''"""How many quarters of an hour a meeting took; null for what the version before has written."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = {before!r}
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("meetings", sa.Column("quarters", sa.Integer()))
    op.create_check_constraint("quarters", "meetings", "quarters > 0", postgresql_not_valid=True)


def downgrade():
    op.drop_column("meetings", "quarters")
'''

_SOURCE = "services/engagement/src/engagement"
_CHANGES = {
    f"{_SOURCE}/adapters/tables.py": ('    Column("minutes", Integer),\n', '    Column("quarters", Integer),\n'),
    f"{_SOURCE}/adapters/rows.py": (
        '        "minutes": meeting.minutes,\n',
        '        "quarters": None if meeting.minutes is None else -(-meeting.minutes // 15),\n',
    ),
    f"{_SOURCE}/application/facts.py": (
        "        minutes=meeting.minutes,\n",
        "        quarters=None if meeting.minutes is None else -(-meeting.minutes // 15),\n",
    ),
    "libs/contracts/src/contracts/engagement.py": (
        "    minutes: Annotated[Minutes, Field(ge=1)] | None = None\n",
        "    quarters: Annotated[int, Field(ge=1, le=40)] | None = None\n",
    ),
}
"""File → a line of the present code and the line that the later one has before it."""


@dataclass(frozen=True, slots=True)
class Version:
    """The code of one version."""

    name: str
    folder: Path

    @property
    def path(self) -> str:
        """PYTHONPATH of its processes."""
        return ":".join(str(self.folder / part / "src") for part in _COPIED)

    def check(self, environment: dict[str, str]) -> None:
        """AssertionError unless a process with this environment runs this version and no other."""
        said = run(
            [sys.executable, "-c", "import contracts, engagement; print(contracts.__file__, engagement.__file__)"],
            doing="asking which code runs",
            env=environment,
        )
        assert said.count(str(self.folder)) == 2, said


def present_version(folder: Path) -> Version:
    """A copy of the tree as it is."""
    for part in _COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "tests")
        shutil.copytree(REPOSITORY / part, folder / part, ignore=ignored)
    return Version("old", folder)


def later_version(folder: Path) -> Version:
    """A copy that writes one column and one optional event field more, with the migration that makes room for it."""
    present_version(folder)
    for name, (known, added) in _CHANGES.items():
        file = folder / name
        text = file.read_text()
        assert text.count(known) == 1, f"{name} has changed: the later version no longer fits upon it"
        file.write_text(text.replace(known, added + known))
    versions = folder / "services/engagement/migrations/versions"
    newest = max(file.name for file in versions.glob("[0-9]*.py"))
    (versions / "9999_quarters.py").write_text(_MIGRATION.format(before=newest.split("_")[0]))
    return Version("new", folder)
