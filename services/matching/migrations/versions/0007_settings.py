"""Who asks in a program whose people find each other, and the requests of a cohort in one go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("known_programs", sa.Column("asking_side", sa.Text()))
    op.create_index("ix_match_requests_cohort_id_request_id", "match_requests", ["cohort_id", "request_id"])


def downgrade() -> None:
    op.drop_index("ix_match_requests_cohort_id_request_id", table_name="match_requests")
    op.drop_column("known_programs", "asking_side")
