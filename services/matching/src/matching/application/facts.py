"""What others may know of a run and of a pair: the contract events, filled from the aggregates."""

from __future__ import annotations

from datetime import datetime

from chassis.ports import UnitOfWork
from contracts import matching as contract
from contracts.fields import Role

from matching.domain.match_run import MatchRun, RunOutcome, RunState
from matching.domain.pair import Pair, PairState

_PAIR_STATES = {
    PairState.RELEASED: contract.ProposalState.PROPOSED,
    PairState.FORMED: contract.ProposalState.FORMED,
    PairState.DECLINED: contract.ProposalState.DECLINED,
    PairState.EXPIRED: contract.ProposalState.EXPIRED,
    PairState.WITHDRAWN: contract.ProposalState.WITHDRAWN,
    PairState.QUARANTINED: contract.ProposalState.QUARANTINED,
    PairState.HANDED_OVER: contract.ProposalState.ENDED,
}
_RUN_OUTCOMES = {
    RunOutcome.OPTIMAL: contract.RunOutcome.OPTIMAL,
    RunOutcome.BOUNDED: contract.RunOutcome.FEASIBLE,
    RunOutcome.NOTHING_TO_MATCH: contract.RunOutcome.NOTHING_TO_MATCH,
    RunOutcome.FAILED: contract.RunOutcome.FAILED,
}
MOST_COUNTED = 10_000_000
"""Where counts of the contract stop; two sides of a few thousand have more pairs."""
_MOST_TOPICS = 50
_MOST_LANGUAGES = 20


def publish_run(event: type[contract.MatchRunFacts], run: MatchRun, uow: UnitOfWork) -> None:
    """Publish what has just happened to a run. Called once after each method that raised the run's version."""
    uow.publish(run_facts(event, run), sequence=run.version)


def publish_pair(event: type[contract.ProposedPairFacts], pair: Pair, uow: UnitOfWork) -> None:
    """Publish what has just happened to a pair. Called once after each method that raised the pair's version."""
    uow.publish(pair_facts(event, pair), sequence=pair.version)


def run_facts(event: type[contract.MatchRunFacts], run: MatchRun) -> contract.MatchRunFacts:
    """The run as the event says it is after the change; it has a result."""
    result = run.result
    if result is None:
        raise ValueError("a run without a result has nothing to tell")
    state = contract.RunState.RELEASED if run.state is RunState.RELEASED else contract.RunState.COMPLETED
    return event(
        business_unit_id=run.business_unit_id,
        named_unit_ids=run.named_unit_ids,
        run_id=run.run_id,
        cohort_id=run.cohort_id,
        program_id=run.program_id,
        state=state,
        outcome=_RUN_OUTCOMES[result.outcome],
        settings_version=run.settings_version,
        mentors=result.mentors,
        mentees=result.mentees,
        possible_pairs=min(result.possible_pairs, MOST_COUNTED),
        allowed_pairs=min(result.allowed_pairs, MOST_COUNTED),
        all_possible_pairs=result.possible_pairs,
        all_allowed_pairs=result.allowed_pairs,
        excluded=tuple(
            contract.RuleCount(rule=contract.HardRule(rule), pairs=min(pairs, MOST_COUNTED), all_pairs=pairs)
            for rule, pairs in sorted(result.excluded.items())
        ),
        proposals=result.proposals,
        unmatched_mentors=result.unmatched_mentors,
        unmatched_mentees=result.unmatched_mentees,
        objective_levels=tuple(result.objective),
        input_hash=result.input_hash,
        certificate_hash=result.certificate_hash,
        solve_milliseconds=sum(result.timings.values()),
        completed_at=_known(run.completed_at),
        released_at=run.released_at,
    )


def pair_facts(event: type[contract.ProposedPairFacts], pair: Pair) -> contract.ProposedPairFacts:
    """The pair as the event says it is after the change; it is released."""
    return event(
        business_unit_id=pair.business_unit_id,
        named_unit_ids=pair.named_unit_ids,
        pair_id=pair.pair_id,
        run_id=pair.run_id,
        cohort_id=pair.cohort_id,
        program_id=pair.program_id,
        mentor_id=pair.mentor.person_id,
        mentee_id=pair.mentee.person_id,
        mentor_participation_id=pair.mentor.participation_id,
        mentee_participation_id=pair.mentee.participation_id,
        state=_PAIR_STATES[pair.state],
        score=pair.fit.score,
        topics=tuple(
            contract.MatchedTopic(
                topic=topic.topic,
                teacher=Role(topic.teacher.value),
                offered_level=topic.offered_level,
                asked_level=topic.asked_level,
            )
            for topic in pair.fit.topics[:_MOST_TOPICS]
        ),
        shared_languages=pair.fit.shared_languages[:_MOST_LANGUAGES],
        overlap_minutes=pair.fit.overlap_minutes,
        grade_gap=pair.fit.grade_gap,
        cadence_floor_days=pair.cadence_floor_days,
        proposed_at=_known(pair.released_at),
        expires_at=_known(pair.expires_at),
        formed_at=pair.formed_at,
        quarantined_at=pair.quarantined_at,
        resolution=None if pair.resolution is None else contract.Resolution(pair.resolution.value),
    )


def _known(time: datetime | None) -> datetime:
    if time is None:
        raise ValueError("nothing is published before it has happened")
    return time
