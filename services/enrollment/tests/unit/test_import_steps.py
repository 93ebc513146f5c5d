from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from chassis.ports import InvalidInput
from enrollment.application import advance_imports as steps
from enrollment.application.advance_imports import ImportDesk, advance_imports
from enrollment.application.submit_import import SubmitImport, submit_import
from enrollment.domain.business_units import register
from enrollment.domain.change_sets import ImportMode
from enrollment.domain.grades import GradeLadder
from enrollment.domain.imports import Import, ImportFormat, ImportState

from .fakes import UNIT, FakeUnitOfWork

HEADER = "business_unit,employee_number,grade,manager_employee_number\n"


@pytest.fixture
def uow(monkeypatch: pytest.MonkeyPatch) -> FakeUnitOfWork:
    """A store with one unit; slices small enough that every step happens several times."""
    monkeypatch.setattr(steps, "STAGED_AT_ONCE", 3)
    monkeypatch.setattr(steps, "APPLIED_AT_ONCE", 2)
    monkeypatch.setattr(steps, "LINKED_AT_ONCE", 2)
    monkeypatch.setattr(steps, "KNOWN_AT_ONCE", 2)
    made = FakeUnitOfWork()
    made.business_units.add(
        register(UNIT, code="N", display_name=None, ladder=GradeLadder.of([("E", 1)]), default_time_zone="UTC")
    )
    return made


async def submit(uow: FakeUnitOfWork, *rows: str, mode: ImportMode = ImportMode.PARTIAL) -> Import:
    data = (HEADER + "\n".join(rows)).encode()
    return await submit_import(SubmitImport(UNIT, ImportFormat.UPDRAFT_CSV, mode, {"people": data}), uow)


async def run(uow: FakeUnitOfWork) -> int:
    desk, count = ImportDesk(), 0
    while await advance_imports(uow.again, desk):
        count += 1
    return count


async def test_an_import_is_applied_in_slices_and_its_change_set_counts_its_events(uow: FakeUnitOfWork) -> None:
    upload = await submit(uow, *(f"N,{number},E,{number - 1 if number else ''}" for number in range(7)), "N,8,??,")
    assert await run(uow) == 1 + 3 + 4 + 1 + 3
    done = uow.imports.rows[upload.import_id]
    assert (done.state, done.size, done.done, done.change_set_size) == (ImportState.APPLIED, 7, 7, 7)
    assert [event.change_set_index for event, _ in uow.published] == list(range(7))
    assert {event.change_set_size for event, _ in uow.published} == {7}
    assert (done.counts.rows_read, done.counts.rows_in_error, done.counts.joined) == (8, 1, 7)
    assert [finding.row for finding in uow.imports.report[upload.import_id]] == [9]
    assert sorted(len(above) for above in uow.people.ancestors.values()) == [1, 2, 3, 4, 5, 6]
    assert not uow.imports.kept_files
    assert not uow.imports.changes


@pytest.mark.requirement("I9")
async def test_a_step_that_fails_is_repeated_from_what_was_committed(uow: FakeUnitOfWork) -> None:
    await submit(uow, *(f"N,{number},E," for number in range(7)))
    desk, fail = ImportDesk(), 0

    @asynccontextmanager
    async def flaky() -> AsyncIterator[FakeUnitOfWork]:
        """Every tenth transaction is refused before it changes anything."""
        nonlocal fail
        fail += 1
        if fail % 10 == 0:
            raise ConnectionError("gone")
        yield uow

    for _ in range(200):
        try:
            if not await advance_imports(flaky, desk):
                break
        except ConnectionError:
            assert desk.plan is None
    assert [event.change_set_index for event, _ in uow.published] == list(range(7))
    assert len(uow.people.rows) == 7


async def test_imports_are_done_one_after_the_other(uow: FakeUnitOfWork) -> None:
    first = await submit(uow, "N,1,E,", "N,2,E,1")
    second = await submit(uow, "N,2,E,1", mode=ImportMode.FULL)
    await run(uow)
    assert uow.names() == ["PersonJoined", "PersonJoined", "PersonMoved", "PersonLeft"]
    sets = [uow.imports.rows[upload.import_id].change_set_id for upload in (first, second)]
    assert [event.change_set_id for event, _ in uow.published] == [sets[0], sets[0], sets[1], sets[1]]


async def test_a_file_that_cannot_be_read_fails_and_the_next_is_done(uow: FakeUnitOfWork) -> None:
    bad = await submit_import(
        SubmitImport(UNIT, ImportFormat.UPDRAFT_CSV, ImportMode.FULL, {"people": b"shoe size\n44\n"}), uow
    )
    good = await submit(uow, "N,1,E,")
    await run(uow)
    assert uow.imports.rows[bad.import_id].state is ImportState.FAILED
    assert "employee_number" in (uow.imports.rows[bad.import_id].failure or "")
    assert uow.imports.rows[good.import_id].state is ImportState.APPLIED


async def test_only_an_administrators_file_may_name_several_units(uow: FakeUnitOfWork) -> None:
    assert not (await submit(uow, "N,1,E,")).all_units
    uow.principal = FakeUnitOfWork("platform_admin", unit=UNIT).principal
    assert (await submit(uow, "N,1,E,")).all_units
    with pytest.raises(InvalidInput, match="no such business unit"):
        await submit_import(SubmitImport(uuid4(), ImportFormat.UPDRAFT_CSV, ImportMode.FULL, {"people": b"x"}), uow)
