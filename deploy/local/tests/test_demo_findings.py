"""The demonstration's checks find what is planted: a lost event, a phantom, a gap, a differing projection, a vanished answer."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest
from contracts.identifiers import uuid7
from updraft.demo import checks
from updraft.demo.cast import Person, choose, give_tempers
from updraft.demo.invariants import Finding, Sent, compare, same_projections, visible

_TOPIC = "updraft.engagement.meetings"


def _sent(event_id: str, sequence: int, *, subject: str = "m", offset: int | None = None) -> Sent:
    return Sent(
        _TOPIC,
        0,
        sequence if offset is None else offset,
        event_id,
        "updraft.engagement.MeetingLogged.v1",
        subject,
        sequence,
    )


def _committed(*event_ids: str) -> dict[str, list[dict[str, str]]]:
    return {
        "engagement": [{"ce_id": event_id, "ce_type": "updraft.engagement.MeetingLogged.v1"} for event_id in event_ids]
    }


def _findings(*event_ids: str, sent: list[Sent]) -> dict[str, Finding]:
    return {finding.name: finding for finding in compare(_committed(*event_ids), sent)}


@pytest.mark.requirement("I1", "I2", "I4")
def test_a_sound_stream_passes_and_a_repeated_record_counts_once() -> None:
    findings = _findings("a", "b", sent=[_sent("a", 1), _sent("b", 2), _sent("a", 1, offset=3)])
    assert all(finding.holds for finding in findings.values())
    assert "1 sent twice" in findings["I2"].numbers


@pytest.mark.requirement("I1")
def test_an_event_that_was_never_sent_is_found() -> None:
    findings = _findings("a", "b", sent=[_sent("a", 1)])
    assert not findings["I1"].holds
    assert findings["I2"].holds


@pytest.mark.requirement("I2")
def test_an_event_that_was_never_committed_is_found() -> None:
    findings = _findings("a", sent=[_sent("a", 1), _sent("ghost", 2)])
    assert not findings["I2"].holds


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("order", [[1, 3], [2, 1], [1, 2, 2]], ids=["gap", "swapped", "doubled"])
def test_a_broken_order_is_found(order: list[int]) -> None:
    sent = [_sent(f"e{place}", sequence, offset=place) for place, sequence in enumerate(order)]
    assert not _findings(*(event.event_id for event in sent), sent=sent)["I4"].holds


@pytest.mark.requirement("I5", "I9")
def test_a_differing_projection_and_a_vanished_answer_are_found() -> None:
    live = {"evaluation": {"known_pairs": "1", "known_meetings": "2"}}
    assert same_projections(live, live).holds
    assert not same_projections(live, {"evaluation": {"known_pairs": "1", "known_meetings": "3"}}).holds
    assert not same_projections(live, {}).holds
    assert visible({"meetings": {1, 2}}, {"meetings": {1, 2, 3}}).holds
    assert not visible({"meetings": {1, 2}}, {"meetings": {1}}).holds


def test_the_cast_is_the_same_for_a_seed_and_juniors_mentor_seniors() -> None:
    unit = uuid7()
    people = [
        Person(uuid7(), unit, f"G{rank}", rank, "DE", "Europe/Berlin") for rank in range(10, 70, 10) for _ in range(20)
    ]
    mentees, mentors = choose(people, mentees=6, mentors=8, seed=3)
    again = choose(list(reversed(people)), mentees=6, mentors=8, seed=3)
    assert [player.person.person_id for player in mentees] == [player.person.person_id for player in again[0]]
    assert max(player.person.grade_rank for player in mentors) < min(player.person.grade_rank for player in mentees)
    assert mentors[0].application == again[1][0].application
    give_tempers([], seed=3)


@pytest.mark.parametrize(
    ("says", "ended", "code"),
    [("pass", True, -signal.SIGTERM), ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", False, -signal.SIGKILL)],
)
async def test_a_replay_that_does_not_end_when_told_to_is_killed(says: str, ended: bool, code: int) -> None:
    script = f"import signal, time; {says}; print('ready', flush=True); time.sleep(600)"
    reader = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert reader.stdout is not None
    assert await reader.stdout.readline() == b"ready\n"
    assert await asyncio.wait_for(checks.end_reader(reader, seconds=30 if ended else 0.3), 60) is ended
    assert reader.returncode == code
