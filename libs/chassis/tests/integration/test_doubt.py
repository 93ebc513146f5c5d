"""The connection is lost during COMMIT: what happened is known only by the idempotency key, and one try more settles it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from chassis.database import CommitInDoubt
from chassis.testing import DatabaseProxy
from sqlalchemy import select

from .notebook import note, notes, request, response, service_for

pytestmark = [pytest.mark.integration, pytest.mark.requirement("F11", "I9")]


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("single", [True, False])
async def test_a_commit_in_doubt_is_resolved_by_its_key(own_database, own_admin, unit, committed, single):
    target = urlsplit(own_database.admin_dsn)
    async with DatabaseProxy(target.hostname or "", target.port or 0) as wire:
        through = replace(own_database, address=f"postgresql://127.0.0.1:{wire.port}/{own_database.name}")
        api = service_for(through, "api")
        key, row = request(unit), note(unit, code="once")

        async def attempt():
            async with api.database.write(business_unit_id=unit) as session:
                if not single:
                    await session.fetch_one(select(notes).limit(1))
                session.insert(notes, row)
                return await session.commit(key, response("the answer"))

        await api.database.ping()
        # The parameters of the single statement travel with the answer's body in them; else it is COMMIT that is cut.
        wire.cut_after = b"the answer" if single else b"COMMIT"
        wire.let_through = committed
        with pytest.raises(CommitInDoubt):
            await attempt()
        count = "SELECT count(*) FROM notes WHERE note_id = $1"
        assert await own_admin.fetchval(count, row["note_id"]) == int(committed)
        earlier = await attempt()
        assert (earlier.body if earlier else None) == (b"the answer" if committed else None)
        assert await own_admin.fetchval(count, row["note_id"]) == 1
        await api.database.close()
