"""The fairness and governance pack of one released run: computed once, kept as it is, and free of anybody's personal data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from matching.domain.facts import Role, Snapshot
from matching.domain.fairness import ALPHA, MEASURES, Treated, audited, treated_by
from matching.domain.fairness_cells import Cut, ProposedTo, Withheld, cut_of, guarded
from matching.domain.fairness_proxy import DIMENSION, PERMUTATIONS, PRACTICAL, proxy_test
from matching.domain.fairness_statistics import LEVEL
from matching.domain.governance_card import model_card
from matching.domain.match_run import MatchRun

PACK_FORMAT = 1
DIMENSIONS = ("age_band", "disability", "ethnicity", "gender")
METHODS = {
    "intervals": "two-sided, 95 %: Wilson (1927) for shares, Newcombe (1998, method 10) for their differences, Student's t for means,"
    " Welch (1947) for their differences",
    "tests": "Fisher's exact test (1935) for shares, Welch's t test for means, corrected by Holm (1979) over all tests of the pack",
    "comparison": "each group with everybody else of its side who declared something in the same dimension",
    "finding": "a group is worse off, after the correction, by at least the practical threshold of the measure",
    "rounding": "shares to 0.01, points of fit to 5, ranks to 0.1; intervals outwards",
    "proxy": "naive Bayes on what matching knows, five-fold cross-validation, balanced accuracy; permutation test (Ojala and Garriga"
    " 2010), corrected by Holm; interval after Agresti and Coull (1998)",
    "card": "after Mitchell and others (2019)",
}

EarlierCells = Mapping[UUID, Mapping[tuple[Role, str], Mapping[str, frozenset[UUID]]]]
"""Members by pack (its run), by side and dimension, and by group, of the groups shown in earlier packs of a cohort."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What people of the cohort declared for audits: group by dimension, by participation; and what the program audits at all."""

    groups: Mapping[UUID, Mapping[str, str]]
    dimensions: tuple[str, ...]
    threshold: int


@dataclass(frozen=True, slots=True)
class Pack:
    """The document as JSON text, its SHA-256, and who stood in which group that is shown."""

    text: str
    digest: str
    cells: Mapping[Role, Sequence[Cut]]


def pack_of(
    run: MatchRun,
    snapshot: Snapshot,
    proposals: Sequence[ProposedTo],
    declared: Declared,
    earlier: EarlierCells,
    oversight: Mapping[str, Any],
    now: datetime,
) -> Pack:
    """The pack of a released run; the same facts give the same text, byte for byte.

    :raises ValueError: the run has no result.
    """
    if run.result is None or run.released_at is None:
        raise ValueError("only a released run has a pack")
    people = treated_by(snapshot, proposals)
    cuts = {role: _cuts(role, people, declared, earlier) for role in Role}
    found = audited(people, cuts, declared.threshold)
    seed = int(run.result.input_hash[:16], 16)
    document = {
        "format": PACK_FORMAT,
        "run_id": str(run.run_id),
        "cohort_id": str(run.cohort_id),
        "program_id": str(run.program_id),
        "business_unit_id": str(run.business_unit_id),
        "released_at": run.released_at.isoformat(),
        "computed_at": now.isoformat(),
        "threshold": declared.threshold,
        "level": LEVEL,
        "alpha": ALPHA,
        "measures": [
            {
                "measure": each.name,
                "share": each.is_share,
                "of_covered": each.of_covered,
                "finding_from": each.flagged_from,
            }
            for each in MEASURES
        ],
        "tests": found.tests,
        "findings": found.findings,
        "sides": found.sides,
        "proxy": {
            "practical_threshold": PRACTICAL,
            "permutations": PERMUTATIONS,
            "sides": [_proxy(role, snapshot, people, declared, seed) for role in Role],
        },
        "oversight": dict(oversight),
        "model_card": model_card(run.result, run.settings_version),
        "methods": METHODS,
    }
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Pack(text, hashlib.sha256(text.encode()).hexdigest(), cuts)


def _cuts(role: Role, people: Sequence[Treated], declared: Declared, earlier: EarlierCells) -> list[Cut]:
    found = []
    for dimension in DIMENSIONS:
        if dimension not in declared.dimensions:
            found.append(Cut(dimension, {}, frozenset(), Withheld.SWITCHED_OFF))
            continue
        members: dict[str, set[UUID]] = {}
        for one in people:
            group = declared.groups.get(one.participation_id, {}).get(dimension)
            if one.role is role and group is not None:
                members.setdefault(group, set()).add(one.participation_id)
        cut = cut_of(dimension, members, declared.threshold)
        before = [pack.get((role, dimension), {}) for pack in earlier.values()]
        found.append(guarded(cut, before, declared.threshold))
    return found


def _proxy(role: Role, snapshot: Snapshot, people: Sequence[Treated], declared: Declared, seed: int) -> dict[str, Any]:
    looked_at = {one.participation_id for one in people if one.role is role}
    bands = {
        key: groups[DIMENSION] for key, groups in declared.groups.items() if key in looked_at and DIMENSION in groups
    }
    side = snapshot.mentors if role is Role.MENTOR else snapshot.mentees
    return proxy_test(side, bands, role, seed, enabled=DIMENSION in declared.dimensions)
