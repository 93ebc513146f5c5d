"""Repositories of the guard: the register of conflicts, waivers, notices, and the books of what has still to be judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.database import WriteSession
from sqlalchemy import and_, bindparam, exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from matching.adapters import guard_rows, rows
from matching.adapters.tables import (
    conflicts,
    guard_applications,
    guard_marks,
    known_pairs,
    known_people,
    notices,
    pairs,
    waivers,
)
from matching.application.guard_ports import DuePair, PersonChange
from matching.domain.notice import Notice
from matching.domain.pair import Pair
from matching.domain.registered_conflict import RegisteredConflict
from matching.domain.waiver import Waiver, WaiverState

LIVING = ("released", "formed", "quarantined")
"""States of a pair that the guard watches, unless engagement has ended it."""

AT_ONCE = UUID(int=0)
"""Stands for a change set that needs nothing else to arrive."""

_LIVES = """pairs.state IN ('released', 'formed', 'quarantined')
        AND NOT EXISTS (SELECT FROM known_pairs WHERE known_pairs.pair_id = pairs.pair_id AND known_pairs.ended)"""
_MARK = "INSERT INTO guard_marks (pair_id, change_set_id, business_unit_id, named_unit_ids, happened_at)"
_NOT_TWICE = "ON CONFLICT (pair_id, change_set_id) DO NOTHING"
_COMPLETE = "sets.seen >= sets.size"
_OVERDUE = "sets.first_seen_at <= clock_timestamp() - make_interval(secs => :patience)"

# Sets are taken in the order of their ids: two consumers of one import wait for each other and never in a circle.
_NOTE_PEOPLE = text(
    """
    WITH fresh AS (
        INSERT INTO guard_changes (change_set_id, change_set_index, person_id, business_unit_id)
        SELECT DISTINCT ON (set_id, place) set_id, place, person_id, unit_id
        FROM unnest(CAST(:sets AS uuid[]), CAST(:places AS int[]), CAST(:people AS uuid[]), CAST(:units AS uuid[]))
             AS told (set_id, place, person_id, unit_id)
        ORDER BY set_id, place
        ON CONFLICT (change_set_id, change_set_index) DO NOTHING
        RETURNING change_set_id
    ), counted AS (
        SELECT set_id, (array_agg(unit_id))[1] AS unit_id, max(size) AS size,
               (SELECT count(*) FROM fresh WHERE fresh.change_set_id = set_id) AS seen
        FROM unnest(CAST(:sets AS uuid[]), CAST(:sizes AS int[]), CAST(:units AS uuid[])) AS told (set_id, size, unit_id)
        GROUP BY set_id
    )
    INSERT INTO guard_change_sets AS sets (change_set_id, business_unit_id, size, seen)
    SELECT set_id, unit_id, size, seen FROM counted ORDER BY set_id
    ON CONFLICT (change_set_id) DO UPDATE SET seen = sets.seen + excluded.seen
    """
)
_MARK_TOUCHED = text(
    f"""
    {_MARK}
    SELECT pairs.pair_id, told.set_id, pairs.business_unit_id, pairs.named_unit_ids, min(told.happened_at)
    FROM unnest(CAST(:people AS uuid[]), CAST(:sets AS uuid[]), CAST(:times AS timestamptz[]))
         AS told (person_id, set_id, happened_at)
    JOIN pairs ON pairs.watched @> ARRAY[told.person_id]
    WHERE {_LIVES}
    GROUP BY pairs.pair_id, told.set_id
    UNION ALL
    SELECT pairs.pair_id, told.set_id, pairs.business_unit_id, pairs.named_unit_ids, min(told.happened_at)
    FROM pairs
    CROSS JOIN unnest(CAST(:sets AS uuid[]), CAST(:times AS timestamptz[])) AS told (set_id, happened_at)
    WHERE pairs.watched IS NULL AND {_LIVES}
    GROUP BY pairs.pair_id, told.set_id
    {_NOT_TWICE}
    """
)
_MARK_TWO = text(
    f"""
    {_MARK}
    SELECT pair_id, :at_once, business_unit_id, named_unit_ids, CAST(:happened_at AS timestamptz) FROM pairs
    WHERE ((mentor_id = :one AND mentee_id = :other) OR (mentor_id = :other AND mentee_id = :one)) AND {_LIVES}
    {_NOT_TWICE}
    """
).bindparams(bindparam("at_once", AT_ONCE, Uuid))
_MARK_APPLICANTS = text(
    f"""
    WITH told AS (DELETE FROM guard_applications RETURNING participation_id, person_id, happened_at)
    {_MARK}
    SELECT pairs.pair_id, :at_once, pairs.business_unit_id, pairs.named_unit_ids, min(touching.happened_at)
    FROM (
        SELECT pairs.pair_id, told.happened_at FROM told JOIN pairs ON pairs.mentor_id = told.person_id
        WHERE pairs.mentor_participation_id = told.participation_id
        UNION ALL
        SELECT pairs.pair_id, told.happened_at FROM told JOIN pairs ON pairs.mentee_id = told.person_id
        WHERE pairs.mentee_participation_id = told.participation_id
    ) AS touching
    JOIN pairs ON pairs.pair_id = touching.pair_id
    WHERE {_LIVES}
    GROUP BY pairs.pair_id
    {_NOT_TWICE}
    """
).bindparams(bindparam("at_once", AT_ONCE, Uuid))
_MARK_AGAIN = text(
    f"""
    {_MARK}
    SELECT pairs.pair_id, told.set_id, pairs.business_unit_id, pairs.named_unit_ids, told.happened_at
    FROM unnest(CAST(:pairs AS uuid[]), CAST(:sets AS uuid[]), CAST(:times AS timestamptz[]))
         AS told (pair_id, set_id, happened_at)
    JOIN pairs ON pairs.pair_id = told.pair_id
    {_NOT_TWICE}
    """
)
_OUTDATE_BOTH = text(
    """
    UPDATE runs SET outdated = true
    WHERE state IN ('running', 'completed', 'releasing') AND NOT outdated
      AND people @> ARRAY[CAST(:one AS uuid), CAST(:other AS uuid)]
    """
)
# A mark of a set that is not in the books (any more) has nothing to wait for.
_DUE = text(
    f"""
    (
        SELECT pair_id FROM guard_marks
        WHERE EXISTS (SELECT FROM guard_change_sets AS sets WHERE sets.change_set_id = guard_marks.change_set_id
                      AND ({_COMPLETE} OR {_OVERDUE}))
           OR NOT EXISTS (SELECT FROM guard_change_sets AS sets WHERE sets.change_set_id = guard_marks.change_set_id)
        GROUP BY pair_id LIMIT :most
    )
    UNION
    (
        SELECT pair_id FROM pairs WHERE watched IS NULL AND {_LIVES} LIMIT :most
    )
    """
)
_SINCE = text(
    "SELECT pair_id, min(happened_at) AS since FROM guard_marks WHERE pair_id = ANY (CAST(:pairs AS uuid[])) GROUP BY pair_id"
)
_UNMARK = text("DELETE FROM guard_marks WHERE pair_id = ANY (CAST(:pairs AS uuid[]))")
_WATCH = text("UPDATE pairs SET watched = CAST(:people AS uuid[]) WHERE pair_id = :pair_id")
_ARRIVING = text(
    f"""
    SELECT changes.person_id, array_agg(DISTINCT changes.change_set_id) AS set_ids
    FROM guard_changes AS changes JOIN guard_change_sets AS sets ON sets.change_set_id = changes.change_set_id
    WHERE changes.person_id = ANY (CAST(:people AS uuid[])) AND NOT ({_COMPLETE}) AND NOT ({_OVERDUE})
    GROUP BY changes.person_id
    """
)
_CLOSE = text(
    f"""
    WITH closed AS (
        DELETE FROM guard_change_sets AS sets
        WHERE ({_COMPLETE} OR sets.first_seen_at < clock_timestamp() - interval '1 day' - make_interval(secs => :patience))
          AND NOT EXISTS (SELECT FROM guard_marks WHERE guard_marks.change_set_id = sets.change_set_id)
        RETURNING change_set_id
    )
    DELETE FROM guard_changes USING closed WHERE guard_changes.change_set_id = closed.change_set_id
    """
)
_LEAD = text(
    f"""
    SELECT CASE WHEN EXISTS (SELECT FROM guard_marks)
                  OR EXISTS (SELECT FROM guard_change_sets)
                  OR EXISTS (SELECT FROM guard_applications)
                  OR EXISTS (SELECT FROM conflicts WHERE NOT examined)
                  OR EXISTS (SELECT FROM pairs WHERE watched IS NULL AND {_LIVES})
                THEN pg_try_advisory_xact_lock(hashtext('matching guard')) ELSE false END
    """
)
_TAKE_UNEXAMINED = text(
    """
    UPDATE conflicts SET examined = true WHERE NOT examined
    RETURNING lower_id, higher_id, coalesce(removed_at, registered_at) AS changed_at
    """
)


def _ids(name: str, values: Collection[UUID]) -> Any:
    return func.any(bindparam(name, list(values), ARRAY(Uuid)))


class Conflicts:
    """See `application.guard_ports.ConflictRegister`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def among(self, people: Collection[UUID]) -> Sequence[tuple[UUID, UUID]]:
        """See the port."""
        found = await self._session.fetch_all(
            select(conflicts.c.lower_id, conflicts.c.higher_id)
            .where(
                conflicts.c.removed_at.is_(None),
                conflicts.c.lower_id == _ids("lower", people),
                conflicts.c.higher_id == _ids("higher", people),
            )
            .distinct()
            .order_by(conflicts.c.lower_id, conflicts.c.higher_id)
        )
        return [(row["lower_id"], row["higher_id"]) for row in found]

    async def get(self, conflict_id: UUID) -> RegisteredConflict | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(conflicts)
            .where(conflicts.c.conflict_id == conflict_id, conflicts.c.removed_at.is_(None))
            .with_for_update()
        )
        return None if row is None else guard_rows.conflict_of(row)

    async def knows_one_of(self, people: Collection[UUID]) -> bool:
        """See the port."""
        own = exists(select(known_people.c.person_id).where(known_people.c.person_id == _ids("people", people)))
        return bool(await self._session.scalar(select(own)))

    def add(self, entry: RegisteredConflict) -> None:
        """See the port."""
        self._session.insert(conflicts, guard_rows.conflict_values(entry))

    def remove(self, entry: RegisteredConflict, now: datetime) -> None:
        """See the port."""
        self._session.update(conflicts, {"conflict_id": entry.conflict_id}, {"removed_at": now, "examined": False})

    async def unexamined(self) -> Sequence[tuple[UUID, UUID, datetime]]:
        """See the port."""
        found = await self._session.fetch_all(_TAKE_UNEXAMINED)
        return sorted((row["lower_id"], row["higher_id"], row["changed_at"]) for row in found)


class Waivers:
    """See `application.guard_ports.WaiverRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def of_cohort(self, cohort_id: UUID) -> Sequence[Waiver]:
        """See the port."""
        found = await self._session.fetch_all(
            select(waivers)
            .where(waivers.c.cohort_id == cohort_id, waivers.c.state == WaiverState.APPROVED.value)
            .order_by(waivers.c.waiver_id)
        )
        return [guard_rows.waiver_of(row) for row in found]

    async def get(self, waiver_id: UUID) -> Waiver | None:
        """See the port."""
        row = await self._session.fetch_one(select(waivers).where(waivers.c.waiver_id == waiver_id).with_for_update())
        return None if row is None else guard_rows.waiver_of(row)

    def add(self, waiver: Waiver) -> None:
        """See the port."""
        self._session.insert(waivers, guard_rows.waiver_values(waiver))

    def save(self, waiver: Waiver) -> None:
        """See the port."""
        self._session.update(waivers, {"waiver_id": waiver.waiver_id}, guard_rows.changing_waiver_values(waiver))


class Notices:
    """See `application.guard_ports.NoticeRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def add(self, notice: Notice) -> None:
        """See the port."""
        values = {**asdict(notice), "kind": notice.kind.value}
        self._session.insert(
            notices, {**values, "named_unit_ids": list(notice.named_unit_ids), "rules": list(notice.rules)}
        )


class Books:
    """See `application.guard_ports.GuardBooks`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def note_people(self, changes: Sequence[PersonChange]) -> None:
        """See the port."""
        told = {
            "people": [change.person_id for change in changes],
            "sets": [change.change_set_id for change in changes],
        }
        of_sets = {
            "units": [change.business_unit_id for change in changes],
            "sizes": [change.change_set_size for change in changes],
            "places": [change.change_set_index for change in changes],
        }
        await self._session.execute(_NOTE_PEOPLE, [{**told, **of_sets}])
        await self._session.execute(_MARK_TOUCHED, [{**told, "times": [change.happened_at for change in changes]}])

    def note_application(self, participation_id: UUID, person_id: UUID, business_unit_id: UUID, at: datetime) -> None:
        """See the port."""
        values = {
            "participation_id": participation_id,
            "person_id": person_id,
            "business_unit_id": business_unit_id,
            "happened_at": at,
        }
        self._session.upsert(guard_applications, values, key=["participation_id"])

    async def mark(self, one: UUID, other: UUID, happened_at: datetime) -> None:
        """See the port."""
        await self._session.execute(_MARK_TWO, [{"one": one, "other": other, "happened_at": happened_at}])

    async def outdate(self, one: UUID, other: UUID) -> None:
        """See the port."""
        await self._session.execute(_OUTDATE_BOTH, [{"one": one, "other": other}])

    async def is_marked(self, pair_id: UUID) -> bool:
        """See the port."""
        marked = exists(select(guard_marks.c.pair_id).where(guard_marks.c.pair_id == pair_id))
        return bool(await self._session.scalar(select(marked)))

    async def lead(self) -> bool:
        """See the port."""
        return bool(await self._session.scalar(_LEAD))

    async def mark_applicants(self) -> None:
        """See the port."""
        await self._session.execute(_MARK_APPLICANTS)

    async def due(self, limit: int, patience: float) -> Sequence[DuePair]:
        """See the port."""
        named = await self._session.fetch_all(_DUE, {"most": limit, "patience": patience})
        ids = sorted(row["pair_id"] for row in named)
        if not ids:
            return []
        found = await self._session.fetch_all(
            select(pairs)
            .select_from(pairs.outerjoin(known_pairs, known_pairs.c.pair_id == pairs.c.pair_id))
            .where(
                pairs.c.pair_id == _ids("due", ids),
                pairs.c.state.in_(LIVING),
                or_(known_pairs.c.ended.is_(None), and_(~known_pairs.c.ended)),
            )
            .order_by(pairs.c.pair_id)
            .with_for_update(of=pairs)
        )
        since = {row["pair_id"]: row["since"] for row in await self._session.fetch_all(_SINCE, {"pairs": ids})}
        living = [rows.pair_of(row) for row in found]
        over = set(ids) - {pair.pair_id for pair in living}
        if over:
            await self._session.execute(_UNMARK, [{"pairs": sorted(over)}])
        return [DuePair(pair, since.get(pair.pair_id)) for pair in living]

    async def arriving(self, people: Collection[UUID], patience: float) -> Mapping[UUID, frozenset[UUID]]:
        """See the port."""
        found = await self._session.fetch_all(_ARRIVING, {"people": list(people), "patience": patience})
        return {row["person_id"]: frozenset(row["set_ids"]) for row in found}

    async def settle(
        self, stands_on: Mapping[UUID, Collection[UUID]], waiting: Sequence[tuple[Pair, UUID, datetime]]
    ) -> None:
        """See the port."""
        await self._session.execute(_UNMARK, [{"pairs": list(stands_on)}])
        await self._session.execute(
            _WATCH, [{"pair_id": pair_id, "people": sorted(people)} for pair_id, people in stands_on.items()]
        )
        if waiting:
            await self._session.execute(
                _MARK_AGAIN,
                [
                    {
                        "pairs": [pair.pair_id for pair, _, _ in waiting],
                        "sets": [set_id for _, set_id, _ in waiting],
                        "times": [since for _, _, since in waiting],
                    }
                ],
            )

    async def close_change_sets(self, patience: float) -> None:
        """See the port."""
        await self._session.execute(_CLOSE, [{"patience": patience}])
