"""The servers that tests share: there, reachable by the services' roles only, and isolated by database."""

from __future__ import annotations

import asyncpg
import pytest


@pytest.mark.integration
async def test_each_module_gets_a_database_of_its_own_with_the_services_roles(make_database, postgres):
    one, other = make_database("matching"), make_database("matching")
    assert one.name != other.name
    owner = await asyncpg.connect(one.dsn("owner"))
    try:
        await owner.execute("create table facts (fact int)")
    finally:
        await owner.close()
    api = await asyncpg.connect(other.dsn("api"))
    try:
        assert await api.fetchval("select to_regclass('facts')") is None
        assert await api.fetchval("select current_setting('transaction_timeout')") == "15s"
    finally:
        await api.close()


@pytest.mark.integration
@pytest.mark.requirement("S2")
async def test_roles_are_neither_superuser_nor_past_row_level_security(make_database, postgres):
    database = make_database("engagement")
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        rows = await admin.fetch(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname ~ '_(owner|api|worker)$'"
        )
    finally:
        await admin.close()
    assert {row["rolname"] for row in rows} >= {"engagement_owner", "engagement_api", "engagement_worker"}
    assert not any(row["rolsuper"] or row["rolbypassrls"] or row["rolcreaterole"] for row in rows)


@pytest.mark.integration
async def test_a_role_cannot_enter_another_services_database(make_database):
    matching, engagement = make_database("matching"), make_database("engagement")
    foreign = engagement.dsn("api").rsplit("/", 1)[0] + f"/{matching.name}"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(foreign)


@pytest.mark.wire
async def test_kafka_answers(kafka):
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        assert len((await admin.describe_cluster())["brokers"]) == 1
    finally:
        await admin.close()
