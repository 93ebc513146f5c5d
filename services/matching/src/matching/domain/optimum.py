"""From a snapshot to its optimum, with the claims that prove it: encoding, kernel and solver put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from matching.domain.canonical import in_order, quotas_in_order
from matching.domain.checker import Claim
from matching.domain.encoding import encode
from matching.domain.facts import Candidate, Snapshot
from matching.domain.graph import Edges, Flags, Side
from matching.domain.kernel import KernelEdges, sides_of
from matching.domain.objective import HIGHEST_SCORE, Fresh, Objective, Start
from matching.domain.run_start import start_of
from matching.domain.solver import optimise
from matching.domain.solver_stages import Candidates, cover_all

Report = Callable[[str, int], None]
Levels = tuple[tuple[str, int], ...]

ONE_CLASS = "people_covered"


@dataclass(frozen=True, slots=True)
class Solved:
    """The result of one optimisation. `levels` and `bounds` are what was reached and what is proven to be the most, level by
    level as the claims name them; `floor` is 0 for a re-match and without pairs. `start` is what a later run may begin from, `fresh`
    what a re-match would come to without pairs to keep, where that was asked for.
    """

    mentors: tuple[Candidate, ...]
    mentees: tuple[Candidate, ...]
    sides: tuple[Side, Side]
    source: KernelEdges
    taken: Edges
    levels: Levels
    bounds: Levels
    floor: int
    claims: tuple[Claim, ...]
    proven: bool
    start: Start
    fresh: Fresh | None = None

    def stated(self, levels: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
        """Levels under the names of a certificate, with the floor after the coverage where there is one."""
        named = list(stated_levels(levels))
        if not any(name == "kept" for name, _ in named):
            covered = sum(name.startswith(ONE_CLASS) for name, _ in named)
            named.insert(covered, ("floor", self.floor))
        return tuple(named)


def solved(
    snapshot: Snapshot,
    seed: str,
    *,
    threads: int = 1,
    deadline: Callable[[], bool] | None = None,
    report: Report | None = None,
    start: bytes | None = None,
    most_floor: int = HIGHEST_SCORE,
    compare: bool = False,
) -> Solved:
    """The optimum of a snapshot, or what is proven when `deadline` says that time is up; `seed` is that of the rule for ties.

    `start` is what an earlier run left (`run_start`); `most_floor` and `compare` are as of `solver.optimise`. Raises what the
    solver raises.
    """
    mentors, mentees, sides, source = _problem(snapshot, seed, threads)
    told = report or (lambda stage, share: None)
    best = optimise(
        *sides,
        source,
        rematch=snapshot.previous is not None,
        deadline=deadline,
        progress=lambda stage, share: told(stage, round(1000 * share)),
        quotas=_quotas(snapshot, mentors, mentees),
        start=None if start is None else start_of(start, mentors, mentees),
        most_floor=most_floor,
        compare=compare,
    )
    return Solved(
        mentors=mentors,
        mentees=mentees,
        sides=sides,
        source=source,
        taken=best.taken,
        levels=tuple(zip(best.levels, best.values, strict=True)),
        bounds=tuple(zip(best.levels, best.bounds, strict=True)),
        floor=best.floor,
        claims=tuple(
            Claim(
                name,
                least,
                levels,
                [level[0] for level in prices],
                [level[1] for level in prices],
                [level[2] for level in prices],
                bound,
            )
            for name, (levels, least, prices, bound) in best.prices.items()
        ),
        proven=best.status == "optimal",
        start=best.start,
        fresh=best.fresh,
    )


def most_covered(snapshot: Snapshot, *, threads: int = 1) -> int:
    """The most people that can be covered."""
    if snapshot.quotas:
        found = solved(snapshot, "", threads=threads)
        return sum(value for level, value in found.levels if level.startswith("class:"))
    _, _, sides, source = _problem(snapshot, "", threads)
    objective = Objective.of(*sides, rematch=False)
    coverage, _ = cover_all(Candidates(objective, source, lambda stage, share: None))
    return sum(coverage.profile)


def stated_levels(levels: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Levels under the names of a certificate: `people_covered`, by class where there are several, `kept`, `score`,
    `tie_rank`.
    """
    pairs = list(levels)
    classes = [level for level, _ in pairs if level.startswith("class:")]
    return tuple((_stated(level, alone=len(classes) == 1), value) for level, value in pairs)


def _stated(level: str, *, alone: bool) -> str:
    if level.startswith("class:"):
        return ONE_CLASS if alone else f"{ONE_CLASS}_class_{level.partition(':')[2]}"
    return "tie_rank" if level == "ties" else level


def _problem(
    snapshot: Snapshot, seed: str, threads: int
) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...], tuple[Side, Side], KernelEdges]:
    encoded = encode(snapshot, seed)
    return (
        in_order(snapshot.mentors),
        in_order(snapshot.mentees),
        sides_of(snapshot, encoded),
        KernelEdges(encoded, threads=threads),
    )


def _quotas(
    snapshot: Snapshot, mentors: Sequence[Candidate], mentees: Sequence[Candidate]
) -> tuple[tuple[Flags, int | None, int], ...]:
    """Quotas in canonical order as (which mentors count, the mentee's position or None, places)."""
    place = {one.participation_id: number for number, one in enumerate(mentees)}
    units = [one.business_unit_id for one in mentors]
    return tuple(
        (
            np.array([unit == quota.business_unit_id for unit in units], dtype=np.bool_),
            None if quota.mentee is None else place.get(quota.mentee, -1),
            quota.places,
        )
        for quota in quotas_in_order(snapshot.quotas)
    )
