"""The certificate of a run: what went in, by which rules, what came out, how far it is proven. No times, no ids of
runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from matching.domain.canonical import canonical_json, sha256_hex, snapshot_document
from matching.domain.facts import Snapshot
from matching.domain.problem import TIE_RANKS, Levels
from matching.domain.rules import RULES_VERSION, Rule
from matching.domain.scoring import SCORING_VERSION

CERTIFICATE_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Proof:
    """The dual values that prove the optimum: per participation the price in coverage and score, and the price in
    ties.
    """

    people_weight: int
    mentors: Mapping[UUID, tuple[int, int]]
    mentees: Mapping[UUID, tuple[int, int]]

    def document(self) -> dict[str, Any]:
        """The proof as canonical values."""
        return {
            "people_weight": self.people_weight,
            "mentors": {str(key): list(prices) for key, prices in self.mentors.items()},
            "mentees": {str(key): list(prices) for key, prices in self.mentees.items()},
        }


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


def certify(
    snapshot: Snapshot,
    *,
    input_hash: str,
    solver: tuple[str, str],
    value: Levels,
    bound: Levels,
    proof: Proof,
    pairs: Sequence[tuple[UUID, UUID, int]],
    counts: Counts,
    violations: int,
) -> Certificate:
    """The certificate of a result; `pairs` are (mentor participation, mentee participation, score) in canonical order."""
    document = snapshot_document(snapshot)
    result = [[str(mentor), str(mentee), score] for mentor, mentee, score in pairs]
    settings = dict(document["rules"])
    weights = settings.pop("weights")
    return Certificate(
        {
            "format": CERTIFICATE_FORMAT,
            "input_hash": input_hash,
            "rules": {
                "version": RULES_VERSION,
                "applied": [rule.value for rule in Rule],
                "settings": {**settings, "starts_on": document["starts_on"]},
            },
            "scoring": {"version": SCORING_VERSION, "weights": weights},
            "ties": {
                "rule": "highest sum of the first 24 bits of sha256(seed|mentor|mentee)",
                "seed": input_hash,
                "ranks": TIE_RANKS,
            },
            "solver": {"name": solver[0], "version": solver[1]},
            "status": "optimal" if value == bound else "bounded",
            "objective": _levels(value),
            "bound": _levels(bound),
            "violations": violations,
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
            "proof_hash": sha256_hex(canonical_json(proof.document())),
        }
    )


def _levels(levels: Levels) -> list[dict[str, Any]]:
    return [
        {"level": "people_covered", "value": levels.people},
        {"level": "score", "value": levels.score},
        {"level": "tie_rank", "value": levels.ties},
    ]
