"""A worker computes the fairness and governance pack of a released run, once; it is kept as it is (N15)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from contracts.audit_groups import AUDIT_GROUPS, code_of, group_of
from contracts.enrollment import Purpose

from matching.application.execute_run import Transactions
from matching.application.governance_ports import Cell, KnownAuditGroups
from matching.domain.facts import Role
from matching.domain.fairness_cells import REST, Cut
from matching.domain.governance_pack import Declared, EarlierCells, pack_of
from matching.domain.match_run import RunState
from matching.domain.run_input import input_of

LEAST_THRESHOLD = 5
"""Nothing is told of fewer people, whatever a program has set."""
_REFERENCE_DIGITS = 12


class NoPack(Exception):
    """The run cannot have a pack: what it was given is kept no more."""


async def compute_pack(run_id: UUID, key: bytes, transactions: Transactions) -> str | None:
    """Compute the pack, keep it and return its text; `key` reads the codes of audit groups. No transaction is open meanwhile.

    None when the run is not released, or when somebody has given or withdrawn a consent meanwhile: the next try counts it.

    :raises NoPack: somebody the run saw was erased before.
    """
    async with transactions() as uow:
        run = await uow.runs.get(run_id)
        program = None if run is None else await uow.known_programs.get(run.program_id)
        if run is None or program is None or run.state is not RunState.RELEASED:
            return None
        content = await uow.run_records.get(run_id, "input")
        known = await uow.known_audit_groups.of_cohort(run.cohort_id)
        packs = await uow.governance.cells_of_cohort(run.cohort_id)
        proposals = await uow.governance.proposals_of(run_id)
        oversight = await uow.governance.oversight_of(run)
        now = uow.now
        # Every reading of what people consented to is on record, with its purpose (N7).
        uow.audit(
            "read-consented-attributes",
            subject_id=run_id,
            business_unit_id=run.business_unit_id,
            after={"purpose": Purpose.AUDIT.value, "cohort_id": str(run.cohort_id)},
        )
    if content is None:
        raise NoPack
    declared = Declared(
        _groups(known, key), program.audit_dimensions, max(LEAST_THRESHOLD, program.suppression_threshold)
    )
    earlier = _earlier(packs, run.cohort_id, key)
    snapshot = input_of(content).snapshot
    pack = pack_of(run, snapshot, proposals, declared, earlier, _oversight(oversight, key), now)
    cells = [
        cell for role, cuts in pack.cells.items() for cut in cuts for cell in _cells(role, cut, run.cohort_id, key)
    ]
    async with transactions() as uow:
        if await uow.known_audit_groups.of_cohort(run.cohort_id) != known:
            return None
        await uow.governance.add(run, pack.text, pack.digest, cells, now)
    return pack.text


def _groups(known: Sequence[KnownAuditGroups], key: bytes) -> dict[UUID, dict[str, str]]:
    """Groups by dimension and participation, as far as the key reads them."""
    found: dict[UUID, dict[str, str]] = {}
    for one in known:
        for dimension, code in one.codes.items():
            group = group_of(key, one.participation_id, dimension, code)
            if group is not None:
                found.setdefault(one.participation_id, {})[dimension] = group
    return found


def _cells(role: Role, cut: Cut, cohort_id: UUID, key: bytes) -> list[Cell]:
    return [
        Cell(role, cut.dimension, code_of(key, cohort_id, cut.dimension, group), members)
        for group, members in cut.cells.items()
    ]


def _earlier(packs: Mapping[UUID, Sequence[Cell]], cohort_id: UUID, key: bytes) -> EarlierCells:
    names = {
        (dimension, code_of(key, cohort_id, dimension, group)): group
        for dimension, groups in AUDIT_GROUPS.items()
        for group in (*groups, REST)
    }
    found: dict[UUID, dict[tuple[Role, str], dict[str, frozenset[UUID]]]] = {}
    for run_id, cells in packs.items():
        pack = found.setdefault(run_id, {})
        for cell in cells:
            # A group that this version does not know is compared as part of everybody else.
            group = names.get((cell.dimension, cell.code), cell.code)
            pack.setdefault((cell.role, cell.dimension), {})[group] = cell.members
    return found


def _oversight(counted: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """The record with references in the place of subjects: whoever may read the audit log can tell who it was, nobody else."""
    subjects = counted["subjects"]
    references = {
        act: None
        if not subject
        else hmac.digest(key, f"subject|{subject}".encode(), "sha256").hex()[:_REFERENCE_DIGITS]
        for act, subject in subjects.items()
    }
    people = len({subject for subject in subjects.values() if subject})
    return {
        **{name: value for name, value in counted.items() if name != "subjects"},
        "by": references,
        "people": people,
    }
