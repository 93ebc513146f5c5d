"""One way to write facts down as bytes, so that equal facts have equal hashes whatever order they came in; and back.

A snapshot is written as lines of canonical JSON: one for the cohort, then one for each mentor, mentee and line of the
organisation, each kind in ascending order of its id. The hash of an input is keyed: ids of people are no secret, and
without a key whoever guesses the facts of a small cohort could confirm the guess.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from matching.domain.canonical_people import Written, canonical_json
from matching.domain.facts import (
    Background,
    Candidate,
    Direction,
    LanguageLevel,
    Line,
    PairType,
    ProgramRules,
    Quota,
    Role,
    Snapshot,
    UnitPolicy,
    Weights,
    WorkingTime,
)

__all__ = [
    "HashKey",
    "canonical_json",
    "in_order",
    "input_hash",
    "quotas_in_order",
    "rules_document",
    "sha256_hex",
    "snapshot_bytes",
    "snapshot_lines",
    "snapshot_of",
]


@dataclass(frozen=True, slots=True)
class HashKey:
    """The secret that keys the hash of an input, and the name it goes by in certificates (never the secret itself)."""

    secret: bytes

    @property
    def key_id(self) -> str:
        """The first 16 hexadecimal digits of a hash of the secret."""
        return hashlib.sha256(b"key id|" + self.secret).hexdigest()[:16]


def sha256_hex(content: bytes) -> str:
    """Hexadecimal SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()


def input_hash(content: bytes, key: HashKey) -> str:
    """Hexadecimal HMAC-SHA-256 of a snapshot's bytes."""
    return hmac.digest(key.secret, content, "sha256").hex()


def snapshot_bytes(snapshot: Snapshot) -> bytes:
    """The snapshot as bytes; the same for any permutation of its parts."""
    return b"\n".join(snapshot_lines(snapshot))


def snapshot_lines(snapshot: Snapshot) -> Iterator[bytes]:
    """The lines of `snapshot_bytes`, one after the other, so that nobody needs to hold all of them."""
    yield canonical_json(_head(snapshot))
    written = Written()
    for side in (snapshot.mentors, snapshot.mentees):
        for candidate in in_order(side):
            yield written.candidate(candidate)
    for line in sorted(snapshot.lines, key=lambda line: line.person_id.int):
        yield written.line(line)


def snapshot_of(content: bytes) -> Snapshot:
    """The snapshot that `snapshot_bytes` wrote."""
    lines = iter(content.split(b"\n"))
    head = json.loads(next(lines))
    people = [_candidate_of(json.loads(next(lines))) for _ in range(head["mentors"] + head["mentees"])]
    return Snapshot(
        starts_on=date.fromisoformat(head["starts_on"]),
        rules=_rules_of(head["rules"]),
        mentors=tuple(people[: head["mentors"]]),
        mentees=tuple(people[head["mentors"] :]),
        lines=tuple(_line_of(json.loads(line)) for line in lines),
        earlier_pairs=frozenset((UUID(mentor), UUID(mentee)) for mentor, mentee in head["earlier_pairs"]),
        without_facts={UUID(key): Role(role) for key, role in head["without_facts"].items()},
        excluded=frozenset((UUID(one), UUID(other)) for one, other in head["excluded"]),
        waived=frozenset((UUID(mentor), UUID(mentee), rule) for mentor, mentee, rule in head["waived"]),
        quotas=tuple(
            Quota(UUID(unit), places, UUID(mentee) if mentee else None) for unit, mentee, places in head["quotas"]
        ),
        previous=None
        if head["previous"] is None
        else frozenset((UUID(mentor), UUID(mentee)) for mentor, mentee in head["previous"]),
    )


def rules_document(rules: ProgramRules) -> dict[str, Any]:
    """A program's rules and weights as canonical values."""
    return {
        "pair_type": rules.pair_type.value,
        "direction": rules.direction.value,
        "minimum_grade_gap": rules.minimum_grade_gap,
        "minimum_language_level": rules.minimum_language_level.name,
        "minimum_overlap_minutes": rules.minimum_overlap_minutes,
        "weights": asdict(rules.weights),
        "unit_policy": rules.unit_policy.value,
        "repeat_pairs": rules.repeat_pairs,
        "preference_limit": rules.preference_limit,
    }


def in_order(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Candidates by ascending participation id, the canonical order."""
    return tuple(sorted(candidates, key=lambda candidate: candidate.participation_id.int))


def quotas_in_order(quotas: Iterable[Quota]) -> tuple[Quota, ...]:
    """Quotas by unit, mentee (those without one first) and places, the canonical order."""
    return tuple(sorted(quotas, key=lambda quota: (quota.business_unit_id, quota.mentee or UUID(int=0), quota.places)))


def _head(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "starts_on": snapshot.starts_on.isoformat(),
        "rules": rules_document(snapshot.rules),
        "mentors": len(snapshot.mentors),
        "mentees": len(snapshot.mentees),
        "earlier_pairs": _sorted_pairs(snapshot.earlier_pairs),
        "without_facts": {str(key): role.value for key, role in snapshot.without_facts.items()},
        "excluded": _sorted_pairs(snapshot.excluded),
        "waived": sorted([str(mentor), str(mentee), rule] for mentor, mentee, rule in snapshot.waived),
        "quotas": [
            [str(quota.business_unit_id), "" if quota.mentee is None else str(quota.mentee), quota.places]
            for quota in quotas_in_order(snapshot.quotas)
        ],
        "previous": None if snapshot.previous is None else _sorted_pairs(snapshot.previous),
    }


def _sorted_pairs(pairs: Iterable[tuple[UUID, UUID]]) -> list[list[str]]:
    return sorted([str(one), str(other)] for one, other in pairs)


def _rules_of(document: dict[str, Any]) -> ProgramRules:
    return ProgramRules(
        **{
            **document,
            "pair_type": PairType(document["pair_type"]),
            "direction": Direction(document["direction"]),
            "minimum_language_level": LanguageLevel[document["minimum_language_level"]],
            "weights": Weights(**document["weights"]),
            "unit_policy": UnitPolicy(document["unit_policy"]),
        }
    )


def _candidate_of(document: dict[str, Any]) -> Candidate:
    function, region, country, tenure, life = document["background"]
    zone, start, end, days = document["working_time"]
    return Candidate(
        **{
            **document,
            "participation_id": UUID(document["participation_id"]),
            "person_id": UUID(document["person_id"]),
            "business_unit_id": UUID(document["business_unit_id"]),
            "role": Role(document["role"]),
            "background": Background(function, region, country, tenure, frozenset(life)),
            "languages": {language: LanguageLevel(level) for language, level in document["languages"].items()},
            "working_time": WorkingTime(zone, start, end, frozenset(days)),
            "projects": frozenset(document["projects"]),
            "values": frozenset(document["values"]),
            "channels": frozenset(document["channels"]),
            "ranked": tuple(UUID(one) for one in document["ranked"]),
        }
    )


def _line_of(document: dict[str, Any]) -> Line:
    return Line(
        UUID(document["person_id"]),
        None if document["manager_id"] is None else UUID(document["manager_id"]),
        _ids_of(document["dotted_line_ids"]),
        _ids_of(document["reviewer_ids"]),
    )


def _ids_of(ids: Sequence[str]) -> frozenset[UUID]:
    return frozenset(UUID(one) for one in ids)
