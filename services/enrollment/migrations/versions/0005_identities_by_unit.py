"""A person's identity is found by unit and person in one index: row-level security names the unit in every query, and right after an
import the planner would take the unit alone for the shorter way.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_people_identities_business_unit_id_person_id", "people_identities", ["business_unit_id", "person_id"]
    )


def downgrade() -> None:
    op.drop_index("ix_people_identities_business_unit_id_person_id", table_name="people_identities")
