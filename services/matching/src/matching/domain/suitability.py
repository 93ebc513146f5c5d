"""Whom somebody may ask: the people opposite whom no hard rule excludes, the best first.

What is found is shown to a participant, so it is told coarsely: parts of the fit in full hundreds, and nothing of what the
other has ranked, of grades, teams, lines or conflicts. Who is excluded is not there, whatever the rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from matching.domain.explanation import pair_words
from matching.domain.facts import Candidate, Role, Snapshot
from matching.domain.pair import Fit, MatchedTopic
from matching.domain.preferences import CONFIDENTIAL_PARTS
from matching.domain.rules import HardRules, Verdict
from matching.domain.ties import names_of, pair_ranks

COARSE = 100
"""Points of a part that a participant is shown are rounded down to full hundreds."""


@dataclass(frozen=True, slots=True)
class Suitable:
    """Somebody opposite: what they offer and ask (levels 1 to 5), languages both share, and how the two fit.

    `parts` are coarse; `words` are the sentences that a proposal would have. `last_active_week` is the Monday of the week in
    which they last searched, asked, answered or ranked; None: never yet.
    """

    participation_id: UUID
    offers: Mapping[str, int]
    asks: Mapping[str, int]
    shared_languages: tuple[str, ...]
    parts: Mapping[str, int]
    words: tuple[str, ...]
    last_active_week: date | None = None


def as_browsed(snapshot: Snapshot) -> Snapshot:
    """The snapshot as participants may know it: as if nobody had ranked anybody, so that no fit tells what another has
    ranked, and with every place free, because places are looked at when somebody asks and answers.
    """
    return replace(
        snapshot,
        mentors=tuple(replace(one, ranked=(), taken=0) for one in snapshot.mentors),
        mentees=tuple(replace(one, ranked=(), taken=0) for one in snapshot.mentees),
    )


def suitable_for(own: Candidate, snapshot: Snapshot, rules: HardRules, *, most: int) -> list[Suitable]:
    """At most `most` people opposite, by total fit, equal fits by the published rule (`matching.domain.ties`) with the id of
    the participation that searches as the seed. `rules` are those of `snapshot`, which is `as_browsed`.
    """
    found = list(_allowed(own, snapshot, rules))
    ranks = _ranks(own, [other.participation_id for other, _ in found])
    best = sorted(zip(found, ranks, strict=True), key=lambda item: (-item[0][1].score.total, -item[1]))[:most]
    return [_suitable(own, other, verdict, snapshot) for (other, verdict), _ in best]


def fit_of(mentor: Candidate, mentee: Candidate, verdict: Verdict, snapshot: Snapshot) -> Fit:
    """Why two people of the snapshot fit, as a pair of theirs keeps it. `verdict` is of these two and allows them."""
    score = verdict.score
    taught = ((Role.MENTOR, score.reasons_to_mentee), (Role.MENTEE, score.reasons_to_mentor))
    return Fit(
        score=score.total,
        parts=score.parts,
        topics=tuple(
            MatchedTopic(reason.asked, teacher, reason.offered_level, reason.asked_level)
            for teacher, reasons in taught
            for reason in reasons
        ),
        shared_languages=tuple(sorted(verdict.overlap.languages)),
        overlap_minutes=verdict.overlap.minutes,
        grade_gap=mentee.grade_rank - mentor.grade_rank,
        words=_words(mentor, mentee, verdict, snapshot),
    )


def coarse_parts(parts: Mapping[str, int]) -> dict[str, int]:
    """Parts of a score as a participant is shown them."""
    return {name: part // COARSE * COARSE for name, part in parts.items() if name not in CONFIDENTIAL_PARTS}


def _allowed(own: Candidate, snapshot: Snapshot, rules: HardRules) -> Iterator[tuple[Candidate, Verdict]]:
    mentor = own.role is Role.MENTOR
    for other in snapshot.mentees if mentor else snapshot.mentors:
        verdict = rules.judge(own, other) if mentor else rules.judge(other, own)
        if verdict.allowed:
            yield other, verdict


def _ranks(own: Candidate, others: list[UUID]) -> list[int]:
    if not others:
        return []
    seed = str(own.participation_id)
    name, names = names_of(seed, [own.participation_id]), names_of(seed, others)
    ranks = pair_ranks(name, names) if own.role is Role.MENTOR else pair_ranks(names, name)
    return [int(rank) for rank in ranks]


def _suitable(own: Candidate, other: Candidate, verdict: Verdict, snapshot: Snapshot) -> Suitable:
    mentor, mentee = (own, other) if own.role is Role.MENTOR else (other, own)
    return Suitable(
        participation_id=other.participation_id,
        offers=dict(other.offers),
        asks=dict(other.asks),
        shared_languages=tuple(sorted(verdict.overlap.languages)),
        parts=coarse_parts(verdict.score.parts),
        words=_words(mentor, mentee, verdict, snapshot),
    )


def _words(mentor: Candidate, mentee: Candidate, verdict: Verdict, snapshot: Snapshot) -> tuple[str, ...]:
    people = mentor.person_id, mentee.person_id
    waived = any((one, other) == people for one, other, _ in snapshot.waived)
    return pair_words(verdict.score, snapshot.rules, waived=waived)
