"""Identifiers: version 7, in order, apart in forked children; codes that match their fields."""

from __future__ import annotations

import os
import re
import threading
import time
from uuid import UUID

import pytest
from contracts import identifiers
from contracts.identifiers import code_of, opaque_code, uuid7
from hypothesis import given
from hypothesis import strategies as st


def test_uuid7_is_version_7_of_the_rfc_variant_at_the_present_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_uuid7_rises_strictly_through_many_in_one_millisecond() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_uuid7_keeps_rising_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    second, third = uuid7(), uuid7()
    assert first < second < third


def test_uuid7_moves_to_the_next_millisecond_when_the_random_part_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = identifiers._Generator()
    monkeypatch.setattr(time, "time_ns", lambda: 5_000_000_000)
    first = generator.next()
    generator._random = (1 << 74) - 1
    second = generator.next()
    assert second.int >> 80 == (first.int >> 80) + 1
    assert second.version == 7


def test_uuid7_is_different_in_every_thread() -> None:
    made: list[UUID] = []
    threads = [threading.Thread(target=lambda: made.extend([uuid7() for _ in range(2_000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_does_not_continue_its_parents_row() -> None:
    uuid7()
    parents = identifiers._generator._random
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, str(identifiers._generator._random).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert abs(int(pipe.read()) - parents) > 2**40


@pytest.mark.requirement("S14")
def test_opaque_codes_are_stable_equal_for_equal_parts_and_say_nothing() -> None:
    code = opaque_code("north", "Team Anna Keller")
    assert code == opaque_code(" NORTH", "team anna keller ")
    assert code != opaque_code("northTeam", " Anna Keller")
    assert code != opaque_code("northt", "eam Anna Keller")
    assert re.fullmatch(r"[0-9a-f]{16}", code)
    assert code == "2805ea863b52af72"


def test_codes_of_words() -> None:
    assert code_of("Human Resources") == "human_resources"
    assert code_of("  R&D / Zürich ") == "r_d_zurich"
    assert code_of("4th floor") == "th_floor"
    assert code_of("東京") is None
    assert code_of("") is None


@given(st.text(max_size=200))
def test_a_code_is_none_or_matches_its_field(text: str) -> None:
    code = code_of(text)
    assert code is None or re.fullmatch(r"[a-z][a-z0-9_]{0,31}", code)
