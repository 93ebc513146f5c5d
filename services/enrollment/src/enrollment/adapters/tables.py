"""Enrollment's tables. Personal data is in `people_identities` alone, and in files and staged changes until an import ends."""

from __future__ import annotations

from chassis.schema import metadata_for
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = metadata_for("enrollment")

business_units = Table(
    "business_units",
    metadata,
    Column("business_unit_id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("grade_ladder", JSONB, nullable=False),
    Column("default_time_zone", Text, nullable=False),
    Column("version", Integer, nullable=False),
)

unit_directory = Table(
    "unit_directory",
    metadata,
    Column("unit_id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("code_key", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    UniqueConstraint("code_key"),
    info={"conflicts": {"uq_unit_directory_code_key": ("code", "A business unit with this code exists.")}},
)
"""Which units there are, for administrators and for naming units on a cohort; belongs to nobody. `code_key` is the code in lower case."""

people = Table(
    "people",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("employed", Boolean, nullable=False),
    Column("grade", Text, nullable=False),
    Column("grade_rank", SmallInteger, nullable=False),
    Column("manager_id", Uuid),
    Column("dotted_line_manager_ids", ARRAY(Uuid), nullable=False),
    Column("manager_unknown", Boolean, nullable=False),
    Column("ancestor_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("team", Text),
    Column("function", Text),
    Column("region", Text),
    Column("country", Text),
    Column("projects", ARRAY(Text), nullable=False, server_default="{}"),
    Column("reviewer_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("tenure_band", Text),
    Column("time_zone", Text, nullable=False),
    Column("languages", JSONB, nullable=False),
    Column("joined_on", Date),
    Column("version", Integer, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Index(None, "business_unit_id", "person_id"),
    Index(None, "manager_id"),
)
"""`ancestor_ids` is computed by the worker after each import: everybody above, nearest first, across units."""

people_identities = Table(
    "people_identities",
    metadata,
    Column("person_id", Uuid, ForeignKey("people.person_id", ondelete="CASCADE"), primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("employee_number", Text, nullable=False),
    Column("employee_key", Text, nullable=False),
    Column("given_name", Text),
    Column("family_name", Text),
    Column("email", Text),
    Column("job_title", Text),
    UniqueConstraint("business_unit_id", "employee_key"),
    Index(None, "business_unit_id", "person_id"),
)

reporting_line_findings = Table(
    "reporting_line_findings",
    metadata,
    Column("finding_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("fault", Text, nullable=False),
    Column("person_ids", ARRAY(Uuid), nullable=False),
    Column("found_at", DateTime(timezone=True), nullable=False),
)

programs = Table(
    "programs",
    metadata,
    Column("program_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("settings_version", Integer, nullable=False),
    Column("charter", JSONB),
    Column("sponsor_id", Uuid),
    Column("facilitator_ids", ARRAY(Uuid), nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "business_unit_id", "program_id"),
)

cohorts = Table(
    "cohorts",
    metadata,
    Column("cohort_id", Uuid, primary_key=True),
    Column("program_id", Uuid, ForeignKey("programs.program_id"), nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("settings_version", Integer, nullable=False),
    Column("duration_months", SmallInteger, nullable=False),
    Column("enrollment_opens_on", Date, nullable=False),
    Column("enrollment_closes_on", Date, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("mentor_places", Integer),
    Column("mentee_places", Integer),
    Column("version", Integer, nullable=False),
    Index(None, "program_id"),
    Index(None, "state", "ends_on"),
)

participations = Table(
    "participations",
    metadata,
    Column("participation_id", Uuid, primary_key=True),
    Column("cohort_id", Uuid, ForeignKey("cohorts.cohort_id"), nullable=False),
    Column("program_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("home_unit_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("application", JSONB),
    Column("screening_passed", Boolean),
    Column("queue_number", Integer),
    Column("highest_queue_number", Integer),
    Column("pair_ids", ARRAY(Uuid), nullable=False),
    Column("past_pair_ids", ARRAY(Uuid), nullable=False),
    Column("pairs_completed", Integer, nullable=False),
    Column("nominated_by", Uuid),
    Column("background_codes", ARRAY(Text), nullable=False, server_default="{}"),
    Column("priority", SmallInteger, nullable=False, server_default="2"),
    Column("version", Integer, nullable=False),
    Column("audit_version", Integer, nullable=False, server_default="0"),
    Column("declares_groups", Boolean, nullable=False, server_default="false"),
    UniqueConstraint("cohort_id", "person_id"),
    Index(None, "person_id"),
    Index(None, "program_id", "person_id"),
    Index(None, "cohort_id", "role", "state"),
    info={
        "conflicts": {"uq_participations_cohort_id_person_id": (None, "The person is in this cohort already.")},
    },
)
"""`queue_number` while waiting; `highest_queue_number` the last one ever held, so that numbers are not given twice."""

screening_notes = Table(
    "screening_notes",
    metadata,
    Column(
        "participation_id", Uuid, ForeignKey("participations.participation_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("business_unit_id", Uuid, nullable=False),
    Column("notes", Text, nullable=False),
)
"""Free text about a candidate, seen by the host unit's program managers only; not shared with the person's own unit."""

life_experiences = Table(
    "life_experiences",
    metadata,
    Column(
        "participation_id", Uuid, ForeignKey("participations.participation_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("business_unit_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("experiences", ARRAY(Text), nullable=False),
    Column("consented_at", DateTime(timezone=True), nullable=False),
)
"""What people declared of their lives for one purpose; a row is a consent. Shown to the person alone, erased with the consent."""

audit_groups = Table(
    "audit_groups",
    metadata,
    Column(
        "participation_id", Uuid, ForeignKey("participations.participation_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("business_unit_id", Uuid, nullable=False),
    Column("groups", JSONB, nullable=False),
    Column("consented_at", DateTime(timezone=True), nullable=False),
)
"""Groups by dimension that people declared for audits alone; a row is a consent. Shown to the person alone, erased with the consent."""

cohort_keys = Table(
    "cohort_keys",
    metadata,
    Column("cohort_id", Uuid, ForeignKey("cohorts.cohort_id", ondelete="CASCADE"), primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("key", LargeBinary, nullable=False),
)
"""The secret under which a cohort's codes of life experience are made; destroyed when the cohort closes."""

erasures = Table(
    "erasures",
    metadata,
    Column("person_id", Uuid, ForeignKey("people.person_id"), primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("erased_at", DateTime(timezone=True)),
    Index("ix_erasures_open", "requested_at", postgresql_where="erased_at IS NULL"),
)
"""Who is to be erased; kept, so that the same request later is answered as it was."""

imports = Table(
    "imports",
    metadata,
    Column("import_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
    Column("format", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("all_units", Boolean, nullable=False),
    Column("submitted_by", Text, nullable=False),
    Column("submitted_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("change_set_id", Uuid),
    Column("change_set_size", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("failure", Text),
    Column("finished_at", DateTime(timezone=True)),
    Column("claimed_by", Uuid),
    Column("claimed_at", DateTime(timezone=True)),
    Index(None, "business_unit_id", "import_id"),
    Index("ix_imports_unfinished", "import_id", postgresql_where="state NOT IN ('applied', 'failed')"),
)
"""`claimed_by` and `claimed_at` (the database's own time) keep two workers from doing the same import."""

import_owners = Table(
    "import_owners",
    metadata,
    Column("import_id", Uuid, ForeignKey("imports.import_id", ondelete="CASCADE"), primary_key=True),
    Column("unit_id", Uuid, nullable=False),
)
"""As which unit an administrator, who belongs to none, must look to see an import; belongs to nobody."""

import_files = Table(
    "import_files",
    metadata,
    Column("import_id", Uuid, ForeignKey("imports.import_id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

import_findings = Table(
    "import_findings",
    metadata,
    Column("finding_id", Uuid, primary_key=True),
    Column("import_id", Uuid, ForeignKey("imports.import_id", ondelete="CASCADE"), nullable=False),
    Column("business_unit_id", Uuid, nullable=False),
    Column("file", Text, nullable=False),
    Column("row_number", Integer, nullable=False),
    Column("field", Text),
    Column("severity", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Index(None, "import_id", "finding_id"),
)

import_changes = Table(
    "import_changes",
    metadata,
    Column("import_id", Uuid, ForeignKey("imports.import_id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("change", JSONB, nullable=False),
)
