"""Runs the demonstration: stack up, organisation in, a year played, one process killed, invariants checked, stack down."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from updraft.demo import invariants, page, summary
from updraft.demo.caller import Caller
from updraft.demo.cast import Person, choose, declare, give_tempers
from updraft.demo.checks import examine
from updraft.demo.deployment import Deployment, StackDeployment
from updraft.demo.story import Story
from updraft.demo.year import Year
from updraft.sample_org import Organisation, generate
from updraft.stack import Stack, remove_data

KILLED_ON_DAY = 140
UNCHECKED = "I1 to I5, which read the databases and the topics themselves; they need both --kafka and --postgres."
UK_LADDER = (
    ("SCS4", 160), ("SCS3", 150), ("SCS2", 140), ("SCS1A", 135), ("SCS1", 130), ("Grade 6", 110), ("Grade 7", 100),
    ("SEO", 80), ("HEO", 70), ("EO", 60), ("AO", 40), ("AA", 30),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """`people`: a folder with senior.csv and junior.csv, else a synthetic multinational of `size` people. Counts are of people."""

    people: Path | None = None
    size: int = 1500
    mentees: int = 30
    mentors: int = 34
    waiting: int = 3
    seed: int = 7
    step_days: int = 7


Tell = Callable[..., None]
"""Told what is being done, and which share of it (0 to 1) where that is known."""


def run(state_dir: Path, options: Options, console: Console | None = None) -> int:
    """Play it on a stack of its own in `state_dir`, write `report.html` there; 0 when every invariant holds."""
    screen = console or Console()
    remove_data(state_dir / "stack")
    with _shown(screen, "starting PostgreSQL, Kafka, Envoy and four services") as tell:
        begun = time.monotonic()
        with Stack(state_dir / "stack", trace_ratio=0.01, rate_limit=None) as stack:
            started = time.monotonic() - begun
            story = asyncio.run(play(StackDeployment(stack), options, tell))
            story.steps.insert(0, ("start", started))
            tell("stopping what was started")
    remove_data(state_dir / "stack")
    return _told(story, state_dir / "report.html", screen)


def run_on(deployment: Deployment, state_dir: Path, options: Options, console: Console | None = None) -> int:
    """Play it on a deployment that runs elsewhere and goes on running; otherwise as `run`."""
    screen = console or Console()
    with _shown(screen, f"calling {deployment.gateway_url}") as tell:
        story = asyncio.run(play(deployment, options, tell))
    return _told(story, state_dir / "report.html", screen)


@contextlib.contextmanager
def _shown(screen: Console, first: str) -> Iterator[Tell]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=False) as shown:
        task = shown.add_task(first, total=None)

        def tell(what: str, done: float | None = None) -> None:
            shown.update(task, description=what, completed=(done or 0) * 100, total=100 if done is not None else None)

        yield tell
        shown.update(task, description="done", completed=100, total=100)


def _told(story: Story, report: Path, screen: Console) -> int:
    page.write(story, report)
    summary.show(story, report, screen)
    return 0 if story.sound else 1


async def play(deployment: Deployment, options: Options, tell: Tell) -> Story:
    """The whole play on a running deployment; the story, with the invariants' findings in it."""
    year = await play_year(deployment, options, tell)
    await year.caller.close()
    return year.story


async def play_year(deployment: Deployment, options: Options, tell: Tell) -> Year:
    """As `play`; everything the play knows, its caller still open."""
    story = Story(
        source=f"the organisation in {options.people.name}"
        if options.people
        else f"a synthetic multinational of {options.size} people",
        synthetic_applications=True,
        seed=options.seed,
    )
    caller = Caller(deployment.gateway_url)
    year = Year(caller, deployment, deployment.clock, story, seed=options.seed)
    try:
        async with _step(story, "organisation"):
            tell("importing the organisation")
            people = await enroll_organisation(year, options)
        async with _step(story, "enrollment"):
            tell("people apply, are screened and admitted")
            mentees, mentors = choose(
                people, mentees=options.mentees, mentors=options.mentors + options.waiting, seed=options.seed
            )
            declare([*mentees, *mentors], seed=options.seed)
            admitted = await year.enroll(mentees)
            admitted += await year.enroll(mentors, places=options.mentors)
        async with _step(story, "matching"):
            tell("pairs are matched, released and accepted")
            await year.match(admitted)
            give_tempers(year.couples, seed=options.seed)
            await year.prepare()
            await year.survey("baseline", share=0.9)
        async with _step(story, "a year of meetings"):
            await _live(deployment, year, story, tell, options.step_days)
        async with _step(story, "evaluation"):
            tell("the cohort is asked and evaluated")
            await year.conclude()
        async with _step(story, "invariants"):
            tell("checking that nothing was lost")
            await _check(deployment, year, story)
        story.writes = sum(caller.promised.values())
        story.resent = caller.retried
    except BaseException:
        await caller.close()
        raise
    return year


async def enroll_organisation(year: Year, options: Options) -> list[Person]:
    """Units are registered, people imported, a program chartered and its cohort opened; the people."""
    await (_import_organogram(year, options) if options.people is not None else _import_sample(year, options))
    people = await people_of(year)
    await _open(year, people, options)
    return people


@contextlib.asynccontextmanager
async def _step(story: Story, name: str) -> AsyncIterator[None]:
    begun = time.monotonic()
    yield
    story.steps.append((name, time.monotonic() - begun))


async def _import_sample(year: Year, options: Options) -> None:
    organisation = generate(options.size, options.seed)
    await year.register(
        (unit.code, unit.display_name, [(rung[0], rung[1]) for rung in unit.grade_ladder], unit.default_time_zone)
        for unit in organisation.units
    )
    data = await asyncio.to_thread(_as_csv, organisation)
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    year.story.cross_unit_managers = sum(
        bool(row["manager_business_unit"]) and row["manager_business_unit"] != row["business_unit"] for row in rows
    )
    await _imported(year, "updraft_csv", {"people": data}, token=year.admin, unit=year.host)


def _as_csv(organisation: Organisation) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        organisation.write_csv(path)
        return path.read_bytes()


async def _import_organogram(year: Year, options: Options) -> None:
    folder = options.people
    if folder is None:
        raise ValueError("an organogram needs its folder")
    name = folder.name.replace("_", " ").title()
    await year.register([("MINISTRY", name, UK_LADDER, "Europe/London")])
    files = {part: (folder / f"{part}.csv").read_bytes() for part in ("senior", "junior")}
    await _imported(year, "uk_organogram", files, token=year.manager, unit=None)


async def _imported(year: Year, kind: str, files: dict[str, bytes], *, token: str, unit: UUID | None) -> None:
    query = f"?format={kind}" + (f"&business_unit_id={unit}" if unit else "")
    accepted = await year.caller.upload(token, f"/enrollment/v1/imports{query}", files)
    done = await year.follow_import(accepted["import_id"], token, seconds=240)
    if done["state"] != "applied":
        raise RuntimeError(f"the import ended as {done['state']}: {done.get('failure')}")
    counts = done["counts"]
    year.story.import_rows = counts["rows_read"]
    year.story.import_errors = counts["rows_in_error"]
    year.story.import_warnings = counts["warnings"]
    year.story.people_imported = counts["joined"]


async def people_of(year: Year) -> list[Person]:
    """Everybody in the year's units."""
    found = []
    for unit in year.units.values():
        manager = year.manager_of(unit)
        async for person in year.caller.pages(manager, "/enrollment/v1/people"):
            found.append(
                Person(
                    person_id=UUID(person["person_id"]),
                    unit_id=unit,
                    grade=person["grade"],
                    grade_rank=person["grade_rank"],
                    country=person.get("country") or "GB",
                    time_zone=person.get("time_zone") or "Europe/London",
                )
            )
    return found


async def _open(year: Year, people: Sequence[Person], options: Options) -> None:
    owner = next(person for person in people if person.unit_id == year.host)
    today = year.time.now().date()
    await year.charter(owner.person_id)
    await year.open_cohort(
        closes=today + timedelta(days=14), starts=today + timedelta(days=14), mentor_places=options.mentors
    )


async def _live(deployment: Deployment, year: Year, story: Story, tell: Tell, step: int) -> None:
    days = (year.ends_on - year.starts_on).days
    struck: asyncio.Task[None] | None = None

    async def strike() -> None:
        """Kill something while requests are under way."""
        await asyncio.sleep(0.05)
        blow = await deployment.strike()
        if blow is not None:
            story.killed, story.recovered_in = blow.name, blow.seconds

    async def tick(today: int) -> None:
        nonlocal struck
        tell(f"month {today // 30 + 1} of {days // 30}: the pairs meet", today / days)
        await deployment.rules_reached(year.day(today))
        if today >= KILLED_ON_DAY and struck is None:
            story.killed_after = f"on day {today + step}, while pairs were meeting"
            struck = asyncio.create_task(strike())

    await year.live(until_day=days, step=step, tick=tick)
    if struck is not None:
        await struck
    deployment.clock.move_to(year.day(days + 2))


async def _check(deployment: Deployment, year: Year, story: Story) -> None:
    findings: list[invariants.Finding] = []
    if deployment.evidence is None:
        story.unchecked = UNCHECKED
    else:
        findings, sent = await examine(deployment.evidence, deployment.services)
        story.events = Counter(event.event_type.split(".")[2] for event in sent)
    findings.append(await _visible(year))
    story.findings = sorted(findings, key=lambda finding: finding.name)


async def _visible(year: Year) -> invariants.Finding:
    promised: dict[str, set[Any]] = {
        "meetings at engagement": {str(meeting) for couple in year.couples for meeting in couple.meetings},
        "meetings at evaluation": {str(meeting) for couple in year.couples for meeting in couple.meetings},
        "participations": {str(player.participation_id) for player in year.players},
        "pairs": {str(couple.pair_id) for couple in year.couples},
    }
    cohort = year.cohort_id
    at_engagement: set[str] = set()
    for couple in year.couples:
        path = f"/engagement/v1/pairs/{couple.pair_id}/meetings"
        at_engagement |= {row["meeting_id"] async for row in year.caller.pages(year.manager, path)}
    found: dict[str, set[Any]] = {
        "meetings at engagement": at_engagement,
        "meetings at evaluation": {
            row["meeting_id"]
            async for row in year.caller.pages(year.manager, f"/evaluation/v1/cohorts/{cohort}/meetings")
        },
        "participations": {
            row["participation_id"]
            async for row in year.caller.pages(year.manager, f"/enrollment/v1/cohorts/{cohort}/participations")
        },
        "pairs": {
            row["pair_id"] async for row in year.caller.pages(year.manager, "/engagement/v1/pairs", cohort_id=cohort)
        },
    }
    return invariants.visible(promised, found)
