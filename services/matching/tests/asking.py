"""People of a cohort in self or hybrid mode, as they act through the API, with the worker doing its part in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.enrollment import MatchingMode
from contracts.identifiers import uuid7
from matching.domain.facts import Quota, Role
from matching.domain.match_request import MatchRequest
from matching.domain.pair import Member
from matching.domain.pair_review import PairReview, ReviewVerdict
from matching.domain.preferences import Preferences
from matching.domain.quota import CohortQuotas
from matching.domain.search import Search
from matching.domain.what_if import Changes, WhatIf
from matching.entrypoints.mode_schedule import answer_searches, check_open_requests

from .events import NOW, Somebody, World
from .running import Matching


def mode_world(mentors: int = 1, mentees: int = 1, mode: MatchingMode = MatchingMode.SELF, **settings: Any) -> World:
    """A cohort being matched in which everybody may meet everybody, in a mode of the program."""
    made = World()
    settings = {"asking_side": None} | settings
    made.program_chartered(matching_mode=mode, **settings)
    made.cohort_is()
    for _ in range(mentors):
        made.mentor()
    for _ in range(mentees):
        made.mentee()
    return made


async def searched(matching: Matching, who: Somebody) -> dict[str, Any]:
    """Somebody searches; the answered search with the people found under `people`."""
    person = matching.participant(who)
    started = await person.post(f"/v1/participations/{who.participation}/searches")
    assert started.status_code == 202, started.text
    assert await answer_searches(matching.worker)
    location = started.headers["location"]
    body: dict[str, Any] = (await person.get(location)).json()
    return body | {"people": (await person.get(f"{location}/people?limit=200")).json()["items"]}


async def asked(matching: Matching, asker: Somebody, partner: Somebody) -> str:
    """Somebody who has searched asks, and the worker finds nothing against it; the request's path."""
    body = {"participation_id": str(asker.participation), "partner_participation_id": str(partner.participation)}
    answer = await matching.participant(asker).post("/v1/requests", body)
    assert answer.status_code == 201, answer.text
    await check_open_requests(matching.worker)
    path: str = answer.headers["location"]
    assert (await matching.participant(partner).get(path)).status_code == 200
    return path


async def fill_mode_tables(matching: Matching, cohort: World, pair: dict[str, Any]) -> None:
    """A row in every table of these modes, about the cohort's first mentor and mentee; `pair` is a proposal of a run."""
    mentor, mentee = cohort.mentors[0], cohort.mentees[0]
    units = tuple(sorted({cohort.unit, mentor.unit, mentee.unit}))
    ids = cohort.cohort, cohort.program, cohort.unit
    key = mentor.participation, mentee.participation
    async with matching.worker.committed() as uow:
        uow.searches.add(Search(uuid7(), mentee.participation, mentee.person, *ids, units, NOW))
        uow.requests.add(
            MatchRequest(
                uuid7(), *ids, units, Role.MENTEE, Member(mentor.person, mentor.participation),
                Member(mentee.person, mentee.participation), NOW, NOW, NOW + timedelta(days=400),
            )
        )  # fmt: skip
        own = mentee.participation, cohort.cohort, mentee.person, cohort.unit, units
        uow.preferences.put(Preferences(*own, ranked=(mentor.participation,), changed_at=NOW, version=1))
        uow.quotas.put(CohortQuotas(*ids, quotas=(Quota(cohort.unit, 5),), version=1))
        uow.reviews.add(PairReview(uuid7(), *ids, *key, ReviewVerdict.LOCKED, NOW))
        uow.what_ifs.add(WhatIf(uuid7(), UUID(pair["run_id"]), *ids, Changes(minimum_grade_gap=2), NOW))
