"""The report out of a year of events and two surveys: as JSON, as a page, final once the cohort is evaluated."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest
from contracts import enrollment as e
from evaluation.application.close_waves import close_due_waves

from ..events import PairIds, World, cohort, year_of
from ..running import Evaluation

pytestmark = pytest.mark.integration

YEAR = timedelta(days=372)


async def survey(evaluation: Evaluation, world: World, kind: str, *, mean: float, answering: int) -> None:
    """The first so many of each role answer a wave around a mean, then it closes by its date."""
    wave = await evaluation.wave_of(world, kind)
    drawn = random.Random(hashlib.sha256(kind.encode()).digest())
    half = len(world.people) // 2
    for role, people in (("mentor", world.people[:half]), ("mentee", world.people[half:])):
        for person in people[:answering]:
            ballot = await evaluation.ballot(world, person, wave)

            def value(_code: str) -> int:
                return min(5, max(1, round(drawn.gauss(mean, 0.7))))

            assert (await evaluation.answer(wave, ballot.answering(wave, value, role))).status_code == 204
    evaluation.clock.move(timedelta(days=14))
    while await evaluation.run(close_due_waves):
        pass


@pytest.fixture(scope="module")
async def world(evaluation: Evaluation) -> World:
    """A cohort of 16 pairs whose year and both surveys are over; 15 of each role answered both times."""
    made = World(pairs=tuple(PairIds() for _ in range(16)))
    events = year_of(made)
    await evaluation.hear(*events, cohort(made, e.CohortActivated))
    await survey(evaluation, made, "baseline", mean=2.9, answering=15)
    evaluation.clock.move(YEAR)
    await evaluation.hear(cohort(made, e.CohortEvaluationStarted))
    await survey(evaluation, made, "closing", mean=3.9, answering=15)
    return made


async def test_the_report_adds_up(evaluation: Evaluation, world: World) -> None:
    answer = await evaluation.manager(world).get(f"/v1/cohorts/{world.cohort}/report")
    assert answer.status_code == 200
    report = answer.json()
    assert report["final"] is True
    assert report["unit_code"] == "HQ-DE"
    stages = {row["stage"]: row["everybody"]["value"] for row in report["funnel"]}
    assert stages == {"applied": 32, "screened": 32, "admitted": 32, "matched": 32, "active": 32, "completed": 32}
    meetings = {name: report["meetings"][name]["value"] for name in ("held", "missed", "cancelled")}
    assert sum(meetings.values()) == 16 * 17
    assert meetings["missed"] > 30
    assert (report["pairs"]["stalled"]["value"], report["pairs"]["rescued"]["value"]) == (2, 1)
    assert report["match_quality"]["mean_score"]["value"] == pytest.approx(750)
    assert report["matching"]["excluded"] == {"reporting_chain": 4, "same_team": 8}
    rates = [wave["response_rate"] for wave in report["survey"]["waves"]]
    assert [(rate["value"], rate["n"]) for rate in rates] == [(30 / 32, 32)] * 2


@pytest.mark.requirement("RX-02")
async def test_every_figure_in_the_json_carries_what_it_rests_on(evaluation: Evaluation, world: World) -> None:
    report = (await evaluation.manager(world).get(f"/v1/cohorts/{world.cohort}/report")).json()
    figures: list[dict[str, Any]] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            if "comparison_group" in value and "unit" in value:
                figures.append(value)
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    collect(report)
    assert len(figures) > 100
    for figure in figures:
        assert figure["source"]
        assert figure["comparison_group"] is False
        assert figure["suppressed"] or (figure["n"] is not None and (figure["interval"] or figure["note"]))
    everybody = {c["family"]: c for c in report["survey"]["changes"] if c["group"] == "everybody"}
    assert everybody["confidence"]["conclusion"] == "rose"
    assert (everybody["confidence"]["n_before"], everybody["confidence"]["n_after"]) == (30, 30)
    assert {c["conclusion"] for c in report["survey"]["changes"] if c["group"] == "mentors"} == {"underpowered"}
    assert report["evidence"] == {
        "planned": "before_after",
        "realised": "before_after",
        "comparison_group": False,
        "strength": "Before and after, no comparison group: a change may have other causes than the program.",
    }


async def test_a_final_report_stays_the_same_and_is_the_one_that_was_published(
    evaluation: Evaluation, world: World
) -> None:
    manager, path = evaluation.manager(world), f"/v1/cohorts/{world.cohort}/report"
    first = await manager.get(path)
    evaluation.clock.move(timedelta(days=3))
    again = await manager.get(path)
    assert again.content == first.content
    ((name, sequence, event),) = await evaluation.published(world.cohort)
    assert (name, sequence) == ("CohortEvaluated", 1)
    assert event["report_hash"] == hashlib.sha256(first.content).hexdigest()
    assert first.headers["etag"] == f'"{event["report_hash"]}"'
    unchanged = await manager.get(path, if_none_match=first.headers["etag"])
    assert unchanged.status_code == 304
    assert (event["pairs_formed"], event["pairs_rescued"]) == (16, 1)


@pytest.mark.requirement("S15")
async def test_open_waves_and_small_groups_are_not_in_the_report(evaluation: Evaluation) -> None:
    small = World(pairs=tuple(PairIds() for _ in range(4)))
    await evaluation.hear(*year_of(small), cohort(small, e.CohortActivated))
    wave = await evaluation.wave_of(small, "baseline")
    path = f"/v1/cohorts/{small.cohort}/report"
    for person in small.people:
        ballot = await evaluation.ballot(small, person, wave)
        assert (await evaluation.answer(wave, ballot.answering(wave, 5, "mentor"))).status_code == 204
        report = (await evaluation.manager(small).get(path)).json()
        assert (report["final"], report["survey"]["waves"], report["survey"]["levels"]) == (False, [], [])
    evaluation.clock.move(timedelta(days=14))
    while await evaluation.run(close_due_waves):
        pass
    report = (await evaluation.manager(small).get(path)).json()
    shown = {level["group"] for level in report["survey"]["levels"] if not level["mean"]["suppressed"]}
    assert shown == {"everybody"}


@pytest.mark.requirement("R3-20", "S1")
async def test_who_sees_a_report(evaluation: Evaluation, world: World) -> None:
    path = f"/v1/cohorts/{world.cohort}/report"
    unknown = await evaluation.manager(world).get(f"/v1/cohorts/{uuid4()}/report")
    assert unknown.status_code == 404
    for page in (path, f"{path}.html"):
        for stranger in (
            evaluation.person(uuid4(), uuid4(), "program_manager"),
            evaluation.person(uuid4(), world.unit, "facilitator"),
        ):
            hidden = await stranger.get(page)
            assert (hidden.status_code, hidden.content) == (404, unknown.content)
        participant = await evaluation.person(world.people[0], world.unit).get(page)
        assert participant.status_code == 403
    named = evaluation.person(world.facilitator, world.unit, "facilitator")
    assert (await named.get(path)).status_code == 200


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.figures = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.requirement("RX-02")
async def test_the_page_is_whole_accessible_and_loads_nothing(evaluation: Evaluation, world: World) -> None:
    answer = await evaluation.manager(world).get(f"/v1/cohorts/{world.cohort}/report.html?synthetic=true")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "script" not in answer.headers["content-security-policy"].replace("default-src 'none'", "")
    page = Page(answer.text)
    assert not page.all("script")
    assert not page.all("link")
    assert not [
        a for _, a in page.tags if any(name.startswith("on") or name in ("src", "href", "xlink:href") for name in a)
    ]
    assert not re.search(r"url\(|@import", answer.text)
    assert page.all("html")[0]["lang"] == "en"
    pictures = page.all("svg")
    assert len(pictures) == 5
    for picture in pictures:
        assert picture["role"] == "img"
        assert len(picture["aria-label"] or "") > 20
    assert len(page.all("table")) >= 10
    assert len(page.all("caption")) >= 8
    assert "No comparison group" in answer.text
    assert "Synthetic." in answer.text
    assert "prefers-color-scheme: dark" in answer.text
    assert "@media print" in answer.text
    assert not re.search(r"#0badc\d", answer.text, re.IGNORECASE), "a stand-in colour was left"


async def test_rendering_does_not_hold_up_the_event_loop(evaluation: Evaluation, world: World) -> None:
    manager = evaluation.manager(world)
    longest, done = 0.0, asyncio.Event()

    async def beat() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while not done.is_set():
            before = loop.time()
            await asyncio.sleep(0.005)
            longest = max(longest, loop.time() - before)

    beating = asyncio.create_task(beat())
    started = asyncio.get_running_loop().time()
    answer = await manager.get(f"/v1/cohorts/{world.cohort}/report.html")
    took = asyncio.get_running_loop().time() - started
    done.set()
    await beating
    assert answer.status_code == 200
    assert longest < took / 3, (longest, took)


async def test_the_openapi_document_has_examples_and_names_the_anonymous_route(evaluation: Evaluation) -> None:
    document = evaluation.app.openapi()
    answering = document["paths"]["/v1/waves/{wave_id}/responses"]["post"]
    assert not answering.get("security")
    assert "Idempotency-Key" not in str(answering["parameters"])
    taking = document["paths"]["/v1/waves/{wave_id}/tokens"]["post"]
    assert "Idempotency-Key" in str(taking["parameters"])
    assert "CohortReport" in document["components"]["schemas"]
    assert document["components"]["schemas"]["SubmitResponseBody"]["examples"]
