"""Table metadata of a service, and the names of the tables that the mechanism keeps beside it."""

from __future__ import annotations

from sqlalchemy import MetaData

MECHANISM_TABLES = frozenset(
    {
        "outbox",
        "outbox_default",
        "relay_cursor",
        "inbox",
        "handler_positions",
        "parked_events",
        "idempotency_keys",
        "audit_log",
        "alembic_version",
    }
)
"""Tables made by `chassis.migrations.create_mechanism`; partitions of the outbox are named `outbox_<yyyymmdd>`."""

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def metadata_for(service: str) -> MetaData:
    """An empty MetaData with the house's names of constraints; `service` is kept in its `info`.

    A unique constraint may say what its violation means to the caller:
    `Table(..., info={"conflicts": {"uq_programs_code": ("code", "A program with this code exists.")}})`.
    """
    return MetaData(naming_convention=NAMING_CONVENTION, info={"service": service})


def is_mechanism_table(name: str) -> bool:
    """Whether the table belongs to the mechanism and not to the service."""
    return name in MECHANISM_TABLES or name.startswith("outbox_")
