"""What would change a proposal: what the cohort would lose without it, and at which score it would give way.

Both are exact: the cohort is solved again with the two apart, and once more with the two together and the others no
better off than they need be to stand against that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from matching.domain.certificate import proof_of
from matching.domain.facts import Candidate
from matching.domain.forced_pair import Reached, classes_of, proven, reached, with_pair, without_pair
from matching.domain.optimum import Solved
from matching.domain.rules import HardRules
from matching.domain.run_input import RunInput
from matching.domain.sentences import coded

CLOSE_POINTS = 50
"""Points of a score, of 1000, below which another choice was nearly as good: a twentieth."""


class Holds(StrEnum):
    """What a proposal rests on."""

    LOCKED = "locked"
    NEEDED = "needed"
    SCORE = "score"
    NOT_PROPOSED = "not_proposed"
    NOT_PROVEN = "not_proven"


@dataclass(frozen=True, slots=True)
class WouldChange:
    """The answer about a proposal worth `score`.

    `needed`: at no score would it give way, because without it the cohort loses on a level that counts more than scores.
    `score`: it is proposed down to a score of `gives_way_at` + 1, and from `gives_way_at` on downwards another result is
    better. `without` is the change of each level, in the order in which they count, when the two are kept apart;
    `mentor_meets` and `mentee_meets` are the participations whom they are proposed then.
    """

    holds: Holds
    score: int | None = None
    gives_way_at: int | None = None
    without: Mapping[str, int] = field(default_factory=dict)
    mentor_meets: tuple[UUID, ...] = ()
    mentee_meets: tuple[UUID, ...] = ()

    @property
    def points(self) -> int | None:
        """By how much the score would have to be lower for the proposal to give way; None where it would not."""
        return None if self.score is None or self.gives_way_at is None else self.score - self.gives_way_at

    @property
    def words(self) -> tuple[str, ...]:
        """For the two people, as a coded word: no figure, and nothing of anybody else."""
        if self.holds is Holds.LOCKED:
            return (coded("change_locked"),)
        if self.holds is Holds.NEEDED:
            return (coded("change_needed"),)
        if self.holds is Holds.SCORE:
            return (coded("change_close" if (self.points or 0) <= CLOSE_POINTS else "change_clear"),)
        return ()


def would_change(given: RunInput, proof: bytes, seed: str, pair: tuple[UUID, UUID], *, threads: int = 1) -> WouldChange:
    """What would change that a run over `given` proposes `pair` (mentor and mentee participation).

    `proof` is the run's, `seed` that of its rule for ties. A run that ended at its deadline proposes what it had found: of
    such a result nothing is answered.
    """
    if pair in given.locked:
        return WouldChange(Holds.LOCKED)
    snapshot = given.snapshot
    mentor = next((one for one in snapshot.mentors if one.participation_id == pair[0]), None)
    mentee = next((one for one in snapshot.mentees if one.participation_id == pair[1]), None)
    if mentor is None or mentee is None:
        return WouldChange(Holds.NOT_PROPOSED)
    verdict = HardRules(snapshot).judge(mentor, mentee)
    if not verdict.allowed:
        return WouldChange(Holds.NOT_PROPOSED)
    score = verdict.score.total
    best = proven(next(claim for claim in proof_of(proof).claims if claim.name == "result"))
    apart = without_pair(snapshot, seed, mentor, mentee, threads=threads)
    second = reached(apart, snapshot)
    classes = classes_of(best, second)
    changed = WouldChange(
        Holds.NEEDED,
        score,
        without=second.less(best),
        mentor_meets=_meets(apart, mentor),
        mentee_meets=_meets(apart, mentee),
    )
    if _coverage(best, classes) != _coverage(second, classes):
        return changed
    together = with_pair(snapshot, seed, mentor, mentee, score, most_floor=second.floor or None, threads=threads)
    if _coverage(together, classes) != _coverage(best, classes) or together.kept != best.kept:
        return WouldChange(Holds.NOT_PROVEN)
    least = _least_score(best, second, together, score)
    return changed if least <= 1 else replace(changed, holds=Holds.SCORE, gives_way_at=least - 1)


def _coverage(one: Reached, classes: tuple[str, ...]) -> tuple[int, ...]:
    """What counts more than scores and does not follow from any: people by class, and pairs kept."""
    return (*(one.coverage.get(level, 0) for level in classes), one.kept)


def _least_score(best: Reached, second: Reached, together: Reached, score: int) -> int:
    """The lowest score at which the best result with the pair is no worse than the best without.

    With a score s above the floor of the second best and all others above it too, the pair holds. From there on the sums of
    scores decide: `together` less the pair's score, plus s.
    """
    others, level = together.score - score, second.score
    evens = level - others + (together.ties < second.ties)
    if best.floor > second.floor:
        return second.floor if evens <= second.floor else second.floor + 1
    return max(second.floor, evens)


def _meets(result: Solved, one: Candidate) -> tuple[UUID, ...]:
    mine, theirs = (result.taken.mentor, result.taken.mentee), (result.mentors, result.mentees)
    side = 0 if one.role.value == "mentor" else 1
    place = next(number for number, other in enumerate(theirs[side]) if other.participation_id == one.participation_id)
    met = mine[1 - side][mine[side] == place].tolist()
    return tuple(theirs[1 - side][other].participation_id for other in met)
