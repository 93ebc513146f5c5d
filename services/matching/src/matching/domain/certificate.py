"""The certificate of a run: what went in, by which rules, what came out, how far it is proven. No times, no ids of
runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np

from matching.domain.canonical import canonical_json, rules_document, sha256_hex
from matching.domain.checker import Claim
from matching.domain.facts import Snapshot
from matching.domain.rules import RULES_VERSION, Rule
from matching.domain.scoring import SCORING_VERSION

CERTIFICATE_FORMAT = 2
TIE_RULE = "highest sum of the upper 40 bits of splitmix64(name of the mentor ^ rotl(name of the mentee, 32))"


@dataclass(frozen=True, slots=True)
class Proof:
    """The prices that prove the optimum, as the checker reads them."""

    claims: tuple[Claim, ...] = ()

    @property
    def content(self) -> bytes:
        """As bytes: a line of canonical JSON that says what follows, then all prices as 64-bit integers, little-endian,
        claim by claim and level by level: mentors, mentees, quotas.
        """
        head = [
            {
                "name": claim.name,
                "least": claim.least,
                "levels": list(claim.levels),
                "bound": list(claim.bound),
                "sizes": [len(side[0]) if side else 0 for side in (claim.mentors, claim.mentees, claim.quotas)],
            }
            for claim in self.claims
        ]
        prices = [
            np.ascontiguousarray(level, dtype="<i8").tobytes()
            for claim in self.claims
            for side in (claim.mentors, claim.mentees, claim.quotas)
            for level in side
        ]
        return b"\n".join([canonical_json(head), b"".join(prices)])


@dataclass(frozen=True, slots=True)
class Certificate:
    """The body as canonical values and as bytes, and the SHA-256 of the bytes."""

    body: dict[str, Any]

    @property
    def content(self) -> bytes:
        """The body as canonical JSON; equal for equal input, byte for byte."""
        return canonical_json(self.body)

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of `content`."""
        return sha256_hex(self.content)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run looked at and what came of it.

    `possible_pairs` are all combinations of a mentor and a mentee, `allowed_pairs` those that break no rule, `broken`
    counts pairs per rule (a pair under each it breaks). The unmatched include those whose facts are missing.
    `lowest_score` is 0 without pairs.
    """

    mentors: int
    mentees: int
    mentor_places: int
    mentee_places: int
    possible_pairs: int
    allowed_pairs: int
    broken: Mapping[Rule, int]
    pairs: int
    unmatched_mentors: int
    unmatched_mentees: int
    lowest_score: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What the independent checker looked at besides every pair taken: rows of `mentors` mentors out of `of`."""

    mentors: int
    of: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate states besides its input and rules. `objective` and `bound` are levels, most important first;
    `pairs` are (mentor participation, mentee participation, score) in canonical order.
    """

    objective: Sequence[tuple[str, int]]
    bound: Sequence[tuple[str, int]]
    proven: bool
    pairs: Sequence[tuple[UUID, UUID, int]]
    counts: Counts
    checked: Checked
    violations: int
    locks: tuple[int, int] = (0, 0)
    rematch: Mapping[str, int] | None = None
    blocking: Mapping[str, Any] = field(default_factory=dict)


def certify(
    snapshot: Snapshot, *, input_hash: str, key_id: str, solver: tuple[str, str], proof: bytes, facts: Facts
) -> Certificate:
    """The certificate of a result; `proof` are the bytes of its prices."""
    counts = facts.counts
    settings = rules_document(snapshot.rules)
    weights = settings.pop("weights")
    result = [[str(mentor), str(mentee), score] for mentor, mentee, score in facts.pairs]
    return Certificate(
        {
            "format": CERTIFICATE_FORMAT,
            "input_hash": input_hash,
            "input_key": key_id,
            "rules": {
                "version": RULES_VERSION,
                "applied": [rule.value for rule in Rule],
                "settings": {**settings, "starts_on": snapshot.starts_on.isoformat()},
            },
            "scoring": {"version": SCORING_VERSION, "weights": weights},
            "ties": {"rule": TIE_RULE, "seed": input_hash},
            "solver": {"name": solver[0], "version": solver[1]},
            "status": "optimal" if facts.proven else "bounded",
            "objective": _levels(facts.objective),
            "bound": _levels(facts.bound),
            "violations": facts.violations,
            "checked": {
                "pairs_taken": len(facts.pairs),
                "mentors": facts.checked.mentors,
                "of_mentors": facts.checked.of,
                "every_pair": facts.checked.mentors == facts.checked.of,
            },
            "blocking_pairs": dict(facts.blocking),
            "locks": {"kept": facts.locks[0], "broken": facts.locks[1]},
            "rematch": None if facts.rematch is None else dict(facts.rematch),
            "counts": {
                "mentors": counts.mentors,
                "mentees": counts.mentees,
                "mentor_places": counts.mentor_places,
                "mentee_places": counts.mentee_places,
                "possible_pairs": counts.possible_pairs,
                "allowed_pairs": counts.allowed_pairs,
                "pairs": counts.pairs,
                "unmatched_mentors": counts.unmatched_mentors,
                "unmatched_mentees": counts.unmatched_mentees,
                "lowest_score": counts.lowest_score,
            },
            "excluded": {rule.value: counts.broken[rule] for rule in Rule if counts.broken.get(rule)},
            "result_hash": sha256_hex(canonical_json(result)),
            "proof_hash": sha256_hex(proof),
        }
    )


def proof_of(content: bytes) -> Proof:
    """The proof that `Proof.content` wrote."""
    head, _, prices = content.partition(b"\n")
    values = np.frombuffer(prices, dtype="<i8").astype(np.int64)
    place = 0
    claims = []
    for said in json.loads(head):
        sides = []
        for size in said["sizes"]:
            levels = []
            for _ in said["levels"]:
                levels.append(values[place : place + size])
                place += size
            sides.append(tuple(levels))
        mentors, mentees, quotas = sides
        levels_of, bound = tuple(said["levels"]), tuple(said["bound"])
        claims.append(Claim(said["name"], said["least"], levels_of, mentors, mentees, quotas, bound))
    return Proof(tuple(claims))


def _levels(levels: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"level": level, "value": value} for level, value in levels]
