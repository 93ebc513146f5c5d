"""Who changed which setting, waiver, role or grant, and from what to what. Rows are only ever inserted."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

audit_log = Table(
    "audit_log",
    MetaData(),
    Column("audit_id", BigInteger, Identity(always=True), primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_person_id", Uuid),
    Column("action", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("before", JSONB),
    Column("after", JSONB),
)
"""`actor` is the token's subject or `service:<name>`; `before` and `after` hold the changed fields only, no personal data."""
