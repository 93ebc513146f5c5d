"""What enrollment publishes: business units, people with their lines, programs, cohorts, participations."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Event, Part, SharedEvent
from contracts.fields import (
    CadenceDays,
    Capacity,
    Channel,
    Code,
    Count,
    CountryCode,
    Day,
    Days,
    Flag,
    Grade,
    GradeGap,
    Ids,
    LanguageCode,
    LanguageLevel,
    Level,
    Minutes,
    Months,
    OpaqueCode,
    OpenEnum,
    Position,
    PriorityClass,
    Rank,
    Role,
    TimeZoneName,
    TopicCode,
    UnitCode,
    Version,
    Weekday,
    Weight,
)


class GradeRung(Part):
    """One rung of a unit's grade ladder."""

    grade: Grade
    """The unit's own label."""
    rank: Rank
    """Its place in the order common to all units."""


class BusinessUnitState(Event):
    """A business unit: the tenant."""

    TOPIC: ClassVar[str] = "updraft.enrollment.business-units"
    KEY: ClassVar[str] = "business_unit_id"

    code: UnitCode
    grade_ladder: Annotated[tuple[GradeRung, ...], Field(min_length=1, max_length=64)]
    """The unit's grades, each with its place in the common order."""
    default_time_zone: TimeZoneName


class BusinessUnitRegistered(BusinessUnitState):
    """A business unit can now own people, programs and cohorts."""


class EmploymentState(OpenEnum):
    """Whether a person works for the company."""

    EMPLOYED = "employed"
    LEFT = "left"
    ERASED = "erased"
    UNKNOWN = "unknown"


class PersonState(Event):
    """Somebody the HR system knows, as a pseudonym: where they stand in the organisation, nothing that names them."""

    TOPIC: ClassVar[str] = "updraft.enrollment.people"
    KEY: ClassVar[str] = "person_id"

    person_id: UUID
    state: EmploymentState
    grade: Grade
    grade_rank: Rank
    manager_id: UUID | None = None
    """The person they report to, possibly of another unit; none at the top of a line."""
    dotted_line_manager_ids: Ids = ()
    """Whom else they report to."""
    team_code: OpaqueCode | None = None
    """Equal for people of one team."""
    function: Code | None = None
    """What kind of work they do."""
    region: Code | None = None
    """The company's own division of the world."""
    country: CountryCode | None = None
    project_codes: Annotated[tuple[OpaqueCode, ...], Field(max_length=50)] = ()
    """Equal for people of one project."""
    reviewer_ids: Ids = ()
    """Who reviews their performance."""
    tenure_band: Code | None = None
    """How long they have worked for the company: `under_1`, `from_1_to_3`, `from_3_to_10` or `over_10` years."""
    change_set_id: UUID
    """The import or single change this event belongs to."""
    change_set_size: Annotated[Count, Field(ge=1)]
    """How many person events that change set has in all."""
    change_set_index: Position
    """The place of this event in its change set, from 0."""


class PersonJoined(PersonState):
    """A person is new to the HR system."""


class PersonMoved(PersonState):
    """A person's grade, line, team, projects, reviewers, function, place or band of tenure has changed."""


class PersonLeft(PersonState):
    """A person has left the company."""


class PersonErased(PersonState):
    """A person is erased: of where they stood only the grade is left, and the line while others' lines run through it.

    Whoever keeps facts about the person erases them; there is no later event about this id.
    """


class ProgramType(OpenEnum):
    """Who teaches whom."""

    REVERSE = "reverse"
    TRADITIONAL = "traditional"
    RECIPROCAL = "reciprocal"
    UNKNOWN = "unknown"


class ProgramState(OpenEnum):
    """The life of a program."""

    PROPOSED = "proposed"
    CHARTERED = "chartered"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Direction(OpenEnum):
    """What makes the mentor of a reverse pair the junior. Never age."""

    GRADE = "grade"
    EXPERTISE = "expertise"
    UNKNOWN = "unknown"


class MatchingMode(OpenEnum):
    """Who matches."""

    HR_RUN = "hr_run"
    SELF = "self"
    HYBRID = "hybrid"
    UNKNOWN = "unknown"


class Formality(OpenEnum):
    """How many agreement fields, gates and how much cadence the program requires."""

    LIGHT = "light"
    STANDARD = "standard"
    STRUCTURED = "structured"
    UNKNOWN = "unknown"


class Objective(OpenEnum):
    """What a program is for."""

    DIGITAL_SKILLS = "digital_skills"
    PERSPECTIVE = "perspective"
    REPUTATION = "reputation"
    RECRUITING = "recruiting"
    RETENTION = "retention"
    TALENT_INSIGHT = "talent_insight"
    CUSTOMER_INSIGHT = "customer_insight"
    INCLUSION = "inclusion"
    LEADERSHIP = "leadership"
    CONNECTEDNESS = "connectedness"
    UNKNOWN = "unknown"


class Metric(OpenEnum):
    """What a program is measured by."""

    SKILL_CHANGE = "skill_change"
    PERSPECTIVE_CHANGE = "perspective_change"
    CONFIDENCE_CHANGE = "confidence_change"
    ENGAGEMENT_CHANGE = "engagement_change"
    INTENT_TO_STAY = "intent_to_stay"
    CONNECTEDNESS_CHANGE = "connectedness_change"
    INCLUSION_CHANGE = "inclusion_change"
    SATISFACTION = "satisfaction"
    CADENCE_KEPT = "cadence_kept"
    PAIRS_COMPLETED = "pairs_completed"
    UNKNOWN = "unknown"


class EvaluationDesign(OpenEnum):
    """The comparison a program's effect is measured against, fixed before launch."""

    BEFORE_AFTER = "before_after"
    WAITLIST_COMPARISON = "waitlist_comparison"
    MATCHED_COMPARISON = "matched_comparison"
    UNKNOWN = "unknown"


class UnitPolicy(OpenEnum):
    """Whether the two of a pair may, must or must not belong to one business unit."""

    ANY = "any"
    ACROSS = "across"
    WITHIN = "within"
    UNKNOWN = "unknown"


class ScoreWeights(Part):
    """What makes a pair good, beyond the hard rules."""

    topics: Weight
    """What the mentor offers covers what the mentee asks."""
    reciprocity: Weight
    """What the mentee offers covers what the mentor asks."""
    distance: Weight
    """Difference of function, region, country and unit."""
    language: Weight
    """Level of the best shared language."""
    hours: Weight
    """Length of the shared working hours."""
    values: Weight = 0
    """Likeness of what matters to the two."""
    style: Weight = 0
    """Likeness of their working styles."""
    preferences: Weight = 0
    """How high they ranked each other."""
    channel: Weight = 0
    """Media that both like to meet in."""


class AskingSide(OpenEnum):
    """Whose requests begin a pair where people find each other themselves."""

    MENTEE = "mentee"
    MENTOR = "mentor"
    BOTH = "both"
    UNKNOWN = "unknown"


class ProgramSettings(Event):
    """A program: charter and every setting, so that the effect of each choice can be evaluated."""

    TOPIC: ClassVar[str] = "updraft.enrollment.programs"
    KEY: ClassVar[str] = "program_id"

    program_id: UUID
    state: ProgramState
    settings_version: Version
    """Goes up by one with every change of a setting."""
    type: ProgramType
    direction: Direction
    matching_mode: MatchingMode
    formality: Formality
    voluntary: Flag
    """No: mentees are directed to take part. The mentor's consent is needed either way."""
    duration_months: Months
    cadence_days: CadenceDays | None = None
    """Days between meetings; none where the program has no cadence (formality `light`)."""
    executive_floor_days: Days
    """The shortest cadence a mentee who sets a floor is asked for."""
    acceptance_days: Annotated[Days, Field(ge=1)]
    """How long a proposal waits for both people."""
    reminder_days: Days
    """Days after a proposal when those who have not answered are reminded."""
    silence_days: Annotated[Days, Field(ge=1)]
    """Days of silence beyond the cadence after which a pair is stalled."""
    survey_days: Annotated[Days, Field(ge=1)]
    """How long a survey wave stays open."""
    suppression_threshold: Annotated[Count, Field(ge=2, le=100)]
    """Results about fewer people are not shown."""
    minimum_grade_gap: GradeGap
    """Ranks the mentee must stand above the mentor when direction is `grade` (below, in a traditional program)."""
    minimum_language_level: LanguageLevel
    """What both need in one shared language."""
    minimum_overlap_minutes: Minutes
    """Shared working time of a day that a pair needs."""
    training_required: Flag
    """Whether a pair becomes active only after both have done their training."""
    score_weights: ScoreWeights
    """How a pair is scored."""
    objectives: Annotated[tuple[Objective, ...], Field(max_length=16)] = ()
    metrics: Annotated[tuple[Metric, ...], Field(max_length=16)] = ()
    evaluation_design: EvaluationDesign | None = None
    """The evaluation plan; none while the program is only proposed."""
    accountable_owner_id: UUID | None = None
    """The person accountable; none while the program is only proposed."""
    sponsor_id: UUID | None = None
    """The person who backs it."""
    facilitator_ids: Ids = ()
    """People who may facilitate this program, and see it."""
    unit_policy: UnitPolicy = UnitPolicy.ANY
    """Whether pairs are made across business units, within them, or either."""
    repeat_pairs: Flag = False
    """Whether two people who were a pair of this program may be proposed again."""
    preference_limit: Annotated[Count, Field(ge=1, le=10)] = 5
    """How many people of the other side somebody may rank."""
    mentors_per_mentee: Annotated[Count, Field(ge=1, le=2)] = 1
    """With 2 a mentee may get a second mentor, after everybody has had their first."""
    trial_days: Annotated[Days, Field(le=60)] = 0
    """How long a new pair tries whether it fits before it is final; 0: no trial."""
    request_days: Annotated[Days, Field(ge=1, le=90)] = 14
    """How long a request of one person to another waits for its answer."""
    request_reminder_days: Annotated[Days, Field(le=89)] = 7
    """Days after a request when whoever has not answered is reminded."""
    asking_side: AskingSide | None = None
    """Who asks in mode `self`; none: mentees, in a reciprocal program both sides."""
    trial_reminder_days: Annotated[Days, Field(le=14)] = 3
    """Days before the end of a trial when both are reminded; 0: nobody is. A trial that is no longer has no reminder."""
    audit_dimensions: Annotated[tuple[Code, ...], Field(max_length=8)] = (
        "age_band",
        "disability",
        "ethnicity",
        "gender",
    )
    """What people may declare so that runs can be audited; runs are audited by nothing else."""


class ProgramProposed(ProgramSettings):
    """A program exists as a proposal."""


class ProgramChartered(ProgramSettings):
    """A program has objectives, metrics, an evaluation plan and an accountable owner, and may launch cohorts."""


class ProgramRevised(ProgramSettings):
    """A setting or a facilitator of the program has changed."""


class CohortState(OpenEnum):
    """The life of a cohort."""

    DRAFT = "draft"
    ENROLLING = "enrolling"
    MATCHING = "matching"
    ACTIVE = "active"
    EVALUATING = "evaluating"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class CohortFacts(SharedEvent):
    """One run of a program, possibly shared by several units. Its state belongs to enrollment alone."""

    TOPIC: ClassVar[str] = "updraft.enrollment.cohorts"
    KEY: ClassVar[str] = "cohort_id"

    cohort_id: UUID
    program_id: UUID
    state: CohortState
    settings_version: Version
    """The program's settings when the cohort opened."""
    enrollment_opens_on: Day
    enrollment_closes_on: Day
    """Planned, then actual once enrollment has closed."""
    starts_on: Day
    """Planned, then the day the first pair was formed."""
    ends_on: Day
    """When the program's duration has passed."""


class CohortOpened(CohortFacts):
    """People can apply and be nominated."""


class CohortEnrollmentClosed(CohortFacts):
    """Nobody can apply any more; matching may begin."""


class CohortActivated(CohortFacts):
    """The first pair was formed."""


class CohortEvaluationStarted(CohortFacts):
    """The duration has passed; the closing survey may begin."""


class CohortClosed(CohortFacts):
    """The cohort was evaluated."""


class ParticipationState(OpenEnum):
    """The way of a person through a cohort."""

    IDENTIFIED = "identified"
    NOMINATED = "nominated"
    INVITED = "invited"
    APPLIED = "applied"
    SCREENED = "screened"
    ADMITTED = "admitted"
    WAITLISTED = "waitlisted"
    MATCHED = "matched"
    ACTIVE = "active"
    COMPLETED = "completed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXCLUDED = "excluded"
    UNKNOWN = "unknown"


class TopicLevel(Part):
    """A topic, with the level somebody offers or asks."""

    topic: TopicCode
    level: Level


class LanguageSkill(Part):
    """A language, with the level somebody speaks it at."""

    language: LanguageCode
    level: LanguageLevel


class WorkingHours(Part):
    """A working day in the person's own time zone. An end before the start lies on the next day."""

    start_minute: Minutes
    """Minutes since midnight."""
    end_minute: Minutes
    """Minutes since midnight."""


class WorkingStyle(Part):
    """Where somebody places themself between two ways of working; an axis is absent when they did not say."""

    pace: Level | None = None
    """1 thinks before acting, 5 acts and then thinks."""
    structure: Level | None = None
    """1 takes things as they come, 5 plans ahead."""
    directness: Level | None = None
    """1 hints, 5 says it plainly."""
    formality: Level | None = None
    """1 first names and no agenda, 5 titles and an agenda."""


class ParticipationFacts(SharedEvent):
    """A person in a cohort, in one role. Skills come only from what they declared."""

    TOPIC: ClassVar[str] = "updraft.enrollment.participations"
    KEY: ClassVar[str] = "participation_id"

    participation_id: UUID
    cohort_id: UUID
    program_id: UUID
    person_id: UUID
    home_unit_id: UUID
    """The person's own business unit; the participation is owned by the cohort's."""
    role: Role
    state: ParticipationState
    offers: Annotated[tuple[TopicLevel, ...], Field(max_length=50)] = ()
    """What they can teach, at the level they have."""
    asks: Annotated[tuple[TopicLevel, ...], Field(max_length=50)] = ()
    """What they want to learn, at the level they want to reach."""
    languages: Annotated[tuple[LanguageSkill, ...], Field(max_length=20)] = ()
    """The languages they speak."""
    time_zone: TimeZoneName | None = None
    """None until the person has applied."""
    working_hours: WorkingHours | None = None
    """None until the person has applied."""
    working_days: Annotated[tuple[Weekday, ...], Field(max_length=7)] = ()
    capacity: Capacity = 1
    cadence_floor_days: CadenceDays | None = None
    """The shortest cadence this person accepts, if they set one."""
    screening_passed: Flag | None = None
    """None until screened."""
    pair_ids: Annotated[Ids, Field(max_length=64)] = ()
    """The pairs this participation is in now; capacity less their number is free."""
    values: Annotated[tuple[Code, ...], Field(max_length=5)] = ()
    """What matters to them at work, from the list that enrollment offers."""
    working_style: WorkingStyle | None = None
    """How they like to work, if they said so."""
    preferred_channels: Annotated[tuple[Channel, ...], Field(max_length=8)] = ()
    """The media they like to meet in."""
    background_codes: Annotated[tuple[OpaqueCode, ...], Field(max_length=10)] = ()
    """Life experience they consented to compare for matching: equal codes mean equal experience within this cohort, and
    nothing else. Empty again once the consent is withdrawn."""
    priority: PriorityClass = 2
    """The class in which they get a place: 1 before 2 before 3."""


class ParticipantNominated(ParticipationFacts):
    """Somebody nominated the person, who must still apply."""


class ParticipantApplied(ParticipationFacts):
    """The person applied: on their own, or to complete a nomination."""


class ParticipantScreened(ParticipationFacts):
    """The screening has a result."""


class ParticipantAdmitted(ParticipationFacts):
    """The person may be matched; also when a dissolved pair frees a place."""


class ParticipantWaitlisted(ParticipationFacts):
    """The person waits for a place."""


class ParticipantDeclined(ParticipationFacts):
    """The person was not admitted."""


class ParticipantMatched(ParticipationFacts):
    """The person is in a formed pair."""


class ParticipantCompleted(ParticipationFacts):
    """The person's pair reached its end as agreed."""


class ParticipantWithdrawn(ParticipationFacts):
    """The person takes part no more, by their own choice."""


class Purpose(OpenEnum):
    """What a person consented to have their declaration used for."""

    AUDIT = "audit"
    UNKNOWN = "unknown"


class ConsentedAttribute(Part):
    """One thing a person declared, as a code that only the services which hold the key can read."""

    dimension: Code
    """What it is about, such as `gender`."""
    code: OpaqueCode


class ConsentFacts(Event):
    """What a participant declared for one purpose. The newest state replaces all earlier ones, which are compacted away."""

    TOPIC: ClassVar[str] = "updraft.enrollment.consented-attributes"
    KEY: ClassVar[str] = "consent_id"

    consent_id: UUID
    """One per participation and purpose, however often the consent is given and withdrawn."""
    purpose: Purpose
    participation_id: UUID
    cohort_id: UUID
    person_id: UUID
    attributes: Annotated[tuple[ConsentedAttribute, ...], Field(max_length=8)] = ()
    """Each dimension at most once; a dimension the person did not declare is absent."""


class AttributesConsented(ConsentFacts):
    """The person declared these attributes and consented to the purpose."""


class ConsentWithdrawn(ConsentFacts):
    """The consent is withdrawn, or has lost its purpose: whoever kept the attributes erases them."""


EVENTS: tuple[type[Event], ...] = (
    BusinessUnitRegistered,
    PersonJoined,
    PersonMoved,
    PersonLeft,
    PersonErased,
    ProgramProposed,
    ProgramChartered,
    ProgramRevised,
    CohortOpened,
    CohortEnrollmentClosed,
    CohortActivated,
    CohortEvaluationStarted,
    CohortClosed,
    ParticipantNominated,
    ParticipantApplied,
    ParticipantScreened,
    ParticipantAdmitted,
    ParticipantWaitlisted,
    ParticipantDeclined,
    ParticipantMatched,
    ParticipantCompleted,
    ParticipantWithdrawn,
    AttributesConsented,
    ConsentWithdrawn,
)
