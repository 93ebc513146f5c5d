"""The topic files name exactly the services that read: their dead-letter topics exist because of it. And a service says of every
event type on a topic it reads what it does with it: a new type cannot pass a reader by unnoticed.
"""

from __future__ import annotations

from importlib import import_module

import pytest
from chassis.handlers import Routing
from contracts import catalog

SERVICES = ("enrollment", "matching", "engagement", "evaluation")

_NOT_YET_A_PAIR = "a proposal concerns matching alone until it is a pair"
_PAUSED = "a quarantined pair is still a pair; engagement says when it has ended"
_NOT_IN_A_PAIR = "a pair needs of its people only whether they are admitted, matched or gone"
IGNORED: dict[str, dict[str, str]] = {
    "enrollment": {
        "updraft.matching.PairProposed.v1": _NOT_YET_A_PAIR,
        "updraft.matching.PairDeclined.v1": _NOT_YET_A_PAIR,
        "updraft.matching.PairExpired.v1": _NOT_YET_A_PAIR,
        "updraft.matching.PairWithdrawn.v1": _NOT_YET_A_PAIR,
        "updraft.matching.PairQuarantined.v1": _PAUSED,
        "updraft.matching.PairReinstated.v1": _PAUSED,
        "updraft.matching.PairHandedOver.v1": _PAUSED,
        "updraft.engagement.PairTrialEnded.v1": "a participation is matched from the forming of its pair to the end",
        "updraft.engagement.AgreementSigned.v1": "a participation is matched from the forming of its pair to the end",
        "updraft.engagement.PairActivated.v1": "a participation is matched from the forming of its pair to the end",
        "updraft.engagement.PairStalled.v1": "a stalled pair is still a pair",
    },
    "matching": {},
    "engagement": {
        "updraft.matching.PairProposed.v1": _NOT_YET_A_PAIR,
        "updraft.matching.PairDeclined.v1": _NOT_YET_A_PAIR,
        "updraft.matching.PairExpired.v1": _NOT_YET_A_PAIR,
        "updraft.matching.PairWithdrawn.v1": _NOT_YET_A_PAIR,
        "updraft.enrollment.ProgramProposed.v1": "only a chartered program has cohorts",
        "updraft.enrollment.ParticipantNominated.v1": _NOT_IN_A_PAIR,
        "updraft.enrollment.ParticipantApplied.v1": _NOT_IN_A_PAIR,
        "updraft.enrollment.ParticipantScreened.v1": _NOT_IN_A_PAIR,
        "updraft.enrollment.ParticipantWaitlisted.v1": _NOT_IN_A_PAIR,
        "updraft.enrollment.ParticipantDeclined.v1": _NOT_IN_A_PAIR,
        "updraft.enrollment.ParticipantCompleted.v1": "it follows from the pair's own completion",
    },
    "evaluation": {
        "updraft.matching.PairProposed.v1": _NOT_YET_A_PAIR,
        "updraft.matching.PairDeclined.v1": _NOT_YET_A_PAIR,
        "updraft.matching.PairExpired.v1": _NOT_YET_A_PAIR,
        "updraft.matching.PairWithdrawn.v1": _NOT_YET_A_PAIR,
        "updraft.matching.MatchRunCompleted.v1": "a run counts when it has been released",
    },
}
"""What each service lets pass on purpose, and why."""


def routing(service: str) -> Routing:
    return Routing.of(import_module(f"{service}.entrypoints.consumer").HANDLERS)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_the_topics_that_name_it(service: str) -> None:
    """A reader that no topic file names would have nowhere to put its dead letters."""
    assert routing(service).topics == {topic.name for topic in catalog.topics_read_by(service)}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_handles_every_event_type_of_its_topics_or_lets_it_pass_on_purpose(service: str) -> None:
    topics = {topic.name for topic in catalog.topics_read_by(service)}
    there = {catalog.type_of(model) for model in catalog.EVENTS if model.TOPIC in topics}
    handled, ignored = set(routing(service).by_type), set(IGNORED[service])
    assert handled & ignored == set()
    assert handled | ignored == there
    assert all(IGNORED[service].values())
