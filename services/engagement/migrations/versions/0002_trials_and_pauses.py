"""Trials before a pair is final, pauses while a pair is checked, and what a pair ended through where that is nobody's doing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    forgotten = "Forgotten with the trial's end."
    for column in (
        sa.Column("trial_ends_at", _MOMENT),
        sa.Column("mentor_confirmed", sa.Boolean(), nullable=False, server_default=sa.false(), comment=forgotten),
        sa.Column("mentee_confirmed", sa.Boolean(), nullable=False, server_default=sa.false(), comment=forgotten),
        sa.Column("resumes_as", sa.Text(), comment="What a quarantined pair goes back to."),
        sa.Column("pauses_began_at", ARRAY(_MOMENT), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("pauses_ended_at", ARRAY(_MOMENT), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("ending", sa.Text()),
    ):
        op.add_column("pairs", column)
    op.create_index("ix_pairs_trial_ends_at", "pairs", ["trial_ends_at"], postgresql_where=sa.text("state = 'trial'"))
    op.add_column("known_programs", sa.Column("trial_days", sa.Integer(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    op.drop_column("known_programs", "trial_days")
    op.drop_index("ix_pairs_trial_ends_at", table_name="pairs")
    for column in (
        "ending",
        "pauses_ended_at",
        "pauses_began_at",
        "resumes_as",
        "mentee_confirmed",
        "mentor_confirmed",
        "trial_ends_at",
    ):
        op.drop_column("pairs", column)
