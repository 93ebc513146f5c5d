"""One way to write facts down as bytes, so that equal facts have equal hashes whatever order they came in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from matching.domain.facts import Candidate, Line, Snapshot


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces. `value` holds only dicts with string keys, lists, strings, integers,
    None.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256_hex(content: bytes) -> str:
    """Hexadecimal SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()


def snapshot_document(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot as canonical values: every set and sequence sorted, so that the input's order leaves no trace."""
    rules = snapshot.rules
    return {
        "starts_on": snapshot.starts_on.isoformat(),
        "rules": {
            "pair_type": rules.pair_type.value,
            "direction": rules.direction.value,
            "minimum_grade_gap": rules.minimum_grade_gap,
            "minimum_language_level": rules.minimum_language_level.name,
            "minimum_overlap_minutes": rules.minimum_overlap_minutes,
            "weights": asdict(rules.weights),
            "unit_policy": rules.unit_policy.value,
            "repeat_pairs": rules.repeat_pairs,
            "preference_limit": rules.preference_limit,
        },
        "mentors": _sorted_documents(snapshot.mentors),
        "mentees": _sorted_documents(snapshot.mentees),
        "lines": sorted((_line(line) for line in snapshot.lines), key=lambda line: str(line["person_id"])),
        "earlier_pairs": sorted([str(mentor), str(mentee)] for mentor, mentee in snapshot.earlier_pairs),
        "without_facts": {str(key): role.value for key, role in snapshot.without_facts.items()},
        "excluded": sorted([str(one), str(other)] for one, other in snapshot.excluded),
        "waived": sorted([str(mentor), str(mentee), rule] for mentor, mentee, rule in snapshot.waived),
        "quotas": sorted(
            [str(quota.business_unit_id), quota.places, "" if quota.mentee is None else str(quota.mentee)]
            for quota in snapshot.quotas
        ),
        "previous": None
        if snapshot.previous is None
        else sorted([str(mentor), str(mentee)] for mentor, mentee in snapshot.previous),
    }


def input_hash(snapshot: Snapshot) -> str:
    """Hexadecimal SHA-256 of the canonical snapshot; invariant under any permutation of its parts."""
    return sha256_hex(canonical_json(snapshot_document(snapshot)))


def _sorted_documents(candidates: tuple[Candidate, ...]) -> list[dict[str, Any]]:
    return sorted((_candidate(candidate) for candidate in candidates), key=lambda item: str(item["participation_id"]))


def _candidate(candidate: Candidate) -> dict[str, Any]:
    time = candidate.working_time
    return {
        "participation_id": str(candidate.participation_id),
        "person_id": str(candidate.person_id),
        "business_unit_id": str(candidate.business_unit_id),
        "role": candidate.role.value,
        "employed": candidate.employed,
        "grade_rank": candidate.grade_rank,
        "background": {**asdict(candidate.background), "life": sorted(candidate.background.life)},
        "team": candidate.team,
        "offers": dict(candidate.offers),
        "asks": dict(candidate.asks),
        "languages": {language: level.name for language, level in candidate.languages.items()},
        "working_time": [time.time_zone, time.start_minute, time.end_minute, sorted(time.days)],
        "places": candidate.places,
        "taken": candidate.taken,
        "projects": sorted(candidate.projects),
        "values": sorted(candidate.values),
        "style": dict(candidate.style),
        "channels": sorted(candidate.channels),
        "priority": candidate.priority,
        "ranked": [str(participation_id) for participation_id in candidate.ranked],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "person_id": str(line.person_id),
        "manager_id": None if line.manager_id is None else str(line.manager_id),
        "dotted_line_ids": sorted(str(person) for person in line.dotted_line_ids),
        "reviewer_ids": sorted(str(person) for person in line.reviewer_ids),
    }
