"""Applications made elsewhere, and the people of a sign-up form: read row by row, nothing guessed, nothing special kept."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from chassis.ports import InvalidInput, NotVisible
from enrollment.application.apply_to_cohort import ApplyToCohort, apply_to_cohort
from enrollment.application.import_applications import ImportApplications, ImportReport, import_applications
from enrollment.application.nominate_person import NominatePerson, nominate_person
from enrollment.application.views import Employee
from enrollment.domain.application_file import (
    COLUMNS,
    ApplicationDialect,
    FormMapping,
    ReadApplications,
    read_applications,
)
from enrollment.domain.change_sets import ImportMode, KnownPerson, Particulars, Standing, plan_changes
from enrollment.domain.grades import UK_CIVIL_SERVICE
from enrollment.domain.mentoring_form import form_number, leave_known_people, parse_mentoring_form
from enrollment.domain.parsed_file import ParsedFile
from enrollment.domain.participations import ParticipationState, Role
from enrollment.domain.people import Identity, UnitDirectory, UnitPolicy

from .fakes import START, UNIT, FakeUnitOfWork
from .test_declarations import application
from .test_use_cases import opened

MAPPING = FormMapping({"ddat": ("technology.data",)}, 4, 3, "en:C2", "Europe/London", "09:00-17:30")
FORM = "first name,last name,email address,both mentor and mentee,job title,grade,organisation,profession,characteristics,biography"
POLICY = UnitPolicy(uuid4(), "CS", UK_CIVIL_SERVICE, "Europe/London")


def row(**cells: str) -> str:
    usual = {
        "employee_number": "7", "role": "mentor", "offers": "technology.ai:4", "languages": "en:C1", "time_zone": "Europe/London",
        "hours": "09:00-17:30",
    }  # fmt: skip
    return ",".join((usual | cells).get(column, "") for column in COLUMNS)


def read(*lines: str) -> ReadApplications:
    return read_applications(
        "\n".join([",".join(COLUMNS), *lines]).encode(), ApplicationDialect.UPDRAFT_CSV, FormMapping(), None
    )


def form(*lines: str, role: Role | None = Role.MENTOR, mapping: FormMapping = MAPPING) -> ReadApplications:
    return read_applications("\n".join([FORM, *lines]).encode(), ApplicationDialect.MENTORING_FORM, mapping, role)


def signed_up(address: str, grade: str = "SEO", profession: str = "DDaT", both: str = "no") -> str:
    return f"Ada,Berg,{address},{both},Some role,{grade},Department of Joy,{profession},Gay,I am Gay."


def people(*lines: str) -> ParsedFile:
    directory = UnitDirectory.of([POLICY], {POLICY.business_unit_id})
    return parse_mentoring_form("\n".join([FORM, *lines]).encode(), directory, POLICY)


def test_a_row_becomes_an_application_with_everything_it_says() -> None:
    held = read(
        row(
            role="Mentee", offers="", asks="technology.ai:3;trends.esg:2", hours="22:00-06:00", days="sun;mon", capacity="2",
            cadence_floor_days="30", values="variety;income", style="pace:4;formality:1", channels="video;phone",
        )
    )  # fmt: skip
    assert held.findings == []
    (only,) = held.applications
    made = only.application
    assert (only.number, made.role, made.capacity, made.cadence_floor_days) == ("7", Role.MENTEE, 2, 30)
    assert [(topic.topic, topic.level) for topic in made.asks] == [("technology.ai", 3), ("trends.esg", 2)]
    assert (made.hours.start.hour, made.hours.end.hour, made.hours.days) == (22, 6, (1, 7))
    assert made.declarations.values == ("income", "variety")
    assert dict(made.declarations.style) == {"formality": 1, "pace": 4}
    assert [channel.value for channel in made.declarations.channels] == ["phone", "video"]


@pytest.mark.requirement("S13")
@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"employee_number": ""}, "employee_number"),
        ({"role": "boss"}, "role"),
        ({"offers": ""}, "offers"),
        ({"offers": "technology.ai"}, "offers"),
        ({"offers": "technology.witchcraft:3"}, "offers"),
        ({"languages": "English"}, "languages"),
        ({"languages": ""}, "languages"),
        ({"time_zone": "London"}, "time_zone"),
        ({"hours": "nine to five"}, "hours"),
        ({"hours": ""}, "hours"),
        ({"days": "someday"}, "days"),
        ({"capacity": "9"}, "capacity"),
        ({"capacity": "many"}, "capacity"),
        ({"cadence_floor_days": "3"}, "cadence_floor_days"),
        ({"values": "greed"}, "values"),
        ({"style": "pace:fast"}, "style"),
        ({"style": "age:3"}, "working_style"),
        ({"channels": "pigeon"}, "channels"),
    ],
)
def test_a_bad_row_is_reported_by_its_column_and_the_others_are_read(cells: dict[str, str], field: str) -> None:
    held = read(row(employee_number="1"), row(**cells), row(employee_number="3"))
    assert [each.number for each in held.applications] == ["1", "3"]
    ((finding),) = held.findings
    assert (finding.row, finding.field, finding.severity.value) == (3, field, "error")
    assert finding.remedy


@pytest.mark.requirement("R2-13", "R3-17")
def test_a_form_says_what_its_mapping_says_and_drops_what_is_special() -> None:
    held = form(signed_up("ada@gov.uk", both="yes"), signed_up("bo@gov.uk", profession="Alchemy"))
    (only,) = held.applications
    assert (only.address, only.application.role, only.application.asks) == ("ada@gov.uk", Role.MENTOR, ())
    assert [(topic.topic, topic.level) for topic in only.application.offers] == [("technology.data", 4)]
    (asker,) = form(signed_up("ada@gov.uk"), role=Role.MENTEE).applications
    assert [(topic.topic, topic.level) for topic in asker.application.asks] == [("technology.data", 3)]
    assert asker.application.offers == ()
    codes = [(finding.row, finding.field, finding.code) for finding in held.findings]
    assert codes == [
        (1, "characteristics", "refused-column"),
        (1, "biography", "refused-column"),
        (3, "profession", "bad-application"),
        (1, "both mentor and mentee", "one-side-only"),
    ]
    assert form(signed_up("ada@gov.uk"), mapping=FormMapping()).applications == []


@pytest.mark.parametrize("wrong", [b"", b"a,b\n1,2\n", b"employee_number\n" + b"1\n" * 1001])
def test_a_file_that_cannot_be_taken_is_refused_as_a_whole(wrong: bytes) -> None:
    with pytest.raises(InvalidInput) as problem:
        read_applications(wrong, ApplicationDialect.UPDRAFT_CSV, FormMapping(), None)
    assert problem.value.field == "applications"
    with pytest.raises(InvalidInput) as problem:
        form(signed_up("ada@gov.uk"), role=None)
    assert problem.value.field == "role"


@pytest.mark.requirement("R3-17", "S14")
def test_people_of_a_form_are_numbered_by_address_and_nothing_special_is_kept() -> None:
    parsed = people(
        signed_up("Ada@gov.uk"), signed_up("ada@GOV.uk"), signed_up("bo@gov.uk", grade="Emperor"), signed_up("nobody"),
        signed_up("cy@gov.uk", grade="G7"),
    )  # fmt: skip
    assert [record.reference.employee_number for record in parsed.records] == [
        form_number("ada@gov.uk"),
        form_number("cy@gov.uk"),
    ]
    ada, cy = parsed.records
    assert (ada.grade, ada.grade_rank, ada.team, ada.function) == ("SEO", 5, "Department of Joy", "ddat")
    assert (cy.grade, cy.identity.given_name, cy.identity.email) == ("Grade 7", "Ada", "cy@gov.uk")
    assert "Gay" not in repr(parsed)
    assert [(each.row, each.code) for each in parsed.findings] == [
        (1, "refused-column"), (1, "refused-column"), (3, "duplicate-address"), (4, "unknown-grade"), (5, "bad-email"),
    ]  # fmt: skip


def test_whom_the_hr_file_knows_stays_as_the_hr_file_has_them() -> None:
    known = KnownPerson(
        uuid4(), POLICY.business_unit_id, "4711", 1, True, Standing("Grade 6", 7),
        Particulars(Identity(email="ADA@gov.uk"), "Europe/London"),
    )  # fmt: skip
    parsed = people(signed_up("ada@gov.uk"), signed_up("bo@gov.uk"))
    leave_known_people(parsed, [known])
    assert [record.identity.email for record in parsed.records] == ["bo@gov.uk"]
    assert parsed.findings[-1].code == "already-known"
    plan = plan_changes(parsed, [known], ImportMode.PARTIAL, uuid4, START.date())
    again = people(signed_up("bo@gov.uk"))
    leave_known_people(again, [known, *(change.person for change in plan.changes)])
    assert len(again.records) == 1
    assert (
        plan_changes(
            again, [known, *(change.person for change in plan.changes)], ImportMode.PARTIAL, uuid4, START.date()
        ).size
        == 0
    )


EMPLOYEES = [Employee(uuid4(), number, f"p{number}@gov.uk") for number in ("7", "8", "9")]


async def imported(
    uow: FakeUnitOfWork,
    cohort: UUID,
    held: ReadApplications,
    *,
    check_only: bool = False,
    employees: Sequence[Employee] = EMPLOYEES,
) -> ImportReport:
    return await import_applications(ImportApplications(cohort, UNIT, held, employees, check_only), uow)


async def test_rows_are_applied_whole_and_the_others_reported() -> None:
    uow = FakeUnitOfWork()
    cohort = (await opened(uow)).cohort_id
    nominated = await nominate_person(NominatePerson(cohort, EMPLOYEES[1].person_id, UNIT, Role.MENTEE), uow)
    await apply_to_cohort(ApplyToCohort(cohort, EMPLOYEES[2].person_id, UNIT, application()), uow)
    held = read(
        row(), row(employee_number="8"), row(employee_number="9"), row(), row(employee_number="404"), row(role="x")
    )
    said = len(uow.published)
    checked = await imported(uow, cohort, held, check_only=True)
    assert (checked.applied, checked.rows_read, len(uow.published)) == (2, 6, said)
    report = await imported(uow, cohort, held)
    assert report.findings == checked.findings
    assert [(finding.row, finding.code) for finding in report.findings] == [
        (4, "applied-already"), (5, "named-twice"), (6, "unknown-person"), (7, "bad-application"),
    ]  # fmt: skip
    assert uow.names()[said:] == ["ParticipantApplied", "ParticipantApplied"]
    assert uow.participations.rows[nominated.participation_id].state is ParticipationState.APPLIED
    assert uow.audited[-1].action == "import-applications"
    again = await imported(uow, cohort, held)
    assert (again.applied, len(uow.published)) == (0, said + 2)


async def test_a_form_finds_people_by_address_unless_two_have_it() -> None:
    uow = FakeUnitOfWork()
    cohort = (await opened(uow)).cohort_id
    twins = [*EMPLOYEES, Employee(uuid4(), "10", "P7@gov.uk")]
    report = await imported(uow, cohort, form(signed_up("P7@GOV.UK"), signed_up("p8@gov.uk")), employees=twins)
    assert report.applied == 1
    assert [(each.row, each.code) for each in report.findings][-1] == (2, "ambiguous-address")


async def test_nobody_imports_into_a_cohort_that_does_not_name_them() -> None:
    uow = FakeUnitOfWork()
    cohort = (await opened(uow)).cohort_id
    with pytest.raises(NotVisible):
        await import_applications(ImportApplications(cohort, uuid4(), read(row()), EMPLOYEES), uow)
