"""One match run from snapshot to certified result. Pure: the same snapshot gives the same bytes, in any process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from matching.domain import checker
from matching.domain.canonical import input_hash
from matching.domain.certificate import Certificate, Counts, Proof, certify
from matching.domain.explanation import Unmatched, explain_unmatched, explain_without_facts, pair_words
from matching.domain.facts import Candidate, Role, Snapshot
from matching.domain.problem import Problem, Seats, integers, tie_rank
from matching.domain.rules import HardRules, Rule, Verdict
from matching.domain.scoring import PairScore
from matching.domain.solver import SOLVER_NAME, SOLVER_VERSION, solve


class Rejected(Exception):
    """The independent checker refused a result; it is never stored."""

    def __init__(self, findings: tuple[str, ...]) -> None:
        super().__init__(f"{len(findings)} findings, the first: {findings[0]}")
        self.findings = findings


@dataclass(frozen=True, slots=True)
class ProposedPair:
    """One pair of the optimum and why. `overlap_minutes` of a day; `grade_gap` in ranks, mentee less mentor."""

    mentor: Candidate
    mentee: Candidate
    score: PairScore
    shared_languages: tuple[str, ...]
    overlap_minutes: int
    grade_gap: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run. `timings` are milliseconds per step and no part of the certificate."""

    pairs: tuple[ProposedPair, ...]
    unmatched: tuple[Unmatched, ...]
    certificate: Certificate
    proof: Proof
    counts: Counts
    input_hash: str
    objective: tuple[int, int, int]
    timings: Mapping[str, int]


@dataclass(slots=True)
class _Tally:
    """What was found about one candidate while its possible partners were judged."""

    considered: int = 0
    allowed: int = 0
    broken: Counter[Rule] = field(default_factory=Counter)

    def count(self, verdict: Verdict) -> None:
        self.considered += 1
        self.allowed += verdict.allowed
        for rule in verdict.broken:
            self.broken[rule] += 1


@dataclass(slots=True)
class _Edges:
    """Allowed pairs by position on both sides, in canonical order, and the tallies behind them."""

    mentor_of: list[int] = field(default_factory=list)
    mentee_of: list[int] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    tallies: dict[UUID, _Tally] = field(default_factory=dict)
    all: _Tally = field(default_factory=_Tally)


def run_matching(snapshot: Snapshot) -> Outcome:
    """The certified optimum of the snapshot. Raises Unsolvable or Rejected rather than give a result without proof."""
    clock = _Clock()
    digest = input_hash(snapshot)
    mentors, mentees = _in_order(snapshot.mentors), _in_order(snapshot.mentees)
    edges = _judge_all(mentors, mentees, HardRules(snapshot))
    clock.lap("score")
    solution = solve(_problem(mentors, mentees, edges, digest))
    clock.lap("solve")
    proof = Proof(
        people_weight=solution.people_weight,
        mentors=_prices(mentors, solution.prices[0].mentors, solution.prices[1].mentors),
        mentees=_prices(mentees, solution.prices[0].mentees, solution.prices[1].mentees),
    )
    pairs = tuple(
        _proposed(mentors[edges.mentor_of[edge]], mentees[edges.mentee_of[edge]], edges.verdicts[edge], snapshot)
        for edge in solution.taken
    )
    unmatched = _unmatched(snapshot, mentors + mentees, edges, pairs)
    clock.lap("explain")
    triples = [(pair.mentor.participation_id, pair.mentee.participation_id, pair.score.total) for pair in pairs]
    objective = (solution.value.people, solution.value.score, solution.value.ties)
    findings = checker.findings(
        snapshot,
        pairs=triples,
        claimed=objective,
        people_weight=proof.people_weight,
        mentor_prices=proof.mentors,
        mentee_prices=proof.mentees,
        seed=digest,
    )
    if findings:
        raise Rejected(findings)
    clock.lap("check")
    counts = _counts(mentors, mentees, edges, pairs, unmatched)
    certificate = certify(
        snapshot,
        input_hash=digest,
        solver=(SOLVER_NAME, SOLVER_VERSION),
        value=solution.value,
        bound=solution.bound,
        proof=proof,
        pairs=triples,
        counts=counts,
        violations=len(findings),
    )
    return Outcome(pairs, unmatched, certificate, proof, counts, digest, objective, clock.laps)


def _in_order(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    return tuple(sorted(candidates, key=lambda candidate: candidate.participation_id))


def _judge_all(mentors: tuple[Candidate, ...], mentees: tuple[Candidate, ...], hard: HardRules) -> _Edges:
    edges = _Edges(tallies={candidate.participation_id: _Tally() for candidate in mentors + mentees})
    for row, mentor in enumerate(mentors):
        for column, mentee in enumerate(mentees):
            verdict = hard.judge(mentor, mentee)
            edges.all.count(verdict)
            edges.tallies[mentor.participation_id].count(verdict)
            edges.tallies[mentee.participation_id].count(verdict)
            if verdict.allowed:
                edges.mentor_of.append(row)
                edges.mentee_of.append(column)
                edges.verdicts.append(verdict)
    return edges


def _problem(mentors: tuple[Candidate, ...], mentees: tuple[Candidate, ...], edges: _Edges, seed: str) -> Problem:
    joined = list(zip(edges.mentor_of, edges.mentee_of, strict=True))
    ties = [tie_rank(seed, mentors[row].participation_id, mentees[column].participation_id) for row, column in joined]
    return Problem(
        mentors=tuple(Seats(candidate.free_places, uncovered=candidate.taken == 0) for candidate in mentors),
        mentees=tuple(Seats(candidate.free_places, uncovered=candidate.taken == 0) for candidate in mentees),
        mentor_of=integers(edges.mentor_of),
        mentee_of=integers(edges.mentee_of),
        scores=integers([verdict.score.total for verdict in edges.verdicts]),
        ties=integers(ties),
    )


def _prices(
    candidates: tuple[Candidate, ...], fit: tuple[int, ...], ties: tuple[int, ...]
) -> dict[UUID, tuple[int, int]]:
    return {
        candidate.participation_id: prices
        for candidate, prices in zip(candidates, zip(fit, ties, strict=True), strict=True)
    }


def _proposed(mentor: Candidate, mentee: Candidate, verdict: Verdict, snapshot: Snapshot) -> ProposedPair:
    return ProposedPair(
        mentor=mentor,
        mentee=mentee,
        score=verdict.score,
        shared_languages=tuple(sorted(verdict.overlap.languages)),
        overlap_minutes=verdict.overlap.minutes,
        grade_gap=mentee.grade_rank - mentor.grade_rank,
        words=pair_words(verdict.score, snapshot.rules),
    )


def _counts(
    mentors: tuple[Candidate, ...],
    mentees: tuple[Candidate, ...],
    edges: _Edges,
    pairs: tuple[ProposedPair, ...],
    unmatched: tuple[Unmatched, ...],
) -> Counts:
    return Counts(
        mentors=len(mentors),
        mentees=len(mentees),
        mentor_places=sum(candidate.free_places for candidate in mentors),
        mentee_places=sum(candidate.free_places for candidate in mentees),
        possible_pairs=edges.all.considered,
        allowed_pairs=edges.all.allowed,
        broken=dict(edges.all.broken),
        pairs=len(pairs),
        unmatched_mentors=sum(item.role is Role.MENTOR for item in unmatched),
        unmatched_mentees=sum(item.role is Role.MENTEE for item in unmatched),
        lowest_score=min((pair.score.total for pair in pairs), default=0),
    )


def _unmatched(
    snapshot: Snapshot, candidates: tuple[Candidate, ...], edges: _Edges, pairs: tuple[ProposedPair, ...]
) -> tuple[Unmatched, ...]:
    matched = {candidate.participation_id for pair in pairs for candidate in (pair.mentor, pair.mentee)}
    unmatched = [explain_without_facts(key, role) for key, role in snapshot.without_facts.items()]
    for candidate in candidates:
        if candidate.participation_id not in matched and candidate.taken == 0:
            tally = edges.tallies[candidate.participation_id]
            unmatched.append(
                explain_unmatched(candidate, considered=tally.considered, allowed=tally.allowed, broken=tally.broken)
            )
    return tuple(sorted(unmatched, key=lambda item: item.participation_id))


class _Clock:
    """Milliseconds since the last lap, by step."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, int] = {}

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps[step] = round((now - self._last) * 1000)
        self._last = now
