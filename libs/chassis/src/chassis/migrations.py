"""Migrations of a service: what they share, and how they are run.

`create_mechanism` makes the tables every service needs for the messaging guarantees; `enable_row_level_security` puts a
table under its policies. Three roles per service: `<service>_owner` runs migrations, `<service>_api` sees the business
unit set for its transaction (and what names it), `<service>_worker` crosses units.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.schema import is_mechanism_table

if TYPE_CHECKING:
    from alembic.operations import Operations

LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "5s"
OUTBOX_DAYS_AHEAD = 7
OUTBOX_DAYS_KEPT = 7

_TENANT = "nullif(current_setting('app.business_unit', true), '')::uuid"
_NO_UNIT = "'00000000-0000-0000-0000-000000000000'::uuid"

_MECHANISM = """
CREATE SEQUENCE outbox_seq CACHE 1;
CREATE TABLE outbox (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq bigint NOT NULL DEFAULT nextval('outbox_seq'),
    appended_on date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
    appended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    business_unit_id uuid NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    headers bytea NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (seq, appended_on)
) PARTITION BY RANGE (appended_on);
CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;
CREATE TABLE relay_cursor (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), seq bigint NOT NULL);
INSERT INTO relay_cursor (seq) VALUES (0);
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    outcome text NOT NULL DEFAULT 'applied' CHECK (outcome IN ('applied', 'parked', 'superseded')),
    PRIMARY KEY (consumer, event_id)
);
CREATE TABLE handler_positions (
    consumer text NOT NULL,
    topic text NOT NULL,
    subject uuid NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (consumer, topic, subject)
);
CREATE TABLE parked_events (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    waiting_for uuid NOT NULL,
    topic text NOT NULL,
    partition_number integer NOT NULL,
    record_offset bigint NOT NULL,
    subject uuid NOT NULL,
    sequence bigint NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    key bytea,
    headers bytea NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX ix_parked_events_waiting_for ON parked_events (consumer, waiting_for, sequence);
CREATE TABLE idempotency_keys (
    business_unit_id uuid NOT NULL,
    subject text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status smallint NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    answered_on date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
    PRIMARY KEY (business_unit_id, subject, key)
);
CREATE INDEX ix_idempotency_keys_answered_on ON idempotency_keys (answered_on);
CREATE TABLE audit_log (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    business_unit_id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    actor_person_id uuid,
    action text NOT NULL,
    subject_id uuid NOT NULL,
    before jsonb,
    after jsonb
);
CREATE INDEX ix_audit_log_subject_id ON audit_log (subject_id);

CREATE FUNCTION outbox_keep_partitions(days_ahead integer, days_kept integer, sent_up_to bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
-- Makes the partitions of the coming days; drops those older than `days_kept` whose every row has been sent.
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day date;
    part record;
    held boolean;
    changed integer := 0;
BEGIN
    FOR ahead IN 0..days_ahead LOOP
        day := today + ahead;
        IF to_regclass('public.outbox_' || to_char(day, 'YYYYMMDD')) IS NULL
           AND NOT EXISTS (SELECT 1 FROM public.outbox_default WHERE appended_on = day) THEN
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.outbox FOR VALUES FROM (%L) TO (%L)',
                           'outbox_' || to_char(day, 'YYYYMMDD'), day, day + 1);
            changed := changed + 1;
        END IF;
    END LOOP;
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'public.outbox'::regclass AND c.relname ~ '^outbox_[0-9]{8}$'
                  AND to_date(right(c.relname, 8), 'YYYYMMDD') < today - days_kept LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I WHERE seq > %s)', part.relname, sent_up_to) INTO held;
        IF NOT held THEN
            EXECUTE format('DROP TABLE public.%I', part.relname);
            changed := changed + 1;
        END IF;
    END LOOP;
    DELETE FROM public.idempotency_keys WHERE answered_on < today - days_kept;
    RETURN changed;
END $$;
"""

_MECHANISM_GRANTS = """
GRANT USAGE ON SCHEMA public TO {service}_api, {service}_worker;
GRANT USAGE, SELECT ON SEQUENCE outbox_seq TO {service}_api, {service}_worker;
GRANT INSERT ON outbox TO {service}_api;
GRANT SELECT, INSERT ON outbox TO {service}_worker;
GRANT SELECT, UPDATE ON relay_cursor TO {service}_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox TO {service}_worker;
GRANT SELECT, INSERT, UPDATE ON handler_positions TO {service}_worker;
GRANT SELECT, INSERT, DELETE ON parked_events TO {service}_worker;
GRANT SELECT, INSERT ON idempotency_keys TO {service}_api, {service}_worker;
GRANT SELECT, INSERT ON audit_log TO {service}_api, {service}_worker;
REVOKE ALL ON FUNCTION outbox_keep_partitions(integer, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox_keep_partitions(integer, integer, bigint) TO {service}_worker;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY api ON outbox TO {service}_api USING (business_unit_id = {tenant}) WITH CHECK (business_unit_id = {tenant});
CREATE POLICY worker ON outbox TO {service}_worker USING (true) WITH CHECK (true);
CREATE POLICY owner ON outbox TO {service}_owner USING (true);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY api ON idempotency_keys TO {service}_api
    USING (business_unit_id IN ({tenant}, {no_unit})) WITH CHECK (business_unit_id IN ({tenant}, {no_unit}));
CREATE POLICY worker ON idempotency_keys TO {service}_worker USING (true) WITH CHECK (true);
CREATE POLICY owner ON idempotency_keys TO {service}_owner USING (true);
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY api ON audit_log TO {service}_api USING (business_unit_id = {tenant}) WITH CHECK (business_unit_id = {tenant});
CREATE POLICY worker ON audit_log TO {service}_worker USING (true) WITH CHECK (true);
SELECT outbox_keep_partitions({ahead}, {kept}, 0);
"""


def execute_script(op: Operations | Any, sql: str) -> None:
    """Run several statements, in the transaction of the migration; the driver prepares only single ones."""
    bind: Connection = op.get_bind()
    bind.execute(text("SELECT 1"))
    adapted: Any = bind.connection.dbapi_connection
    adapted.run_async(lambda driver: driver.execute(sql))


def create_mechanism(op: Operations | Any, service: str) -> None:
    """Create the mechanism's tables, its function, its grants and policies, in the current database."""
    execute_script(op, _MECHANISM)
    grants = _MECHANISM_GRANTS.format(
        service=service, tenant=_TENANT, no_unit=_NO_UNIT, ahead=OUTBOX_DAYS_AHEAD, kept=OUTBOX_DAYS_KEPT
    )
    execute_script(op, grants)


def drop_mechanism(op: Operations | Any) -> None:
    """Undo `create_mechanism`."""
    execute_script(
        op,
        """
        DROP FUNCTION outbox_keep_partitions(integer, integer, bigint);
        DROP TABLE outbox, relay_cursor, inbox, handler_positions, parked_events, idempotency_keys, audit_log CASCADE;
        DROP SEQUENCE outbox_seq;
        """,
    )


def enable_row_level_security(
    op: Operations | Any,
    service: str,
    table: str,
    *,
    shared: bool = False,
    tenant: bool = True,
    writable_by_api: bool = True,
) -> None:
    """Put a table under its policies and grant it to the two working roles.

    With `tenant` the api role sees rows whose `business_unit_id` is the unit set for its transaction; with `shared`
    also rows whose `named_unit_ids` names it. Without `tenant` (reference data, rows that belong to nobody) every row
    is readable. `writable_by_api=False` leaves the api role with SELECT: projections are written by the worker.
    """
    if tenant:
        seen = f"business_unit_id = {_TENANT}" + (f" OR {_TENANT} = ANY (named_unit_ids)" if shared else "")
    else:
        seen = "true"
    rights = "SELECT, INSERT, UPDATE, DELETE" if writable_by_api else "SELECT"
    sql = f"""
    GRANT {rights} ON {table} TO {service}_api;
    GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {service}_worker;
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY api ON {table} TO {service}_api USING ({seen}) WITH CHECK ({seen});
    CREATE POLICY worker ON {table} TO {service}_worker USING (true) WITH CHECK (true);
    """
    execute_script(op, sql)


def configuration(location: Path, url: str, metadata: MetaData) -> Config:
    """Alembic's configuration for a service's `migrations` folder; `url` is a plain postgresql+asyncpg address of the owner."""
    config = Config()
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.attributes["url"] = url
    config.attributes["metadata"] = metadata
    return config


def migrate(
    location: Path, url: str, metadata: MetaData, *, to: str = "head", way: Literal["up", "down"] = "up"
) -> None:
    """Run the migrations up (default: to the newest) or down."""
    config = configuration(location, url, metadata)
    (command.upgrade if way == "up" else command.downgrade)(config, to)


def check(location: Path, url: str, metadata: MetaData) -> None:
    """Raise alembic's AutogenerateDiffsDetected when the tables differ from the metadata."""
    command.check(configuration(location, url, metadata))


def _included(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    return not (kind == "table" and name is not None and is_mechanism_table(name))


def _run_on(connection: Connection, metadata: MetaData) -> None:
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.execute(text("SELECT pg_advisory_lock(hashtext('updraft migrations'))"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        include_object=_included,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


async def _run(url: str, metadata: MetaData) -> None:
    engine = create_async_engine(url, poolclass=pool.NullPool, hide_parameters=True)
    async with engine.connect() as connection:
        await connection.run_sync(_run_on, metadata)
    await engine.dispose()


def run(_service: str, metadata: MetaData) -> None:
    """The body of a service's `migrations/env.py`: bounded waits, one advisory lock, one transaction a migration.

    Runs on a thread and a loop of its own, so that a caller may have a loop already.
    """
    with ThreadPoolExecutor(1) as own_thread:
        own_thread.submit(asyncio.run, _run(context.config.attributes["url"], metadata)).result()
