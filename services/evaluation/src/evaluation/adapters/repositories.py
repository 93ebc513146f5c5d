"""Waves, their secrets, and anonymous answers.

An answer must not be found again by where or when it was written. A heap keeps rows in the order in which they came, and
PostgreSQL stamps each with its transaction; so every answer is written together with others of its wave, all of them anew,
in a random order and under new random keys. What remains for a reader who may look at the disk: dead rows until they are
vacuumed, the write-ahead log, and how the table grows while it is watched. That somebody took a token is known until the
wave closes (and by the idempotency key of the request for a week); what they answered is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from chassis.database import WriteSession
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import bindparam, delete, func, select, text
from sqlalchemy import update as sql_update
from sqlalchemy.dialects.postgresql import JSONB

from evaluation.adapters.rows import to_bytes, wave_of, wave_row
from evaluation.adapters.tables import (
    evaluations,
    known_cohorts,
    responses,
    signing_keys,
    spent_tokens,
    token_grants,
    wave_hosts,
    waves,
)
from evaluation.application.ports import SigningKey
from evaluation.domain.facts import CohortFact
from evaluation.domain.instruments import Role, WaveKind
from evaluation.domain.report import hash_of
from evaluation.domain.waves import Wave, WaveState

_KEY_BITS = 2048
_MIXED_AT_ONCE = 256

_ADD_RESPONSE = text("""
WITH others AS (
 DELETE FROM responses WHERE response_id IN (
  SELECT response_id FROM responses WHERE wave_id = :wave_id ORDER BY random() LIMIT :others)
 RETURNING business_unit_id, named_unit_ids, wave_id, role, answers
)
INSERT INTO responses (business_unit_id, named_unit_ids, wave_id, role, answers)
SELECT * FROM (
 SELECT * FROM others
 UNION ALL SELECT CAST(:business_unit_id AS uuid), CAST(:named_unit_ids AS uuid[]), CAST(:wave_id AS uuid), :role, :answers
) AS mixed ORDER BY random()
""").bindparams(bindparam("answers", type_=JSONB))

_SEAL = text("""
WITH all_of_them AS (
 DELETE FROM responses WHERE wave_id = :wave_id RETURNING business_unit_id, named_unit_ids, wave_id, role, answers
)
INSERT INTO responses (business_unit_id, named_unit_ids, wave_id, role, answers)
SELECT * FROM all_of_them ORDER BY random()
""")


class Waves:
    """Survey waves."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, wave_id: UUID) -> Wave | None:
        """The wave, which cannot close before this transaction ends; many may hold it so at once."""
        row = await self._session.fetch_one(select(waves).where(waves.c.wave_id == wave_id).with_for_update(read=True))
        return None if row is None else wave_of(row)

    async def get_alone(self, wave_id: UUID) -> Wave | None:
        """The wave, held alone."""
        row = await self._session.fetch_one(select(waves).where(waves.c.wave_id == wave_id).with_for_update())
        return None if row is None else wave_of(row)

    async def next_due(self, now: datetime) -> Wave | None:
        """The wave that has been due longest and that nobody holds. A wave of an unknown cohort waits, and holds up no other."""
        known = select(known_cohorts.c.cohort_id).where(known_cohorts.c.cohort_id == waves.c.cohort_id).exists()
        row = await self._session.fetch_one(
            select(waves)
            .where(waves.c.state == WaveState.OPEN.value, waves.c.closes_on <= now.date(), known)
            .order_by(waves.c.closes_on, waves.c.wave_id)
            .limit(1)
            .with_for_update(skip_locked=True, of=waves)
        )
        return None if row is None else wave_of(row)

    async def exists(self, cohort_id: UUID, kind: WaveKind) -> bool:
        """Whether the cohort has this wave."""
        found = await self._session.scalar(
            select(waves.c.wave_id).where(waves.c.cohort_id == cohort_id, waves.c.kind == kind.value)
        )
        return found is not None

    def add(self, wave: Wave) -> None:
        """Stage a new wave, and which unit hosts it."""
        self._session.insert(waves, wave_row(wave))
        self._session.insert(wave_hosts, {"wave_id": wave.wave_id, "host_unit_id": wave.business_unit_id})

    async def save(self, wave: Wave) -> None:
        """Write what has changed."""
        await self._session.execute(sql_update(waves).where(waves.c.wave_id == wave.wave_id).values(**wave_row(wave)))


class WaveKeys:
    """Private keys of open waves."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def make(self, wave: Wave) -> SigningKey:
        """A fresh key. Making one takes up to a second of a core, so a thread does it (the library lets go of the GIL)."""
        made = await asyncio.to_thread(rsa.generate_private_key, public_exponent=65537, key_size=_KEY_BITS)
        numbers = made.private_numbers()
        key = SigningKey(numbers.public_numbers.n, numbers.public_numbers.e, numbers.d)
        self._session.insert(
            signing_keys,
            {
                "wave_id": wave.wave_id,
                "business_unit_id": wave.business_unit_id,
                "named_unit_ids": list(wave.named_unit_ids),
                "modulus": to_bytes(key.n),
                "public_exponent": key.e,
                "private_exponent": to_bytes(key.d),
            },
        )
        return key

    async def get(self, wave_id: UUID) -> SigningKey | None:
        """The key while the wave is open."""
        row = await self._session.fetch_one(select(signing_keys).where(signing_keys.c.wave_id == wave_id))
        if row is None:
            return None
        return SigningKey(
            int.from_bytes(row["modulus"]), row["public_exponent"], int.from_bytes(row["private_exponent"])
        )

    async def drop(self, wave: Wave) -> None:
        """Remove it."""
        await self._session.execute(delete(signing_keys).where(signing_keys.c.wave_id == wave.wave_id))


class Grants:
    """Who has taken a token of an open wave."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def add(self, wave: Wave, person_id: UUID) -> None:
        """Stage it; the primary key refuses a second time."""
        self._session.insert(
            token_grants,
            {
                "wave_id": wave.wave_id,
                "person_id": person_id,
                "business_unit_id": wave.business_unit_id,
                "named_unit_ids": list(wave.named_unit_ids),
            },
        )

    async def remove_all(self, wave: Wave) -> int:
        """Forget them."""
        return await self._session.execute(delete(token_grants).where(token_grants.c.wave_id == wave.wave_id))


class Answers:
    """Anonymous answers and used tokens. The caller holds the wave alone."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def spend(self, wave: Wave, token_hash: bytes) -> None:
        """Stage it; the primary key refuses a second time."""
        self._session.insert(
            spent_tokens,
            {
                "token_hash": token_hash,
                "wave_id": wave.wave_id,
                "business_unit_id": wave.business_unit_id,
                "named_unit_ids": list(wave.named_unit_ids),
            },
        )

    async def add(self, wave: Wave, role: Role, answers: Mapping[str, int]) -> None:
        """Write them among up to 256 others of the wave, all rewritten."""
        await self._session.execute(
            _ADD_RESPONSE.bindparams(
                wave_id=wave.wave_id,
                others=_MIXED_AT_ONCE,
                business_unit_id=wave.business_unit_id,
                named_unit_ids=list(wave.named_unit_ids),
                role=role.value,
                answers=dict(answers),
            )
        )

    async def seal(self, wave: Wave) -> int:
        """Rewrite the whole wave once more, forget its used tokens, count its answers."""
        await self._session.execute(_SEAL.bindparams(wave_id=wave.wave_id))
        await self._session.execute(delete(spent_tokens).where(spent_tokens.c.wave_id == wave.wave_id))
        count = await self._session.scalar(
            select(func.count()).select_from(responses).where(responses.c.wave_id == wave.wave_id)
        )
        return int(count)


class FinalReports:
    """Reports as they were published."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def exists(self, cohort_id: UUID) -> bool:
        """Whether the cohort was evaluated."""
        return (
            await self._session.scalar(select(evaluations.c.cohort_id).where(evaluations.c.cohort_id == cohort_id))
            is not None
        )

    def add(self, facts: CohortFact, named_unit_ids: Sequence[UUID], evaluated_at: datetime, report: str) -> None:
        """Stage it."""
        self._session.insert(
            evaluations,
            {
                "cohort_id": facts.cohort_id,
                "business_unit_id": facts.business_unit_id,
                "named_unit_ids": list(named_unit_ids),
                "evaluated_at": evaluated_at,
                "report": report,
                "report_hash": hash_of(report),
                "version": 1,
            },
        )
