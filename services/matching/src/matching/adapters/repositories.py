"""Repositories upon a write session: they load with a lock and stage what is to be written at the commit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.database import WriteSession
from sqlalchemy import and_, bindparam, func, literal_column, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.types import Uuid

from matching.adapters import rows
from matching.adapters.many_rows import (
    PARTICIPATIONS_BY_IDS,
    PARTICIPATIONS_OF_COHORT,
    PEOPLE_WITH_SUPERIORS,
    ReadParticipations,
    ReadPeople,
    read_many,
)
from matching.adapters.run_records import insert_all
from matching.adapters.tables import (
    known_cohorts,
    known_pairs,
    known_participations,
    known_people,
    known_programs,
    pair_reviews,
    pairs,
    runs,
)
from matching.application.ports import (
    KnownCohort,
    KnownPair,
    KnownParticipation,
    KnownPerson,
    KnownProgram,
    StandingPair,
)
from matching.domain.match_run import MatchRun
from matching.domain.pair import Pair

_REAL_NOW = func.clock_timestamp()
_PAIR = select(pairs).with_for_update()
_REJECTED = (
    select(pair_reviews.c.review_id)
    .where(
        pair_reviews.c.cohort_id == pairs.c.cohort_id,
        pair_reviews.c.mentor_participation_id == pairs.c.mentor_participation_id,
        pair_reviews.c.mentee_participation_id == pairs.c.mentee_participation_id,
        pair_reviews.c.verdict == "rejected",
    )
    .exists()
)
# Who was in a snapshot is never looked at here, and may be a hundred thousand ids.
_RUN = [column for column in runs.columns if column.name != "people"]


_FACTS_CHANGED = text(
    """
    SELECT runs.facts_mark IS DISTINCT FROM (
        SELECT coalesce(sum(known_people.sequence), 0) FROM known_people WHERE known_people.person_id = ANY (runs.people)
    )
    FROM runs WHERE runs.run_id = :run_id
    """
)
_FACTS_MISSING = text(
    """
    WITH RECURSIVE up (person_id) AS (
        SELECT person_id FROM known_participations
        WHERE cohort_id = :cohort_id AND state IN ('admitted', 'matched', 'active')
        UNION
        SELECT superior.person_id
        FROM up JOIN known_people ON known_people.person_id = up.person_id
        CROSS JOIN LATERAL unnest(known_people.dotted_line_ids || known_people.manager_id) AS superior (person_id)
        WHERE superior.person_id IS NOT NULL
    )
    SELECT EXISTS (
        SELECT FROM up WHERE NOT EXISTS (SELECT FROM known_people WHERE known_people.person_id = up.person_id)
    ) OR EXISTS (
        SELECT FROM known_participations
        WHERE cohort_id = :cohort_id AND state IN ('admitted', 'matched', 'active') AND time_zone IS NULL
    )
    """
)


class Runs:
    """See `application.ports.RunRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def of_cohort(self, cohort_id: UUID) -> Sequence[MatchRun]:
        """See the port."""
        columns = [column for column in _RUN if column.name != "result"]
        found = await self._session.fetch_all(
            select(*columns, literal_column("NULL").label("result"))
            .where(runs.c.cohort_id == cohort_id)
            .order_by(runs.c.run_id.desc())
            .with_for_update()
        )
        return [rows.run_of(row) for row in found]

    async def get(self, run_id: UUID) -> MatchRun | None:
        """See the port."""
        row = await self._session.fetch_one(select(*_RUN).where(runs.c.run_id == run_id).with_for_update())
        return None if row is None else rows.run_of(row)

    async def due(self, limit: int) -> Sequence[tuple[MatchRun, float]]:
        """See the port."""
        waited = func.extract("epoch", _REAL_NOW - runs.c.queued_at).label("waited")
        lease_is_over = and_(
            runs.c.state.in_(["running", "releasing"]), func.coalesce(runs.c.leased_until, _REAL_NOW) <= _REAL_NOW
        )
        found = await self._session.fetch_all(
            select(*_RUN, waited)
            .where(or_(runs.c.state == "queued", lease_is_over))
            .order_by(runs.c.run_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [(rows.run_of(row), float(row["waited"])) for row in found]

    async def lease(self, run: MatchRun, seconds: float) -> None:
        """See the port."""
        until = _REAL_NOW + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        await self._session.execute(update(runs).where(runs.c.run_id == run.run_id).values(leased_until=until))

    async def keep(self, run_id: UUID, attempt: int, seconds: float, progress: tuple[str, int]) -> bool:
        """See the port."""
        until = _REAL_NOW + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        held = and_(runs.c.run_id == run_id, runs.c.attempts == attempt, runs.c.state.in_(["running", "releasing"]))
        stage, share = progress
        changed = update(runs).where(held).values(leased_until=until, stage=stage, share=share)
        return await self._session.execute(changed) == 1

    async def remember_facts(self, run_id: UUID, people: Collection[UUID], mark: int) -> None:
        """See the port."""
        seen = bindparam("seen", list(people), ARRAY(Uuid))
        await self._session.execute(update(runs).where(runs.c.run_id == run_id).values(people=seen, facts_mark=mark))

    async def facts_changed(self, run_id: UUID) -> bool:
        """See the port."""
        return bool(await self._session.scalar(_FACTS_CHANGED, {"run_id": run_id}))

    async def facts_missing(self, cohort_id: UUID) -> bool:
        """See the port."""
        return bool(await self._session.scalar(_FACTS_MISSING, {"cohort_id": cohort_id}))

    def add(self, run: MatchRun) -> None:
        """See the port."""
        values = {**rows.constant_run_values(run), **rows.changing_run_values(run)}
        self._session.insert(runs, {"run_id": run.run_id, "people": [], **values})

    def save(self, run: MatchRun) -> None:
        """See the port."""
        self._session.update(runs, {"run_id": run.run_id}, rows.changing_run_values(run))

    async def outdate(self, people: Collection[UUID]) -> None:
        """See the port."""
        seen = runs.c.people.overlap(bindparam("changed", list(people), ARRAY(Uuid)))
        await self._session.execute(
            update(runs)
            .where(runs.c.state.in_(["running", "completed", "releasing"]), ~runs.c.outdated, seen)
            .values(outdated=True)
        )

    async def restart(self, people: Collection[UUID]) -> None:
        """See the port."""
        seen = runs.c.people.overlap(bindparam("erased", list(people), ARRAY(Uuid)))
        # Who is in the snapshot is noted in the transaction that reads it: until then nobody is.
        reading = func.cardinality(runs.c.people) == 0
        await self._session.execute(
            update(runs)
            .where(runs.c.state == "running", or_(seen, reading))
            .values(state="queued", leased_until=None, stage=None, share=None, version=runs.c.version + 1)
        )


class Pairs:
    """See `application.ports.PairRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, pair_id: UUID) -> Pair | None:
        """See the port."""
        row = await self._session.fetch_one(_PAIR.where(pairs.c.pair_id == pair_id))
        return None if row is None else rows.pair_of(row)

    async def of_run(self, run_id: UUID) -> Sequence[Pair]:
        """See the port."""
        found = await self._session.fetch_all(
            _PAIR.where(pairs.c.run_id == run_id, ~_REJECTED).order_by(pairs.c.pair_id)
        )
        return [rows.pair_of(row) for row in found]

    async def proposed_by(self, run_id: UUID) -> Sequence[tuple[UUID, UUID]]:
        """See the port."""
        found = await self._session.fetch_all(
            select(pairs.c.mentor_participation_id, pairs.c.mentee_participation_id).where(
                pairs.c.run_id == run_id, pairs.c.state == "proposed"
            )
        )
        return [(row["mentor_participation_id"], row["mentee_participation_id"]) for row in found]

    async def release_all(self, run_id: UUID, released_at: datetime, expires_at: datetime) -> int:
        """See the port."""
        changed = {"state": "released", "released_at": released_at, "expires_at": expires_at}
        return await self._session.execute(
            update(pairs)
            .where(pairs.c.run_id == run_id, pairs.c.state == "proposed", ~_REJECTED)
            .values(**changed, version=pairs.c.version + 1)
        )

    async def standing(self, cohort_id: UUID) -> Sequence[StandingPair]:
        """See the port."""
        lives = and_(pairs.c.state.in_(["formed", "quarantined"]), ~func.coalesce(known_pairs.c.ended, False))
        found = await self._session.fetch_all(
            select(
                pairs.c.mentor_participation_id,
                pairs.c.mentee_participation_id,
                pairs.c.mentor_id,
                pairs.c.mentee_id,
                or_(pairs.c.state == "released", lives).label("holds_places"),
            )
            .select_from(pairs.outerjoin(known_pairs, known_pairs.c.pair_id == pairs.c.pair_id))
            .where(pairs.c.cohort_id == cohort_id, pairs.c.state.not_in(["proposed", "withdrawn"]))
        )
        return [StandingPair(**row) for row in found]

    async def late(self, now: datetime, limit: int) -> Sequence[Pair]:
        """See the port."""
        found = await self._session.fetch_all(
            select(pairs)
            .where(pairs.c.state == "released", pairs.c.expires_at <= now)
            .order_by(pairs.c.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [rows.pair_of(row) for row in found]

    async def abandoned(self, limit: int) -> Sequence[Pair]:
        """See the port."""
        gone = (
            select(known_participations.c.participation_id)
            .join(known_people, known_people.c.person_id == known_participations.c.person_id, isouter=True)
            .where(
                known_participations.c.participation_id.in_(
                    [pairs.c.mentor_participation_id, pairs.c.mentee_participation_id]
                ),
                or_(
                    known_participations.c.state.not_in(["admitted", "matched", "active"]),
                    ~func.coalesce(known_people.c.employed, True),
                ),
            )
            .exists()
        )
        found = await self._session.fetch_all(
            select(pairs)
            .where(pairs.c.state == "released", gone)
            .order_by(pairs.c.pair_id)
            .limit(limit)
            .with_for_update(of=pairs, skip_locked=True)
        )
        return [rows.pair_of(row) for row in found]

    async def add_all(self, added: Sequence[Pair]) -> None:
        """See the port."""
        await insert_all(
            self._session,
            pairs,
            [
                {"pair_id": pair.pair_id, **rows.constant_pair_values(pair), **rows.changing_pair_values(pair)}
                for pair in added
            ],
        )

    def save(self, pair: Pair) -> None:
        """See the port."""
        self._session.update(pairs, {"pair_id": pair.pair_id}, rows.changing_pair_values(pair))

    async def save_all(self, changed: Sequence[Pair]) -> None:
        """See the port."""
        if changed:
            values = [{"key": pair.pair_id, **rows.changing_pair_values(pair)} for pair in changed]
            named: dict[str, Any] = {column: bindparam(column) for column in values[0] if column != "key"}
            await self._session.execute(update(pairs).where(pairs.c.pair_id == bindparam("key")).values(named), values)


class People:
    """See `application.ports.KnownPeople`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def with_superiors(self, people: Collection[UUID]) -> Sequence[KnownPerson]:
        """See the port."""
        return await read_many(self._session, PEOPLE_WITH_SUPERIORS, list(people), ReadPeople())

    async def put_all(self, people: Sequence[KnownPerson]) -> Sequence[UUID]:
        """See the port."""
        keys = bindparam("people", [person.person_id for person in people], ARRAY(Uuid))
        found = await self._session.fetch_all(
            select(known_people).where(known_people.c.person_id == func.any(keys)).with_for_update()
        )
        held = {row["person_id"]: rows.person_of(row) for row in found}
        newer = [
            person
            for person in people
            if person.person_id not in held or held[person.person_id].sequence < person.sequence
        ]
        if newer:
            statement = upsert(known_people)
            written = {column.name: statement.excluded[column.name] for column in known_people.columns}
            await self._session.execute(
                statement.on_conflict_do_update(
                    index_elements=["person_id"],
                    set_=written,
                    where=known_people.c.sequence < statement.excluded.sequence,
                ),
                [rows.person_values(person) for person in newer],
            )
        return [
            person.person_id
            for person in newer
            if person.person_id in held and replace(held[person.person_id], sequence=person.sequence) != person
        ]


class Programs:
    """See `application.ports.KnownPrograms`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, program_id: UUID) -> KnownProgram | None:
        """See the port."""
        row = await self._session.fetch_one(select(known_programs).where(known_programs.c.program_id == program_id))
        return None if row is None else rows.program_of(row)

    def put(self, program: KnownProgram) -> None:
        """See the port."""
        self._session.upsert(known_programs, rows.program_values(program), key=["program_id"], newer="sequence")


class Cohorts:
    """See `application.ports.KnownCohorts`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, cohort_id: UUID) -> KnownCohort | None:
        """See the port."""
        row = await self._session.fetch_one(select(known_cohorts).where(known_cohorts.c.cohort_id == cohort_id))
        return None if row is None else rows.cohort_of(row)

    def put(self, cohort: KnownCohort) -> None:
        """See the port."""
        self._session.upsert(known_cohorts, rows.cohort_values(cohort), key=["cohort_id"], newer="sequence")


class Participations:
    """See `application.ports.KnownParticipations`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def of_cohort(self, cohort_id: UUID) -> Sequence[KnownParticipation]:
        """See the port."""
        return await read_many(self._session, PARTICIPATIONS_OF_COHORT, cohort_id, ReadParticipations())

    async def by_ids(self, participation_ids: Collection[UUID]) -> Sequence[KnownParticipation]:
        """See the port."""
        ids = list(participation_ids)
        return await read_many(self._session, PARTICIPATIONS_BY_IDS, ids, ReadParticipations())

    async def cadence_floors(self, cohort_id: UUID) -> Mapping[UUID, int]:
        """See the port."""
        found = await self._session.fetch_all(
            select(known_participations.c.participation_id, known_participations.c.cadence_floor_days).where(
                known_participations.c.cohort_id == cohort_id, known_participations.c.cadence_floor_days.is_not(None)
            )
        )
        return {row["participation_id"]: row["cadence_floor_days"] for row in found}

    def put(self, participation: KnownParticipation) -> None:
        """See the port."""
        self._session.upsert(
            known_participations,
            rows.participation_values(participation),
            key=["participation_id"],
            newer="sequence",
        )


class EndedPairs:
    """See `application.ports.KnownPairs`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def put(self, pair: KnownPair) -> None:
        """See the port."""
        values = {**asdict(pair), "named_unit_ids": list(pair.named_unit_ids)}
        self._session.upsert(known_pairs, values, key=["pair_id"], newer="sequence")
