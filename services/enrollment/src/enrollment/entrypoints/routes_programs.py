"""Programs: proposal, charter, settings, facilitators."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from enrollment.application.appoint_facilitator import AppointFacilitator, appoint_facilitator
from enrollment.application.charter_program import CharterProgram, charter_program
from enrollment.application.propose_program import ProposeProgram, propose_program
from enrollment.application.revise_program import ReviseProgram, revise_program
from enrollment.domain.languages import LanguageLevel
from enrollment.domain.program_settings import (
    RANGES,
    AskingSide,
    Direction,
    Formality,
    MatchingMode,
    ProgramType,
    ScoreWeights,
    UnitPolicy,
    plain_settings,
)
from enrollment.domain.programs import EvaluationDesign, Metric, Objective, Program

router = APIRouter(prefix="/v1", tags=["programs"])
SEES = ("program_manager", "facilitator")


def _number(name: str, description: str) -> Any:
    low, high = RANGES[name]
    return Field(default=None, ge=low, le=high, description=description)


class WeightsBody(RequestBody):
    """What makes a pair good beyond the hard rules, 0 to 100 each."""

    topics: int = Field(default=50, ge=1, le=100)
    reciprocity: int = Field(default=20, ge=0, le=100)
    distance: int = Field(default=15, ge=0, le=100)
    language: int = Field(default=10, ge=0, le=100)
    hours: int = Field(default=5, ge=0, le=100)
    values: int = Field(default=10, ge=0, le=100)
    style: int = Field(default=10, ge=0, le=100)
    preferences: int = Field(default=15, ge=0, le=100)
    channel: int = Field(default=5, ge=0, le=100)


class SettingsBody(RequestBody):
    """Settings to choose; whatever is left out keeps its default, or its present value."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"formality": "standard", "duration_months": 12, "cadence_days": 28}]}
    )

    type: ProgramType | None = None
    direction: Direction | None = None
    matching_mode: MatchingMode | None = None
    formality: Formality | None = None
    voluntary: bool | None = None
    duration_months: int | None = _number("duration_months", "How long a pair lasts.")
    cadence_days: int | None = _number("cadence_days", "Days between meetings; null in a light program.")
    executive_floor_days: int | None = _number(
        "executive_floor_days", "Shortest cadence asked of a mentee who sets a floor."
    )
    acceptance_days: int | None = _number("acceptance_days", "How long a proposal waits for both people.")
    reminder_days: int | None = _number("reminder_days", "When those who have not answered are reminded.")
    silence_days: int | None = _number("silence_days", "Silence beyond the cadence after which a pair is stalled.")
    survey_days: int | None = _number("survey_days", "How long a survey stays open.")
    suppression_threshold: int | None = _number("suppression_threshold", "Results about fewer people are not shown.")
    minimum_grade_gap: int | None = _number("minimum_grade_gap", "Ranks between the two people.")
    minimum_language_level: LanguageLevel | None = None
    minimum_overlap_minutes: int | None = _number("minimum_overlap_minutes", "Shared working time of a day.")
    planned_pairs: int | None = _number("planned_pairs", "With 1, what the charter lacks is filled in.")
    score_weights: WeightsBody | None = None
    unit_policy: UnitPolicy | None = Field(
        default=None, description="Pairs across business units, within them, or any."
    )
    repeat_pairs: bool | None = Field(default=None, description="Whether earlier pairs of the program may be repeated.")
    preference_limit: int | None = _number("preference_limit", "How many people of the other side somebody may rank.")
    mentors_per_mentee: int | None = _number("mentors_per_mentee", "With 2, a second mentor after everybody's first.")
    trial_days: int | None = _number("trial_days", "How long a new pair tries whether it fits; 0: no trial.")
    request_days: int | None = _number("request_days", "How long a request to somebody waits for its answer.")
    request_reminder_days: int | None = _number(
        "request_reminder_days", "When whoever has not answered a request is reminded."
    )
    asking_side: AskingSide | None = Field(
        default=None, description="Who asks where people find each other: by default mentees, or both if reciprocal."
    )
    trial_reminder_days: int | None = _number(
        "trial_reminder_days", "Days before a trial's end when both are reminded; 0: nobody is."
    )
    audit_dimensions: tuple[Annotated[str, Field(max_length=16)], ...] | None = Field(
        default=None,
        max_length=8,
        description="What people may declare for the audit of runs: codes of GET /v1/audit-dimensions.",
    )

    def chosen(self) -> dict[str, Any]:
        """The settings that were sent, in the words of the rules. Only the cadence may be null."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        if values.get("score_weights") is not None:
            values["score_weights"] = ScoreWeights(**values["score_weights"].model_dump())
        if values.get("audit_dimensions") is not None:
            values["audit_dimensions"] = tuple(sorted(set(values["audit_dimensions"])))
        return {name: value for name, value in values.items() if value is not None or name == "cadence_days"}


class ProposeProgramBody(RequestBody):
    """A program to propose."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "Reverse mentoring 2026", "settings": {"formality": "standard"}}]}
    )

    title: str = Field(min_length=1, max_length=120, examples=["Reverse mentoring 2026"])
    settings: SettingsBody = Field(
        default_factory=SettingsBody, examples=[{"formality": "standard", "duration_months": 12}]
    )
    sponsor_id: UUID | None = None


class CharterBody(RequestBody):
    """What must be settled before launch. All four are needed, except for a program planned for one pair."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "objectives": ["digital_skills", "perspective"],
                    "metrics": ["skill_change", "cadence_kept"],
                    "evaluation_design": "before_after",
                    "accountable_owner_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
                }
            ]
        }
    )

    objectives: tuple[Objective, ...] = Field(default=(), max_length=16, examples=[["digital_skills", "perspective"]])
    metrics: tuple[Metric, ...] = Field(default=(), max_length=16, examples=[["skill_change", "cadence_kept"]])
    evaluation_design: EvaluationDesign | None = Field(default=None, examples=["before_after"])
    accountable_owner_id: UUID | None = None


class FacilitatorBody(RequestBody):
    """Who may facilitate the program."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"person_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69"}]})

    person_id: UUID


class CharterView(ResponseBody):
    """The charter; `automatic` when it was filled in for a single pair."""

    objectives: tuple[Objective, ...]
    metrics: tuple[Metric, ...]
    evaluation_design: EvaluationDesign
    accountable_owner_id: UUID
    automatic: bool


class WeightsView(ResponseBody):
    """What makes a pair good beyond the hard rules."""

    topics: int
    reciprocity: int
    distance: int
    language: int
    hours: int
    values: int
    style: int
    preferences: int
    channel: int


class SettingsView(ResponseBody):
    """Every setting of the program as it is now."""

    type: ProgramType
    direction: Direction
    matching_mode: MatchingMode
    formality: Formality
    voluntary: bool
    duration_months: int
    cadence_days: int | None
    executive_floor_days: int
    acceptance_days: int
    reminder_days: int
    silence_days: int
    survey_days: int
    suppression_threshold: int
    minimum_grade_gap: int
    minimum_language_level: LanguageLevel
    minimum_overlap_minutes: int
    planned_pairs: int
    score_weights: WeightsView
    unit_policy: UnitPolicy
    repeat_pairs: bool
    preference_limit: int
    mentors_per_mentee: int
    trial_days: int
    request_days: int
    request_reminder_days: int
    asking_side: AskingSide | None = Field(
        description="Null, as long as nobody has chosen: mentees ask, in a reciprocal program both sides."
    )
    trial_reminder_days: int
    audit_dimensions: tuple[str, ...]
    training_required: bool


class ProgramBody(ResponseBody):
    """A program."""

    program_id: UUID
    business_unit_id: UUID
    title: str
    state: str = Field(examples=["chartered"])
    settings: SettingsView
    settings_version: int
    charter: CharterView | None
    sponsor_id: UUID | None
    facilitator_ids: tuple[UUID, ...]
    version: int


def program_body(program: Program) -> ProgramBody:
    """The program as shown."""
    charter = program.charter
    return ProgramBody(
        program_id=program.program_id,
        business_unit_id=program.business_unit_id,
        title=program.title,
        state=program.state.value,
        settings=SettingsView(**plain_settings(program.settings), training_required=program.settings.training_required),
        settings_version=program.settings_version,
        charter=None
        if charter is None
        else CharterView(
            objectives=charter.objectives,
            metrics=charter.metrics,
            evaluation_design=charter.evaluation_design,
            accountable_owner_id=charter.accountable_owner_id,
            automatic=charter.automatic,
        ),
        sponsor_id=program.sponsor_id,
        facilitator_ids=program.facilitator_ids,
        version=program.version,
    )


@router.post("/programs", status_code=201, response_model=ProgramBody, responses=problems(422))
async def propose_program_route(
    body: ProposeProgramBody, write: Write, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Propose a program; every setting has a default."""
    command = ProposeProgram(title=body.title, settings=body.settings.chosen(), sponsor_id=body.sponsor_id)
    return await write(lambda uow: propose_program(command, uow), present=program_body)


@router.get("/programs", response_model=Page[ProgramBody])
async def list_programs(
    read: Read, cursor: Cursor, limit: Limit, principal: Annotated[Principal, allow(*SEES)]
) -> Page[ProgramBody]:
    """Programs of the unit; facilitators see those that name them."""
    async with read() as views:
        found = await views.programs(principal, cursor, limit + 1)
    return page(found, limit=limit, key=lambda program: program.program_id, present=program_body)


@router.get("/programs/{program_id}", response_model=ProgramBody, responses=problems(404))
async def get_program(program_id: UUID, read: Read, principal: Annotated[Principal, allow(*SEES)]) -> ProgramBody:
    """A program."""
    async with read() as views:
        return program_body(await views.program(program_id, principal))


@router.post("/programs/{program_id}/charter", response_model=ProgramBody, responses=problems(404, 409, 412, 422))
async def charter_program_route(
    program_id: UUID, body: CharterBody, write: Write, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Charter a program, after which it may open cohorts."""
    command = CharterProgram(
        program_id=program_id,
        objectives=body.objectives,
        metrics=body.metrics,
        evaluation_design=body.evaluation_design,
        accountable_owner_id=body.accountable_owner_id,
        expected_version=write.expected_version,
    )
    return await write(lambda uow: charter_program(command, uow), present=program_body)


@router.patch(
    "/programs/{program_id}/settings", response_model=ProgramBody, responses=problems(404, 409, 412, 422, 428)
)
async def revise_program_route(
    program_id: UUID, body: SettingsBody, write: Write, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Change settings; needs If-Match. Who changed what is audited."""
    command = ReviseProgram(program_id=program_id, changes=body.chosen(), expected_version=write.require_version())
    return await write(lambda uow: revise_program(command, uow), present=program_body)


@router.post("/programs/{program_id}/facilitators", response_model=ProgramBody, responses=problems(404, 409, 422))
async def appoint_facilitator_route(
    program_id: UUID, body: FacilitatorBody, write: Write, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Let a person facilitate, and see, this program."""
    command = AppointFacilitator(program_id=program_id, person_id=body.person_id)
    return await write(lambda uow: appoint_facilitator(command, uow), present=program_body)


@router.delete(
    "/programs/{program_id}/facilitators/{person_id}", response_model=ProgramBody, responses=problems(404, 409)
)
async def dismiss_facilitator_route(
    program_id: UUID, person_id: UUID, write: Write, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Take a facilitator's access away; counts at once."""
    command = AppointFacilitator(program_id=program_id, person_id=person_id, appointed=False)
    return await write(lambda uow: appoint_facilitator(command, uow), present=program_body)
