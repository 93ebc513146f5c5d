"""Business units, people, programs, cohorts, participations, imports.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from alembic import op
from chassis.migrations import create_mechanism, drop_mechanism, enable_row_level_security, execute_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE business_units (
    business_unit_id uuid NOT NULL CONSTRAINT pk_business_units PRIMARY KEY,
    code text NOT NULL,
    display_name text NOT NULL,
    grade_ladder jsonb NOT NULL,
    default_time_zone text NOT NULL,
    version integer NOT NULL
);
CREATE TABLE unit_directory (
    unit_id uuid NOT NULL CONSTRAINT pk_unit_directory PRIMARY KEY,
    code text NOT NULL,
    code_key text NOT NULL CONSTRAINT uq_unit_directory_code_key UNIQUE,
    display_name text NOT NULL
);
CREATE TABLE people (
    person_id uuid NOT NULL CONSTRAINT pk_people PRIMARY KEY,
    business_unit_id uuid NOT NULL,
    employed boolean NOT NULL,
    grade text NOT NULL,
    grade_rank smallint NOT NULL,
    manager_id uuid,
    dotted_line_manager_ids uuid[] NOT NULL,
    manager_unknown boolean NOT NULL,
    ancestor_ids uuid[] NOT NULL DEFAULT '{}',
    team text,
    function text,
    region text,
    country text,
    time_zone text NOT NULL,
    languages jsonb NOT NULL,
    joined_on date,
    version integer NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX ix_people_business_unit_id_person_id ON people (business_unit_id, person_id);
CREATE INDEX ix_people_manager_id ON people (manager_id);
CREATE TABLE people_identities (
    person_id uuid NOT NULL CONSTRAINT pk_people_identities PRIMARY KEY
        CONSTRAINT fk_people_identities_person_id REFERENCES people (person_id) ON DELETE CASCADE,
    business_unit_id uuid NOT NULL,
    employee_number text NOT NULL,
    employee_key text NOT NULL,
    given_name text,
    family_name text,
    email text,
    job_title text,
    CONSTRAINT uq_people_identities_business_unit_id_employee_key UNIQUE (business_unit_id, employee_key)
);
CREATE TABLE reporting_line_findings (
    finding_id uuid NOT NULL CONSTRAINT pk_reporting_line_findings PRIMARY KEY,
    business_unit_id uuid NOT NULL,
    named_unit_ids uuid[] NOT NULL,
    fault text NOT NULL,
    person_ids uuid[] NOT NULL,
    found_at timestamptz NOT NULL
);
CREATE TABLE programs (
    program_id uuid NOT NULL CONSTRAINT pk_programs PRIMARY KEY,
    business_unit_id uuid NOT NULL,
    title text NOT NULL,
    state text NOT NULL,
    settings jsonb NOT NULL,
    settings_version integer NOT NULL,
    charter jsonb,
    sponsor_id uuid,
    facilitator_ids uuid[] NOT NULL,
    version integer NOT NULL
);
CREATE INDEX ix_programs_business_unit_id_program_id ON programs (business_unit_id, program_id);
CREATE TABLE cohorts (
    cohort_id uuid NOT NULL CONSTRAINT pk_cohorts PRIMARY KEY,
    program_id uuid NOT NULL CONSTRAINT fk_cohorts_program_id REFERENCES programs (program_id),
    business_unit_id uuid NOT NULL,
    named_unit_ids uuid[] NOT NULL,
    title text NOT NULL,
    state text NOT NULL,
    settings_version integer NOT NULL,
    duration_months smallint NOT NULL,
    enrollment_opens_on date NOT NULL,
    enrollment_closes_on date NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    mentor_places integer,
    mentee_places integer,
    version integer NOT NULL
);
CREATE INDEX ix_cohorts_program_id ON cohorts (program_id);
CREATE INDEX ix_cohorts_state_ends_on ON cohorts (state, ends_on);
CREATE TABLE participations (
    participation_id uuid NOT NULL CONSTRAINT pk_participations PRIMARY KEY,
    cohort_id uuid NOT NULL CONSTRAINT fk_participations_cohort_id REFERENCES cohorts (cohort_id),
    program_id uuid NOT NULL,
    person_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    named_unit_ids uuid[] NOT NULL,
    home_unit_id uuid NOT NULL,
    role text NOT NULL,
    state text NOT NULL,
    application jsonb,
    screening_passed boolean,
    queue_number integer,
    highest_queue_number integer,
    pair_ids uuid[] NOT NULL,
    past_pair_ids uuid[] NOT NULL,
    pairs_completed integer NOT NULL,
    nominated_by uuid,
    version integer NOT NULL,
    CONSTRAINT uq_participations_cohort_id_person_id UNIQUE (cohort_id, person_id)
);
CREATE INDEX ix_participations_person_id ON participations (person_id);
CREATE INDEX ix_participations_cohort_id_role_state ON participations (cohort_id, role, state);
CREATE TABLE screening_notes (
    participation_id uuid NOT NULL CONSTRAINT pk_screening_notes PRIMARY KEY
        CONSTRAINT fk_screening_notes_participation_id REFERENCES participations (participation_id) ON DELETE CASCADE,
    business_unit_id uuid NOT NULL,
    notes text NOT NULL
);
CREATE TABLE imports (
    import_id uuid NOT NULL CONSTRAINT pk_imports PRIMARY KEY,
    business_unit_id uuid NOT NULL,
    named_unit_ids uuid[] NOT NULL,
    format text NOT NULL,
    mode text NOT NULL,
    all_units boolean NOT NULL,
    submitted_by text NOT NULL,
    submitted_at timestamptz NOT NULL,
    state text NOT NULL,
    change_set_id uuid,
    change_set_size integer NOT NULL,
    size integer NOT NULL,
    done integer NOT NULL,
    counts jsonb NOT NULL,
    failure text,
    finished_at timestamptz,
    claimed_by uuid,
    claimed_at timestamptz
);
CREATE INDEX ix_imports_business_unit_id_import_id ON imports (business_unit_id, import_id);
CREATE INDEX ix_imports_unfinished ON imports (import_id) WHERE state NOT IN ('applied', 'failed');
CREATE TABLE import_owners (
    import_id uuid NOT NULL CONSTRAINT pk_import_owners PRIMARY KEY
        CONSTRAINT fk_import_owners_import_id REFERENCES imports (import_id) ON DELETE CASCADE,
    unit_id uuid NOT NULL
);
CREATE TABLE import_files (
    import_id uuid NOT NULL CONSTRAINT fk_import_files_import_id REFERENCES imports (import_id) ON DELETE CASCADE,
    name text NOT NULL,
    business_unit_id uuid NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT pk_import_files PRIMARY KEY (import_id, name)
);
CREATE TABLE import_findings (
    finding_id uuid NOT NULL CONSTRAINT pk_import_findings PRIMARY KEY,
    import_id uuid NOT NULL CONSTRAINT fk_import_findings_import_id REFERENCES imports (import_id) ON DELETE CASCADE,
    business_unit_id uuid NOT NULL,
    file text NOT NULL,
    row_number integer NOT NULL,
    field text,
    severity text NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    remedy text NOT NULL
);
CREATE INDEX ix_import_findings_import_id_finding_id ON import_findings (import_id, finding_id);
CREATE TABLE import_changes (
    import_id uuid NOT NULL CONSTRAINT fk_import_changes_import_id REFERENCES imports (import_id) ON DELETE CASCADE,
    place integer NOT NULL,
    business_unit_id uuid NOT NULL,
    change jsonb NOT NULL,
    CONSTRAINT pk_import_changes PRIMARY KEY (import_id, place)
);
"""

_OWNED = ("business_units", "programs", "screening_notes", "import_files")
_SHARED = ("cohorts", "participations", "imports")
# Written by the worker alone; the API reads them.
_BY_WORKER = ("people", "people_identities", "import_findings", "import_changes")


def upgrade() -> None:
    create_mechanism(op, "enrollment")
    execute_script(op, _TABLES)
    for table in _OWNED:
        enable_row_level_security(op, "enrollment", table)
    for table in _SHARED:
        enable_row_level_security(op, "enrollment", table, shared=True)
    for table in _BY_WORKER:
        enable_row_level_security(op, "enrollment", table, writable_by_api=False)
    enable_row_level_security(op, "enrollment", "reporting_line_findings", shared=True, writable_by_api=False)
    # Names no tenant's data: which units exist is what an administrator lists and a cohort's host may name.
    enable_row_level_security(op, "enrollment", "unit_directory", tenant=False)
    enable_row_level_security(op, "enrollment", "import_owners", tenant=False)


def downgrade() -> None:
    execute_script(
        op,
        """
        DROP TABLE import_changes, import_findings, import_files, import_owners, imports, screening_notes, participations,
            cohorts, programs, reporting_line_findings, people_identities, people, unit_directory, business_units;
        """,
    )
    drop_mechanism(op)
