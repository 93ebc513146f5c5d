"""Both are reminded before their trial ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "pairs",
        sa.Column("trial_remind_at", _MOMENT, comment="When both are reminded of the trial's end; null: never."),
    )
    op.add_column("pairs", sa.Column("trial_reminded_at", _MOMENT))
    op.create_index(
        "ix_pairs_trial_remind_at",
        "pairs",
        ["trial_remind_at"],
        postgresql_where=sa.text("state = 'trial' AND trial_reminded_at IS NULL"),
    )
    op.add_column(
        "known_programs",
        sa.Column("trial_reminder_days", sa.Integer(), nullable=False, server_default=sa.text("0")),
    )


def downgrade() -> None:
    op.drop_column("known_programs", "trial_reminder_days")
    op.drop_index("ix_pairs_trial_remind_at", table_name="pairs")
    op.drop_column("pairs", "trial_reminded_at")
    op.drop_column("pairs", "trial_remind_at")
