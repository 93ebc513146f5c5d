"""Rows of tables to objects of the domain, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, time
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from enrollment.domain.business_units import BusinessUnit
from enrollment.domain.change_sets import Change, ChangeKind, ImportMode, KnownPerson, Particulars, Standing
from enrollment.domain.cohorts import Cohort, CohortState
from enrollment.domain.declarations import Channel, Declarations
from enrollment.domain.grades import GradeLadder
from enrollment.domain.imports import Import, ImportCounts, ImportFormat, ImportState
from enrollment.domain.languages import LanguageLevel, LanguageSkill, WorkingHours
from enrollment.domain.participations import Application, Participation, ParticipationState, Role
from enrollment.domain.people import Identity, UnitPolicy
from enrollment.domain.program_settings import plain_settings, settings_from
from enrollment.domain.programs import Charter, EvaluationDesign, Metric, Objective, Program, ProgramState
from enrollment.domain.tenure import TenureBand
from enrollment.domain.topics import TopicLevel

Row = RowMapping | Mapping[str, Any]


def ladder_of(plain: list[list[Any]]) -> GradeLadder:
    """A ladder from [[grade, rank], ...]."""
    return GradeLadder.of((grade, rank) for grade, rank in plain)


def unit_of(row: Row) -> BusinessUnit:
    """A business unit."""
    return BusinessUnit(
        business_unit_id=row["business_unit_id"],
        code=row["code"],
        display_name=row["display_name"],
        ladder=ladder_of(row["grade_ladder"]),
        default_time_zone=row["default_time_zone"],
        version=row["version"],
    )


def policy_of(row: Row) -> UnitPolicy:
    """What reading a file needs of a unit."""
    return UnitPolicy(row["business_unit_id"], row["code"], ladder_of(row["grade_ladder"]), row["default_time_zone"])


def plain_skills(skills: tuple[LanguageSkill, ...]) -> list[list[str]]:
    """[[language, level], ...]."""
    return [[skill.language, skill.level.value] for skill in skills]


def skills_of(plain: list[list[str]]) -> tuple[LanguageSkill, ...]:
    """The opposite of `plain_skills`."""
    return tuple(LanguageSkill(language, LanguageLevel(level)) for language, level in plain)


def person_values(person: KnownPerson) -> dict[str, Any]:
    """The row in `people`, without ancestors and time of change."""
    standing, particulars = person.standing, person.particulars
    return {
        "person_id": person.person_id,
        "business_unit_id": person.business_unit_id,
        "employed": person.employed,
        "grade": standing.grade,
        "grade_rank": standing.grade_rank,
        "manager_id": standing.manager_id,
        "dotted_line_manager_ids": list(standing.dotted_line_manager_ids),
        "manager_unknown": particulars.manager_unknown,
        "team": standing.team,
        "function": standing.function,
        "region": standing.region,
        "country": standing.country,
        "projects": list(standing.projects),
        "reviewer_ids": list(standing.reviewer_ids),
        "tenure_band": None if standing.tenure_band is None else standing.tenure_band.value,
        "time_zone": particulars.time_zone,
        "languages": plain_skills(particulars.languages),
        "joined_on": particulars.joined_on,
        "version": person.version,
    }


def identity_values(person: KnownPerson) -> dict[str, Any]:
    """The row in `people_identities`."""
    identity = person.particulars.identity
    return {
        "person_id": person.person_id,
        "business_unit_id": person.business_unit_id,
        "employee_number": person.employee_number,
        "employee_key": person.employee_number.casefold(),
        "given_name": identity.given_name,
        "family_name": identity.family_name,
        "email": identity.email,
        "job_title": identity.job_title,
    }


def identity_of(row: Row) -> Identity:
    """Who the person is."""
    return Identity(row["given_name"], row["family_name"], row["email"], row["job_title"])


def known_person_of(row: Row) -> KnownPerson:
    """A person out of `people` joined with `people_identities`."""
    return KnownPerson(
        person_id=row["person_id"],
        business_unit_id=row["business_unit_id"],
        employee_number=row["employee_number"],
        version=row["version"],
        employed=row["employed"],
        standing=Standing(
            grade=row["grade"],
            grade_rank=row["grade_rank"],
            manager_id=row["manager_id"],
            dotted_line_manager_ids=tuple(row["dotted_line_manager_ids"]),
            team=row["team"],
            function=row["function"],
            region=row["region"],
            country=row["country"],
            projects=tuple(row["projects"]),
            reviewer_ids=tuple(row["reviewer_ids"]),
            tenure_band=None if row["tenure_band"] is None else TenureBand(row["tenure_band"]),
        ),
        particulars=Particulars(
            identity=identity_of(row),
            time_zone=row["time_zone"],
            languages=skills_of(row["languages"]),
            joined_on=row["joined_on"],
            manager_unknown=row["manager_unknown"],
        ),
    )


def plain_change(change: Change) -> dict[str, Any]:
    """A staged change as JSON."""
    person = person_values(change.person) | identity_values(change.person)
    person |= {
        "person_id": str(person["person_id"]),
        "business_unit_id": str(person["business_unit_id"]),
        "manager_id": None if person["manager_id"] is None else str(person["manager_id"]),
        "dotted_line_manager_ids": [str(superior) for superior in person["dotted_line_manager_ids"]],
        "reviewer_ids": [str(reviewer) for reviewer in person["reviewer_ids"]],
        "joined_on": None if person["joined_on"] is None else person["joined_on"].isoformat(),
    }
    return {"kind": change.kind.value, "index": change.index, "person": person}


def change_of(plain: Row) -> Change:
    """The opposite of `plain_change`, also of one staged before projects, reviewers and tenure were known."""
    person: dict[str, Any] = {"projects": [], "reviewer_ids": [], "tenure_band": None, **plain["person"]}
    person |= {
        "person_id": UUID(person["person_id"]),
        "business_unit_id": UUID(person["business_unit_id"]),
        "manager_id": None if person["manager_id"] is None else UUID(person["manager_id"]),
        "dotted_line_manager_ids": [UUID(superior) for superior in person["dotted_line_manager_ids"]],
        "reviewer_ids": [UUID(reviewer) for reviewer in person["reviewer_ids"]],
        "joined_on": None if person["joined_on"] is None else date.fromisoformat(person["joined_on"]),
    }
    return Change(ChangeKind(plain["kind"]), plain["index"], known_person_of(person))


def program_values(program: Program) -> dict[str, Any]:
    """The row in `programs`."""
    charter = program.charter
    return {
        "program_id": program.program_id,
        "business_unit_id": program.business_unit_id,
        "title": program.title,
        "state": program.state.value,
        "settings": plain_settings(program.settings),
        "settings_version": program.settings_version,
        "charter": None
        if charter is None
        else {
            "objectives": [objective.value for objective in charter.objectives],
            "metrics": [metric.value for metric in charter.metrics],
            "evaluation_design": charter.evaluation_design.value,
            "accountable_owner_id": str(charter.accountable_owner_id),
            "automatic": charter.automatic,
        },
        "sponsor_id": program.sponsor_id,
        "facilitator_ids": list(program.facilitator_ids),
        "version": program.version,
    }


def program_of(row: Row) -> Program:
    """A program."""
    charter = row["charter"]
    return Program(
        program_id=row["program_id"],
        business_unit_id=row["business_unit_id"],
        title=row["title"],
        settings=settings_from(row["settings"]),
        state=ProgramState(row["state"]),
        charter=None
        if charter is None
        else Charter(
            objectives=tuple(Objective(word) for word in charter["objectives"]),
            metrics=tuple(Metric(word) for word in charter["metrics"]),
            evaluation_design=EvaluationDesign(charter["evaluation_design"]),
            accountable_owner_id=UUID(charter["accountable_owner_id"]),
            automatic=charter["automatic"],
        ),
        sponsor_id=row["sponsor_id"],
        facilitator_ids=tuple(row["facilitator_ids"]),
        settings_version=row["settings_version"],
        version=row["version"],
    )


_COHORT_FIELDS = (
    "cohort_id", "program_id", "business_unit_id", "title", "settings_version", "duration_months", "enrollment_opens_on",
    "enrollment_closes_on", "starts_on", "ends_on", "mentor_places", "mentee_places", "version",
)  # fmt: skip


def cohort_values(cohort: Cohort) -> dict[str, Any]:
    """The row in `cohorts`."""
    values = {name: getattr(cohort, name) for name in _COHORT_FIELDS}
    return values | {"named_unit_ids": list(cohort.named_unit_ids), "state": cohort.state.value}


def cohort_of(row: Row) -> Cohort:
    """A cohort."""
    values = {name: row[name] for name in _COHORT_FIELDS}
    return Cohort(**values, named_unit_ids=tuple(row["named_unit_ids"]), state=CohortState(row["state"]))


def plain_application(application: Application) -> dict[str, Any]:
    """An application as JSON."""
    declared = application.declarations
    return {
        "role": application.role.value,
        "offers": [[item.topic, item.level] for item in application.offers],
        "asks": [[item.topic, item.level] for item in application.asks],
        "languages": plain_skills(application.languages),
        "time_zone": application.time_zone,
        "start": application.hours.start.isoformat("minutes"),
        "end": application.hours.end.isoformat("minutes"),
        "days": list(application.hours.days),
        "capacity": application.capacity,
        "cadence_floor_days": application.cadence_floor_days,
        "values": list(declared.values),
        "style": dict(declared.style),
        "channels": [channel.value for channel in declared.channels],
        "confidence": declared.confidence,
    }


def application_of(plain: Row) -> Application:
    """The opposite of `plain_application`, also of one stored before there were declarations."""
    return Application(
        role=Role(plain["role"]),
        offers=tuple(TopicLevel(topic, level) for topic, level in plain["offers"]),
        asks=tuple(TopicLevel(topic, level) for topic, level in plain["asks"]),
        languages=skills_of(plain["languages"]),
        time_zone=plain["time_zone"],
        hours=WorkingHours(time.fromisoformat(plain["start"]), time.fromisoformat(plain["end"]), tuple(plain["days"])),
        capacity=plain["capacity"],
        cadence_floor_days=plain["cadence_floor_days"],
        declarations=Declarations.of(
            plain.get("values", ()),
            plain.get("style"),
            (Channel(medium) for medium in plain.get("channels", ())),
            plain.get("confidence"),
        ),
    )


def participation_values(participation: Participation) -> dict[str, Any]:
    """The row in `participations`, without the highest queue number."""
    application = participation.application
    return {
        "participation_id": participation.participation_id,
        "cohort_id": participation.cohort_id,
        "program_id": participation.program_id,
        "person_id": participation.person_id,
        "business_unit_id": participation.business_unit_id,
        "named_unit_ids": list(participation.named_unit_ids),
        "home_unit_id": participation.home_unit_id,
        "role": participation.role.value,
        "state": participation.state.value,
        "application": None if application is None else plain_application(application),
        "screening_passed": participation.screening_passed,
        "queue_number": participation.queue_number,
        "pair_ids": list(participation.pair_ids),
        "past_pair_ids": list(participation.past_pair_ids),
        "pairs_completed": participation.pairs_completed,
        "nominated_by": participation.nominated_by,
        "background_codes": list(participation.background_codes),
        "priority": participation.priority,
        "version": participation.version,
        "audit_version": participation.audit_version,
        "declares_groups": participation.declares_groups,
    }


def participation_of(row: Row) -> Participation:
    """A participation, without the notes of its screening."""
    return Participation(
        participation_id=row["participation_id"],
        cohort_id=row["cohort_id"],
        program_id=row["program_id"],
        person_id=row["person_id"],
        business_unit_id=row["business_unit_id"],
        home_unit_id=row["home_unit_id"],
        role=Role(row["role"]),
        state=ParticipationState(row["state"]),
        application=None if row["application"] is None else application_of(row["application"]),
        screening_passed=row["screening_passed"],
        queue_number=row["queue_number"],
        pair_ids=tuple(row["pair_ids"]),
        past_pair_ids=tuple(row["past_pair_ids"]),
        pairs_completed=row["pairs_completed"],
        nominated_by=row["nominated_by"],
        background_codes=tuple(row["background_codes"]),
        priority=row["priority"],
        version=row["version"],
        audit_version=row["audit_version"],
        declares_groups=row["declares_groups"],
    )


_IMPORT_FIELDS = (
    "import_id", "business_unit_id", "all_units", "submitted_by", "submitted_at", "change_set_id", "change_set_size", "size", "done",
    "failure", "finished_at",
)  # fmt: skip


def import_values(upload: Import) -> dict[str, Any]:
    """The row in `imports`, without the claim."""
    values = {name: getattr(upload, name) for name in _IMPORT_FIELDS}
    return values | {
        "named_unit_ids": list(upload.named_unit_ids),
        "format": upload.format.value,
        "mode": upload.mode.value,
        "state": upload.state.value,
        "counts": asdict(upload.counts),
    }


def import_of(row: Row) -> Import:
    """An import."""
    values = {name: row[name] for name in _IMPORT_FIELDS}
    return Import(
        **values,
        named_unit_ids=tuple(row["named_unit_ids"]),
        format=ImportFormat(row["format"]),
        mode=ImportMode(row["mode"]),
        state=ImportState(row["state"]),
        counts=ImportCounts(**row["counts"]),
    )
