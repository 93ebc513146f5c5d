"""The connection is lost during COMMIT: what happened is known only by the idempotency key, and one try more settles it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from chassis.database import CommitInDoubt
from sqlalchemy import select

from .notebook import note, notes, request, response, service_for

pytestmark = [pytest.mark.integration, pytest.mark.requirement("F11", "I9")]


class Wire:
    """A TCP proxy before the database that can swallow the answer to a chosen message and cut the connection."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.cut_after: bytes | None = None
        self.let_through = True
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(*self._target)
        answers = asyncio.create_task(self._copy(from_server, writer))
        try:
            while data := await reader.read(65536):
                if self.cut_after is not None and self.cut_after in data:
                    self.cut_after = None
                    answers.cancel()
                    await asyncio.wait([answers])
                    if self.let_through:
                        to_server.write(data)
                        await from_server.read(65536)
                    break
                to_server.write(data)
        finally:
            answers.cancel()
            writer.close()
            to_server.close()

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
            writer.close()


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("single", [True, False])
async def test_a_commit_in_doubt_is_resolved_by_its_key(own_database, own_admin, unit, committed, single):
    target = urlsplit(own_database.admin_dsn)
    async with Wire(target.hostname or "", target.port or 0) as wire:
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
