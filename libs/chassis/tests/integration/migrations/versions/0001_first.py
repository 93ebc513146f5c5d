"""The notebook's tables."""

import sqlalchemy as sa
from alembic import op
from chassis.migrations import create_mechanism, drop_mechanism, enable_row_level_security

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_mechanism(op, "engagement")
    op.create_table(
        "notes",
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("note_id", name="pk_notes"),
        sa.UniqueConstraint("business_unit_id", "code", name="uq_notes_code"),
        sa.CheckConstraint("version > 0", name="ck_notes_version"),
    )
    op.create_table(
        "boards",
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("named_unit_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("board_id", name="pk_boards"),
    )
    op.create_table(
        "known_meetings",
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("meeting_id", name="pk_known_meetings"),
    )
    op.create_table(
        "effects",
        sa.Column("effect_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("business_unit_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("effect_id", name="pk_effects"),
    )
    enable_row_level_security(op, "engagement", "notes")
    enable_row_level_security(op, "engagement", "boards", shared=True)
    enable_row_level_security(op, "engagement", "known_meetings", writable_by_api=False)
    enable_row_level_security(op, "engagement", "effects", writable_by_api=False)


def downgrade() -> None:
    for table in ("effects", "known_meetings", "boards", "notes"):
        op.drop_table(table)
    drop_mechanism(op)
