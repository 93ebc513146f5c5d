"""One match run from input to certified result. Pure: the same input gives the same bytes, in any process.

A deadline is the one exception: how far a solver comes in a given time differs, and the certificate then says `bounded`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from matching.domain import checker
from matching.domain.canonical import HashKey
from matching.domain.certificate import Certificate, Checked, Counts, Facts, Proof, certify
from matching.domain.explained_pairs import ProposedPair, explained
from matching.domain.explanation import Unmatched, explain_unmatched, explain_without_facts
from matching.domain.facts import Role, Snapshot
from matching.domain.kernel_counts import Survey
from matching.domain.optimum import Solved, solved
from matching.domain.run_input import RunInput
from matching.domain.run_start import start_content
from matching.domain.solver import SOLVER_NAME, SOLVER_VERSION
from matching.domain.stability import Stability, ranks_by_position, stability

UNKEYED = HashKey(b"")
"""The key of results that are never stored."""

CHECKED_WHOLE = 2_000
CHECKED_ROWS = 200
"""Up to `CHECKED_WHOLE` mentors every pair is checked within the run; of more, `CHECKED_ROWS` mentors' pairs."""

Report = Callable[[str, int], None]


class Rejected(Exception):
    """The independent checker refused a result; it is never stored."""

    def __init__(self, findings: tuple[str, ...]) -> None:
        super().__init__(f"{len(findings)} findings, the first: {findings[0]}")
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run. `input` are the bytes it was made of, packed; `objective` the levels reached, most important first;
    `blocking` the pairs (mentor and mentee participation) who both ranked each other above what they got; `start` is what a
    later run may begin from; `timings` are milliseconds per step and no part of the certificate.
    """

    pairs: tuple[ProposedPair, ...]
    unmatched: tuple[Unmatched, ...]
    certificate: Certificate
    proof: Proof
    counts: Counts
    input_hash: str
    input: bytes
    objective: tuple[int, ...]
    proven: bool
    blocking: tuple[tuple[UUID, UUID], ...]
    start: bytes
    timings: Mapping[str, int]


def run_matching(snapshot: Snapshot, *, report: Report | None = None, threads: int = 1) -> Outcome:
    """The certified optimum of a snapshot that is no run's. Raises what `match` raises."""
    return match(RunInput(snapshot), key=UNKEYED, threads=threads, report=report)


def match(
    given: RunInput,
    *,
    key: HashKey,
    threads: int = 1,
    deadline: Callable[[], bool] | None = None,
    report: Report | None = None,
    start: bytes | None = None,
) -> Outcome:
    """The certified result of an input: the optimum, or what is proven when `deadline` says that time is up.

    `start` is what an earlier run of the cohort left: with it the same comes out sooner.

    Raises what the solver raises, or Rejected, rather than give a result without proof.
    """
    clock = _Clock(report)
    clock.begin("encode")
    snapshot, written = given.snapshot, given.written(key)
    digest = written.digest
    clock.begin("solve")
    best = solved(
        snapshot,
        digest,
        threads=threads,
        deadline=deadline,
        report=clock.tell,
        start=start,
        compare=snapshot.previous is not None,
    )
    clock.begin("survey")
    survey = best.source.survey()
    clock.begin("stability")
    blocking = _blocking(best, snapshot)
    clock.begin("explain")
    pairs = _proposed(best, snapshot, clock)
    unmatched = _unmatched(given, best, survey)
    clock.begin("check")
    triples = [(pair.mentor.participation_id, pair.mentee.participation_id, pair.score.total) for pair in pairs]
    rows = None if len(best.mentors) <= CHECKED_WHOLE else CHECKED_ROWS
    result = checker.Result(triples, dict(best.levels), best.floor, best.claims, digest)
    findings = checker.findings(snapshot, result, rows=rows)
    if findings:
        raise Rejected(findings)
    clock.begin("certify")
    counts = _counts(best, survey, pairs, unmatched)
    proof = Proof(best.claims)
    proof_content = proof.content
    certificate = certify(
        snapshot,
        input_hash=digest,
        key_id=key.key_id,
        solver=(SOLVER_NAME, SOLVER_VERSION),
        proof=proof_content,
        facts=Facts(
            objective=best.stated(best.levels),
            bound=best.stated(best.bounds),
            proven=best.proven,
            pairs=triples,
            counts=counts,
            checked=Checked(checker.rows_checked(len(best.mentors), rows), len(best.mentors)),
            violations=len(findings),
            locks=(len(given.locked), len(given.broken_locks)),
            rematch=_compared(best, snapshot),
            blocking={"by_preference": len(blocking.by_preference), "by_score": blocking.by_score},
        ),
    )
    locked = _locked(given, snapshot)
    clock.end()
    return Outcome(
        pairs=tuple(sorted((*pairs, *locked), key=_by_ids)),
        unmatched=unmatched,
        certificate=certificate,
        proof=proof,
        counts=counts,
        input_hash=digest,
        input=written.packed,
        objective=tuple(value for _, value in best.stated(best.levels)),
        proven=best.proven,
        blocking=tuple(
            (best.mentors[row].participation_id, best.mentees[column].participation_id)
            for row, column in blocking.by_preference
        ),
        start=start_content(best.mentors, best.mentees, best.start),
        timings=clock.laps,
    )


def _blocking(best: Solved, snapshot: Snapshot) -> Stability:
    mentors = [one.participation_id for one in best.mentors]
    mentees = [one.participation_id for one in best.mentees]
    ranked = {one.participation_id: one.ranked for one in (*best.mentors, *best.mentees) if one.ranked}
    limit = snapshot.rules.preference_limit
    ranks = (ranks_by_position(ranked, mentors, mentees, limit), ranks_by_position(ranked, mentees, mentors, limit))
    return stability(best.taken, *best.sides, ranks, best.source)


def _compared(best: Solved, snapshot: Snapshot) -> dict[str, int] | None:
    """What keeping proposals costs: the fit of a fresh optimum less that of this one, and what was kept of how many."""
    if best.fresh is None:
        return None
    score = dict(best.levels)["score"]
    return {
        "previous": len(snapshot.previous or ()),
        "kept": dict(best.levels).get("kept", 0),
        "score": score,
        "fresh_score": best.fresh.score,
        "fresh_floor": best.fresh.floor,
        "score_lost": best.fresh.score - score,
    }


def _proposed(best: Solved, snapshot: Snapshot, clock: _Clock) -> tuple[ProposedPair, ...]:
    taken = best.taken
    people = [
        (best.mentors[row], best.mentees[column])
        for row, column in zip(taken.mentor.tolist(), taken.mentee.tolist(), strict=True)
    ]
    pairs = explained(snapshot, people, lambda share: clock.tell("explain", share))
    for pair, score in zip(pairs, taken.score.tolist(), strict=True):
        if pair.score.total != score:
            raise Rejected((f"the kernel scores {score} where the rules say {pair.score.total}",))
    return pairs


def _locked(given: RunInput, snapshot: Snapshot) -> tuple[ProposedPair, ...]:
    """The pairs that were locked, explained like the others."""
    people = {one.participation_id: one for one in (*snapshot.mentors, *snapshot.mentees)} if given.locked else {}
    return explained(snapshot, [(people[mentor], people[mentee]) for mentor, mentee in given.locked])


def _by_ids(pair: ProposedPair) -> tuple[UUID, UUID]:
    return pair.mentor.participation_id, pair.mentee.participation_id


def _unmatched(given: RunInput, best: Solved, survey: Survey) -> tuple[Unmatched, ...]:
    snapshot = given.snapshot
    unmatched = [explain_without_facts(key, role) for key, role in snapshot.without_facts.items()]
    for people, opposite, taken, allowed, broken in (
        (best.mentors, len(best.mentees), best.taken.mentor, survey.mentor_allowed, survey.mentor_broken),
        (best.mentees, len(best.mentors), best.taken.mentee, survey.mentee_allowed, survey.mentee_broken),
    ):
        matched = set(taken.tolist())
        for place, one in enumerate(people):
            if place not in matched and one.taken == 0:
                counts = {rule: int(by_person[place]) for rule, by_person in broken.items()}
                unmatched.append(
                    explain_unmatched(one, considered=opposite, allowed=int(allowed[place]), broken=counts)
                )
    return tuple(sorted(unmatched, key=lambda item: item.participation_id))


def _counts(best: Solved, survey: Survey, pairs: tuple[ProposedPair, ...], unmatched: tuple[Unmatched, ...]) -> Counts:
    return Counts(
        mentors=len(best.mentors),
        mentees=len(best.mentees),
        mentor_places=sum(candidate.free_places for candidate in best.mentors),
        mentee_places=sum(candidate.free_places for candidate in best.mentees),
        possible_pairs=survey.possible,
        allowed_pairs=survey.allowed,
        broken={rule: int(count) for rule, count in survey.broken.items()},
        pairs=len(pairs),
        unmatched_mentors=sum(item.role is Role.MENTOR for item in unmatched),
        unmatched_mentees=sum(item.role is Role.MENTEE for item in unmatched),
        lowest_score=min((pair.score.total for pair in pairs), default=0),
    )


class _Clock:
    """Milliseconds by step; tells what is being done."""

    def __init__(self, report: Report | None) -> None:
        self._report = report
        self._step: str | None = None
        self._began = 0.0
        self.laps: dict[str, int] = {}

    def begin(self, step: str) -> None:
        """The step before is done."""
        self.end()
        self._step, self._began = step, time.perf_counter()
        self.tell(step, 0)

    def end(self) -> None:
        """The last step is done."""
        if self._step is not None:
            self.laps[self._step] = round((time.perf_counter() - self._began) * 1000)
            self._step = None

    def tell(self, stage: str, share: int) -> None:
        """How much of the stage is done, of 1000."""
        if self._report is not None:
            self._report(stage, share)
