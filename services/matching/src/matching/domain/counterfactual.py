"""Why a run did not propose two people: the rule that forbids it, or what the pair would have cost everybody.

What it costs at least follows at once from the prices of the proof: no result with the pair in it is worth more than the
optimum plus the pair's margin over the prices of both (its reduced cost). What it does cost is found by solving again
with the pair forced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from matching.domain.canonical import in_order, quotas_in_order
from matching.domain.certificate import proof_of
from matching.domain.checker import Claim
from matching.domain.facts import Candidate, Snapshot
from matching.domain.forced_pair import proven, rank_of, with_pair
from matching.domain.optimum import ONE_CLASS, stated_levels
from matching.domain.rules import HardRules
from matching.domain.run_input import RunInput
from matching.domain.sentences import AT_LEAST, Language, coded, rule_words, said


class WhyNotReason(StrEnum):
    """Why two people were not proposed to each other."""

    PROPOSED = "proposed"
    NOT_IN_RUN = "not_in_run"
    EXCLUDED_BY_RULES = "excluded_by_rules"
    BELOW_FLOOR = "below_floor"
    COSTS_OTHERS = "costs_others"
    EQUAL_BY_TIES = "equal_by_ties"


_ALWAYS = {WhyNotReason.PROPOSED: "why_not_proposed", WhyNotReason.NOT_IN_RUN: "why_not_absent"}


@dataclass(frozen=True, slots=True)
class WhyNot:
    """The answer. `at_least` and `exactly` are changes of the objective by level, none of them a gain when read from the
    first on; `at_least` is what the pair costs at the least.
    """

    reason: WhyNotReason
    rules: tuple[str, ...] = ()
    score: int | None = None
    floor: int | None = None
    at_least: Mapping[str, int] | None = None
    exactly: Mapping[str, int] | None = field(default=None)

    def words(self, language: Language) -> tuple[str, ...]:
        """The rules in words; or what speaks against the pair, of its costs the one that counts most."""
        return (*(rule_words(rule, language) for rule in self.rules), *said(self._against(), language))

    def _against(self) -> list[str]:
        if self.reason in _ALWAYS:
            return [coded(_ALWAYS[self.reason])]
        below = [coded("why_not_floor", self.score, self.floor)] if self.reason is WhyNotReason.BELOW_FLOOR else []
        known, prefix = (self.at_least, AT_LEAST) if self.exactly is None else (self.exactly, "")
        cost = next(((level, change) for level, change in (known or {}).items() if change), None)
        if cost is not None:
            level = ONE_CLASS if cost[0].startswith(ONE_CLASS) else cost[0]
            return [*below, coded(f"costs_{level}", f"{prefix}{-cost[1]}")]
        return below or ([coded("why_not_ties")] if self.reason is WhyNotReason.EQUAL_BY_TIES else [])


def why_not(
    given: RunInput, proof: bytes, seed: str, pair: tuple[UUID, UUID], *, exact: bool, threads: int = 1
) -> WhyNot:
    """Why a run over `given`, whose proof is `proof` and whose ties follow `seed`, did not propose `pair` (mentor and
    mentee participation); with `exact` also what it does cost.
    """
    snapshot = given.snapshot
    mentor = _found(snapshot.mentors, pair[0])
    mentee = _found(snapshot.mentees, pair[1])
    if mentor is None or mentee is None:
        return WhyNot(WhyNotReason.NOT_IN_RUN)
    if pair in given.locked:
        return WhyNot(WhyNotReason.PROPOSED)
    verdict = HardRules(snapshot).judge(mentor, mentee)
    if not verdict.allowed:
        return WhyNot(WhyNotReason.EXCLUDED_BY_RULES, tuple(rule.value for rule in verdict.broken))
    claim = next(claim for claim in proof_of(proof).claims if claim.name == "result")
    score = verdict.score.total
    margin = _margin(claim, snapshot, seed, mentor, mentee, score)
    if score < claim.least:
        reason = WhyNotReason.BELOW_FLOOR
    elif any(worth for level, worth in zip(claim.levels, margin, strict=True) if level != "ties"):
        reason = WhyNotReason.COSTS_OTHERS
    else:
        reason = WhyNotReason.EQUAL_BY_TIES
    return WhyNot(
        reason,
        score=score,
        floor=claim.least if "kept" not in claim.levels else None,
        at_least=None if score < claim.least else _stated(claim.levels, margin),
        exactly=_forced(snapshot, claim, seed, mentor, mentee, score, threads) if exact else None,
    )


def _found(people: Sequence[Candidate], key: UUID) -> Candidate | None:
    return next((one for one in people if one.participation_id == key), None)


def _margin(
    claim: Claim, snapshot: Snapshot, seed: str, mentor: Candidate, mentee: Candidate, score: int
) -> tuple[int, ...]:
    """What the pair is worth less what the prices ask for it, level by level."""
    row = in_order(snapshot.mentors).index(mentor)
    column = in_order(snapshot.mentees).index(mentee)
    kept = snapshot.previous is not None and (mentor.participation_id, mentee.participation_id) in snapshot.previous
    ranked = rank_of(seed, (mentor.participation_id, mentee.participation_id))
    gains = {"score": score, "kept": int(kept), "ties": ranked}
    margin = []
    for number, level in enumerate(claim.levels):
        worth = gains.get(level, 0) - int(claim.mentors[number][row]) - int(claim.mentees[number][column])
        for place, quota in enumerate(quotas_in_order(snapshot.quotas)):
            if quota.business_unit_id == mentor.business_unit_id and quota.mentee in (None, mentee.participation_id):
                worth -= int(claim.quotas[number][place])
        margin.append(worth)
    return tuple(margin)


def _forced(
    snapshot: Snapshot, claim: Claim, seed: str, mentor: Candidate, mentee: Candidate, score: int, threads: int
) -> dict[str, int]:
    """What the best result with the pair in it comes to, less what the claim bounds, level by level."""
    found = with_pair(snapshot, seed, mentor, mentee, score, threads=threads)
    return found.less(proven(claim))


def _stated(levels: Sequence[str], values: Sequence[int]) -> dict[str, int]:
    """Levels without the ties, under the names of a certificate."""
    return dict(stated_levels([pair for pair in zip(levels, values, strict=True) if pair[0] != "ties"]))
