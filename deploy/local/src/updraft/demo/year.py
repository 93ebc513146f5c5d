"""The play itself: a cohort from the founding of its units to its evaluation, by calls through the gateway and nothing else."""

from __future__ import annotations

import asyncio
import base64
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from contracts.blind_tokens import PublicKey, blind, finalize, new_token

from updraft.demo.caller import Caller, Refused, until
from updraft.demo.cast import Couple, Planned, Player, answers
from updraft.demo.story import Meeting, MeetingOutcome, PairLine, Story
from updraft.errors import DeploymentError


class Desk(Protocol):
    """Who gives out tokens."""

    def token(
        self,
        *,
        roles: Sequence[str],
        person_id: UUID | None = None,
        business_unit_id: UUID | None = None,
        subject: str | None = None,
    ) -> str:
        """A signed access token."""


class MovableTime(Protocol):
    """The rules' clock, from outside."""

    def now(self) -> datetime:
        """What the rules take for the current time: aware, UTC."""

    def move_to(self, moment: datetime) -> None:
        """Make it `moment` now for all rules; time goes on from there."""


class Year:
    """One cohort of one program, hosted by one unit. Methods are called in the order in which they stand."""

    def __init__(self, caller: Caller, desk: Desk, time: MovableTime, story: Story, *, seed: int) -> None:
        self.caller = caller
        self.desk = desk
        self.time = time
        self.story = story
        self.seed = seed
        self.admin = desk.token(roles=["platform_admin"], subject="demo-admin")
        self.units: dict[str, UUID] = {}
        self.host: UUID
        self.manager: str
        self.program_id: UUID
        self.cohort_id: UUID
        self.players: list[Player] = []
        self.couples: list[Couple] = []
        self.starts_on: date
        self.ends_on: date
        self._tokens: dict[UUID, str] = {}
        self._answered: set[tuple[UUID, UUID]] = set()

    def as_person(self, player: Player) -> str:
        """The participant's own token."""
        person = player.person
        if person.person_id not in self._tokens:
            self._tokens[person.person_id] = self.desk.token(
                roles=["participant"],
                person_id=person.person_id,
                business_unit_id=person.unit_id,
                subject=f"demo-{person.person_id}",
            )
        return self._tokens[person.person_id]

    # Before the first meeting

    async def register(self, units: Iterable[tuple[str, str, Sequence[tuple[str, int]], str]]) -> None:
        """Register business units: (code, name, grade ladder as (grade, rank), time zone). The first one hosts the cohort."""
        for code, name, ladder, time_zone in units:
            body = {
                "code": code,
                "display_name": name,
                "grade_ladder": [{"grade": grade, "rank": rank} for grade, rank in ladder],
                "default_time_zone": time_zone,
            }
            try:
                unit = await self.caller.post(self.admin, "/enrollment/v1/business-units", body)
            except Refused as refused:
                if refused.status == 409:
                    raise DeploymentError(
                        f"unit {code} is there already: the year is played where it is not"
                    ) from refused
                raise
            self.units[code] = UUID(unit["business_unit_id"])
            self.story.units.append(name)
        self.host = next(iter(self.units.values()))
        self.manager = self.manager_of(self.host)

    def manager_of(self, unit_id: UUID) -> str:
        """A token of the unit's program manager."""
        return self.desk.token(
            roles=["program_manager"], business_unit_id=unit_id, subject=f"demo-manager-{unit_id}", person_id=unit_id
        )

    async def follow_import(self, import_id: str, token: str, *, seconds: float) -> dict[str, Any]:
        """Wait until an import has been applied; its final state."""

        async def ask() -> Any:
            return await self.caller.get(token, f"/enrollment/v1/imports/{import_id}")

        found: dict[str, Any] = await until(
            "the import", ask, lambda state: state["state"] in ("applied", "failed"), seconds=seconds
        )
        return found

    async def charter(self, owner: UUID, *, duration_months: int = 12) -> None:
        """Propose a program and give it a charter: objectives, metrics, an evaluation plan and an accountable owner."""
        program = await self.caller.post(
            self.manager,
            "/enrollment/v1/programs",
            {
                "title": "Reverse mentoring, first year",
                "settings": {"duration_months": duration_months, "planned_pairs": 30},
            },
        )
        self.program_id = UUID(program["program_id"])
        await self.caller.post(
            self.manager,
            f"/enrollment/v1/programs/{self.program_id}/charter",
            {
                "objectives": ["digital_skills", "perspective"],
                "metrics": ["skill_change", "cadence_kept", "connectedness_change"],
                "evaluation_design": "before_after",
                "accountable_owner_id": str(owner),
            },
        )

    async def open_cohort(self, *, closes: date, starts: date, mentor_places: int | None = None) -> None:
        """Open the cohort to applications, all registered units named on it."""
        cohort = await self.caller.post(
            self.manager,
            "/enrollment/v1/cohorts",
            {
                "program_id": str(self.program_id),
                "title": "First cohort",
                "named_unit_ids": [str(unit) for unit in self.units.values()],
                "enrollment_closes_on": closes.isoformat(),
                "starts_on": starts.isoformat(),
                "mentor_places": mentor_places,
            },
        )
        self.cohort_id = UUID(cohort["cohort_id"])
        self.starts_on = date.fromisoformat(cohort["starts_on"])
        self.ends_on = date.fromisoformat(cohort["ends_on"])
        self.story.starts_on, self.story.ends_on = self.starts_on, self.ends_on

    async def enroll(self, players: Sequence[Player], *, places: int | None = None) -> list[Player]:
        """Everybody applies, is screened, and is admitted while there are places, else waits in the queue."""
        self.players += players
        await self._all(self._apply(player) for player in players)
        applied = Counter[str](player.role for player in players)
        admitted: list[Player] = []
        for place, player in enumerate(players):
            path = f"/enrollment/v1/participations/{player.participation_id}"
            await self.caller.post(self.manager, f"{path}/screening", {"passed": True})
            waits = places is not None and place >= places
            await self.caller.post(self.manager, f"{path}/admission", {"decision": "waitlist" if waits else "admit"})
            if not waits:
                admitted.append(player)
        self.story.applied = {**self.story.applied, **applied}
        self.story.admitted = {**self.story.admitted, **Counter[str](player.role for player in admitted)}
        self.story.waitlisted += len(players) - len(admitted)
        return admitted

    async def _apply(self, player: Player) -> None:
        participation = await self.caller.post(
            self.as_person(player), f"/enrollment/v1/cohorts/{self.cohort_id}/applications", player.application
        )
        player.participation_id = UUID(participation["participation_id"])
        if player.groups:
            body = {"groups": player.groups, "purpose": "audit", "consent": True}
            path = f"/enrollment/v1/participations/{player.participation_id}/audit-groups"
            await self.caller.put(self.as_person(player), path, body)
            self.story.consented += 1

    # Pairing

    async def match(self, players: Sequence[Player]) -> None:
        """Close enrollment, run the matching, release it; everybody accepts but the first, who declines."""
        await self.caller.post(self.manager, f"/enrollment/v1/cohorts/{self.cohort_id}/close-enrollment")
        run = await until("the match run's start", self._start_run, seconds=90)

        async def ask() -> Any:
            return await self.caller.get(self.manager, f"/matching/v1/runs/{run['run_id']}")

        finished = await until(
            "the match run", ask, lambda found: found["state"] not in ("queued", "running"), seconds=120
        )
        self._read_certificate(finished)
        await self.caller.post(self.manager, f"/matching/v1/runs/{run['run_id']}/release")
        path = f"/matching/v1/runs/{run['run_id']}/governance-pack.html"
        self.story.pack_html = await until("the pack", lambda: self.caller.text_once(self.manager, path), seconds=60)
        by_participation = {player.participation_id: player for player in players}
        async for pair in self.caller.pages(self.manager, f"/matching/v1/runs/{run['run_id']}/proposals"):
            self.story.proposals += 1
            self.couples.append(
                Couple(
                    pair_id=UUID(pair["pair_id"]),
                    mentor=by_participation[UUID(pair["mentor_participation_id"])],
                    mentee=by_participation[UUID(pair["mentee_participation_id"])],
                    temper="steady",
                    score=pair["score"],
                    why=_why(pair["topics"]),
                )
            )
        self.couples.sort(key=lambda couple: couple.pair_id)
        if len(self.couples) > 3:
            declined = self.couples.pop(0)
            await self.caller.post(
                self.as_person(declined.mentee), f"/matching/v1/proposals/{declined.pair_id}/decline"
            )
            self.story.declined = 1
        await self._all(self._accept(couple) for couple in self.couples)

    def _read_certificate(self, run: Mapping[str, Any]) -> None:
        body = run["certificate"]
        counts = body["counts"]
        self.story.candidates_compared = counts["possible_pairs"]
        self.story.candidates_refused = counts["possible_pairs"] - counts["allowed_pairs"]
        self.story.excluded_by_rule = body["excluded"]
        self.story.certificate = {
            "input": body["input_hash"],
            "rules": f"version {body['rules']['version']}: {', '.join(body['rules']['applied'])}",
            "solver": f"{body['solver']['name']} {body['solver']['version']}",
            "status": body["status"],
            "objective": ", ".join(f"{level['level']} {level['value']}" for level in body["objective"]),
            "proven bound": ", ".join(f"{level['level']} {level['value']}" for level in body["bound"]),
            "violations": body["violations"],
            "certificate": run["certificate_hash"],
        }

    async def _start_run(self) -> Any:
        """Matching accepts a run as soon as it has heard that enrollment is closed."""
        try:
            return await self.caller.post(self.manager, f"/matching/v1/cohorts/{self.cohort_id}/runs")
        except Refused as refused:
            if refused.status == 409:
                return None
            raise

    async def _accept(self, couple: Couple) -> None:
        for player in (couple.mentor, couple.mentee):
            await self.caller.post(self.as_person(player), f"/matching/v1/proposals/{couple.pair_id}/acceptance")

    async def prepare(self) -> None:
        """Each pair signs its agreement, both sides take their training, and the pair becomes active."""
        await self._all(self._prepare(couple) for couple in self.couples)

    async def _prepare(self, couple: Couple) -> None:
        path = f"/engagement/v1/pairs/{couple.pair_id}"
        mentor, mentee = self.as_person(couple.mentor), self.as_person(couple.mentee)

        async def ask() -> Any:
            return await self.caller.get(mentor, f"{path}/agreement")

        agreement = await until("the agreement", ask)
        terms = {
            "boundaries": "Nothing about our own teams.",
            "goal_topics": [couple.mentor.application["offers"][0]["topic"]],
            "medium": "video",
            "place": "Wherever both can talk",
            "number_one_outcome": "Use one new tool every week.",
        }
        signed = await self.caller.post(
            mentor, f"{path}/agreement/signatures", {"agreement_version": agreement["agreement_version"], **terms}
        )
        await self.caller.post(
            mentee, f"{path}/agreement/signatures", {"agreement_version": signed["agreement_version"]}
        )
        for token, module in ((mentor, "mentor_onboarding"), (mentee, "mentee_onboarding")):
            await self.caller.post(token, f"{path}/trainings", {"module": module})

    # The year

    def day(self, number: float) -> datetime:
        """The moment `number` days after the start of the cohort, at ten in the morning UTC."""
        return datetime(self.starts_on.year, self.starts_on.month, self.starts_on.day, 10, tzinfo=UTC) + timedelta(
            days=number
        )

    async def live(self, *, until_day: int, step: int, tick: Callable[[int], Awaitable[None]]) -> None:
        """Days pass in steps; couples meet, cancel, fall silent, are spoken to, or leave. `tick` is awaited after each step."""
        draw = random.Random(f"{self.seed} year")  # noqa: S311  plays, guards nothing
        for today in range(0, until_day - step, step):
            self.time.move_to(self.day(today))
            await self._all(
                self._day(couple, label, today, step, draw) for label, couple in self._labelled() if not couple.has_left
            )
            await tick(today)

    def _labelled(self) -> list[tuple[str, Couple]]:
        return [(f"P{number:02d}", couple) for number, couple in enumerate(self.couples, start=1)]

    async def _day(self, couple: Couple, label: str, today: int, step: int, draw: random.Random) -> None:
        if couple.planned is not None:
            await self._resolve(couple, label, draw)
        if today >= couple.leaves_on:
            path = f"/engagement/v1/pairs/{couple.pair_id}/dissolution"
            await self.caller.post(self.as_person(couple.mentor), path, {})
            self.story.dissolved += 1
            couple.has_left = True
            return
        if couple.silent_from <= today < couple.silent_until:
            couple.next_on = max(couple.next_on, couple.silent_until)
        if couple.next_on > today + step:
            return
        outcome: MeetingOutcome = "held"
        if couple.temper == "cancels" and draw.random() < 0.25:
            outcome = "cancelled"
        elif couple.temper in ("cancels", "steady") and draw.random() < 0.04:
            outcome = "missed"
        await self._plan(couple, max(today + 1, couple.next_on), outcome, draw)

    async def _plan(self, couple: Couple, day: int, outcome: MeetingOutcome, draw: random.Random) -> None:
        """Half of the meetings that will take place are not announced, only logged afterwards."""
        couple.planned = Planned(day, outcome, None)
        couple.next_on = day + 21 - draw.randint(0, 2)
        if outcome == "held" and draw.random() < 0.5:
            return
        mentor, mentee = self.as_person(couple.mentor), self.as_person(couple.mentee)
        body = {"scheduled_for": self.day(day).isoformat(), "channel": "video"}
        meeting = await self.caller.post(mentor, f"/engagement/v1/pairs/{couple.pair_id}/meetings", body)
        couple.planned = Planned(day, outcome, meeting["meeting_id"])
        couple.meetings.append(UUID(meeting["meeting_id"]))
        if outcome == "cancelled":
            await self.caller.post(mentee, f"/engagement/v1/meetings/{meeting['meeting_id']}/cancellation", {})

    async def _resolve(self, couple: Couple, label: str, draw: random.Random) -> None:
        """The day of the planned meeting has passed: it is logged, unless it was cancelled or nobody came."""
        planned, couple.planned = couple.planned, None
        if planned is None:
            return
        self.story.meetings.append(Meeting(label, planned.day, planned.outcome))
        if planned.outcome != "held":
            return
        mentor = self.as_person(couple.mentor)
        held = {"held_at": self.day(planned.day).isoformat(), "minutes": draw.choice((45, 50, 60)), "channel": "video"}
        if planned.meeting_id is not None:
            await self.caller.post(mentor, f"/engagement/v1/meetings/{planned.meeting_id}/log", held)
            return
        meeting = await self.caller.post(mentor, f"/engagement/v1/pairs/{couple.pair_id}/meetings/log", held)
        couple.meetings.append(UUID(meeting["meeting_id"]))

    # Surveys

    async def survey(self, kind: str, *, share: float) -> str:
        """Every invited person of a pair asks for one blind signature; a share of them answers, without saying who they are."""
        draw = random.Random(f"{self.seed} {kind}")  # noqa: S311  plays, guards nothing

        async def ask() -> Any:
            found = await self.caller.get(self.manager, "/evaluation/v1/waves", cohort_id=self.cohort_id)
            return next((wave for wave in found["items"] if wave["kind"] == kind and wave["state"] == "open"), None)

        wave = await until(f"the {kind} survey", ask, seconds=60)
        people = [player for couple in self.couples for player in (couple.mentor, couple.mentee)]
        held = Counter(meeting.pair for meeting in self.story.meetings if meeting.outcome == "held")
        kept = {couple.pair_id: min(1.0, held[label] / 17) for label, couple in self._labelled()}
        willing = []
        seen: set[UUID] = set()
        for couple in self.couples:
            for player in (couple.mentor, couple.mentee):
                if player.person.person_id not in seen and draw.random() < share:
                    seen.add(player.person.person_id)
                    willing.append((player, kept[couple.pair_id]))
        await self._all(self._answer(wave["wave_id"], player, kind, ratio, draw) for player, ratio in willing)
        invited = {player.person.person_id for player in people}
        self.story.answered = {**self.story.answered, kind: (len(willing), len(invited))}
        return str(wave["wave_id"])

    async def _answer(self, wave_id: str, player: Player, kind: str, kept: float, draw: random.Random) -> None:
        token = self.as_person(player)
        wave = await self.caller.get(token, f"/evaluation/v1/waves/{wave_id}")
        modulus = base64.b64decode(wave["public_key"]["modulus"])
        key = PublicKey(int.from_bytes(modulus, "big"), wave["public_key"]["exponent"])
        ballot = new_token(UUID(wave_id))
        blinded, inverse = blind(key, ballot)
        signed = await self.caller.post(token, f"/evaluation/v1/waves/{wave_id}/tokens", {"blinded": _base64(blinded)})
        signature = finalize(key, ballot, base64.b64decode(signed["blind_signature"]), inverse)
        await self.caller.post(
            None,
            f"/evaluation/v1/waves/{wave_id}/responses",
            {
                "token": _base64(ballot),
                "signature": _base64(signature),
                "role": player.role,
                "answers": answers(wave["items"], closing=kind == "closing", kept=kept, draw=draw),
            },
            keyed=False,
        )

    # The end

    async def conclude(self) -> None:
        """After the last day: the closing survey is answered and closed, the cohort evaluated and closed, the report read."""
        wave_id = await self.survey("closing", share=0.85)
        await self.caller.post(self.manager, f"/evaluation/v1/waves/{wave_id}/closure")
        await self._cohort_is("closed", seconds=90)
        path = f"/evaluation/v1/cohorts/{self.cohort_id}/report"
        self.story.report = await self.caller.get(self.manager, path)
        self.story.survey_finding = _finding(self.story.report)
        self.story.report_html = await self.caller.text(self.manager, f"{path}.html?synthetic=true")
        await self.read_pairs()

    async def _cohort_is(self, state: str, *, seconds: float) -> None:
        async def ask() -> Any:
            return (await self.caller.get(self.manager, f"/enrollment/v1/cohorts/{self.cohort_id}"))["state"]

        await until(f"the cohort being {state}", ask, lambda found: found == state, seconds=seconds)

    async def read_pairs(self) -> None:
        """What became of every pair, as engagement tells it to the program manager."""
        found = {
            UUID(pair["pair_id"]): pair
            async for pair in self.caller.pages(self.manager, "/engagement/v1/pairs", cohort_id=self.cohort_id)
        }
        for label, couple in self._labelled():
            pair = found[couple.pair_id]
            fell_silent = pair["stalls"] > 0
            met_again = fell_silent and pair["stalled_at"] is None
            self.story.stalled += fell_silent
            self.story.rescued += met_again
            self.story.completed += pair["state"] == "completed"
            self.story.pairs.append(
                PairLine(
                    label=label,
                    mentor_grade=couple.mentor.person.grade,
                    mentee_grade=couple.mentee.person.grade,
                    score=couple.score,
                    why=couple.why,
                    held=pair["meetings_held"],
                    fate="rescued" if met_again and pair["state"] == "completed" else str(pair["state"]),
                )
            )

    async def _all(self, works: Iterable[Awaitable[Any]]) -> None:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(_awaited(work))


def _finding(report: Mapping[str, Any]) -> str:
    """The report's first change in a sentence, with how sure it is."""
    for change in (report.get("survey") or {}).get("changes", ()):
        difference = change["difference"]
        if difference["suppressed"] or difference["value"] is None:
            continue
        interval = difference["interval"]
        return (
            f"{change['about']} changed by {difference['value']:+.2f} points of a scale from 1 to 5"
            f" (95 % interval {interval['low']:+.2f} to {interval['high']:+.2f}; {change['n_before']} and {change['n_after']} answers;"
            f" conclusion: {change['conclusion'].replace('_', ' ')}). {report['evidence']['strength']}"
        )
    return "Too few answers to say anything."


def _why(topics: Sequence[Mapping[str, Any]]) -> str:
    """What each side teaches the other, in a few words."""
    taught = {
        side: ", ".join(topic["topic"].split(".")[-1].replace("_", " ") for topic in topics if topic["teacher"] == side)
        for side in ("mentor", "mentee")
    }
    words = "; ".join(
        f"{who} teaches {taught[side]}" for side, who in (("mentor", "junior"), ("mentee", "executive")) if taught[side]
    )
    return words[:1].upper() + words[1:]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


async def _awaited(work: Awaitable[Any]) -> None:
    await work
