"""Agreements: read, changed and signed by the two people of a pair, and seen by nobody else."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.http import Read, RequestBody, ResponseBody, Write, allow, problems
from chassis.ports import Principal
from contracts.fields import TopicCode
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field, StringConstraints

from engagement.application.revise_agreement import ReviseAgreement, revise_agreement
from engagement.application.sign_agreement import SignAgreement, sign_agreement
from engagement.application.views import AgreementField, AgreementView, Channel, Formality

router = APIRouter(prefix="/v1", tags=["agreements"])

_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

_EXAMPLE_TERMS: dict[str, Any] = {
    "boundaries": "No questions about our own teams.",
    "goal_topics": ["technology.ai"],
    "cadence_days": 21,
    "duration_months": 12,
    "medium": "video",
    "place": "The small room on the third floor",
    "number_one_outcome": "Use the assistant daily without being shown.",
}


class TermsBody(RequestBody):
    """Terms to fill in or to change. A term that is left out stays as it is; null empties it."""

    boundaries: _Words | None = None
    goal_topics: Annotated[tuple[TopicCode, ...], Field(max_length=10)] = ()
    cadence_days: Annotated[int, Field(ge=14, le=42)] | None = None
    duration_months: Annotated[int, Field(ge=1, le=24)] | None = Field(
        default=None, description="Cannot be emptied: null leaves it as it is."
    )
    medium: Channel | None = None
    place: _Line | None = None
    number_one_outcome: _Words | None = None

    def changes(self) -> dict[str, Any]:
        """The terms that were sent, by name."""
        sent = self.model_dump(include=set(TermsBody.model_fields), exclude_unset=True)
        if sent.get("duration_months", 0) is None:
            del sent["duration_months"]
        return sent


class RevisionBody(TermsBody):
    """The terms to change; the version that is proposed carries the proposer's signature."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cadence_days": 28}]})


class SignatureBody(TermsBody):
    """A signature under one version of the agreement, with the terms to fill in first where there are any."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"agreement_version": 1, **_EXAMPLE_TERMS}]})

    agreement_version: int = Field(ge=1, le=1_000_000, description="The version that was read and is signed.")


class ClauseBody(ResponseBody):
    """A clause of the template."""

    code: str = Field(examples=["confidentiality"])
    text: str


class AgreementBody(ResponseBody):
    """The agreement's current version. `version` counts the changes of the pair and is what If-Match takes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "pair_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
                    "version": 1,
                    "agreement_version": 2,
                    "agreement_in_force": None,
                    "formality": "structured",
                    "language": "en",
                    "template_version": 1,
                    "clauses": [{"code": "confidentiality", "text": "What we say to each other stays between us."}],
                    **_EXAMPLE_TERMS,
                    "required_fields": ["goal_topics", "cadence_days", "medium", "number_one_outcome"],
                    "missing_fields": [],
                    "mentor_signed_at": "2027-01-05T09:00:00Z",
                    "mentee_signed_at": None,
                }
            ]
        }
    )

    pair_id: UUID
    version: int
    agreement_version: int
    agreement_in_force: int | None = Field(description="The last version both have signed.")
    formality: Formality
    language: str
    template_version: int
    clauses: tuple[ClauseBody, ...]
    boundaries: str | None
    goal_topics: tuple[str, ...]
    cadence_days: int | None
    duration_months: int
    medium: Channel | None
    place: str | None
    number_one_outcome: str | None
    required_fields: tuple[AgreementField, ...] = Field(description="What must be filled in before anybody can sign.")
    missing_fields: tuple[AgreementField, ...]
    mentor_signed_at: datetime | None
    mentee_signed_at: datetime | None


def agreement_body(view: AgreementView) -> AgreementBody:
    """An agreement for the wire."""
    pair, template, terms = view.pair, view.agreement.template, view.agreement.terms
    return AgreementBody(
        pair_id=pair.pair_id,
        version=pair.version,
        agreement_version=pair.agreement_version,
        agreement_in_force=pair.agreement_in_force,
        formality=template.formality,
        language=template.language,
        template_version=template.version,
        clauses=tuple(ClauseBody(code=clause.code, text=clause.text) for clause in template.clauses),
        boundaries=terms.boundaries,
        goal_topics=terms.goal_topics,
        cadence_days=terms.cadence_days,
        duration_months=terms.duration_months,
        medium=terms.medium,
        place=terms.place,
        number_one_outcome=terms.number_one_outcome,
        required_fields=view.required,
        missing_fields=view.missing,
        mentor_signed_at=pair.mentor.signed_at,
        mentee_signed_at=pair.mentee.signed_at,
    )


@router.get("/pairs/{pair_id}/agreement", response_model=AgreementBody, responses=problems(404))
async def get_agreement(
    pair_id: UUID, read: Read, principal: Annotated[Principal, allow("participant")]
) -> AgreementBody:
    """The current agreement of one's own pair."""
    async with read() as views:
        return agreement_body(await views.agreement(pair_id, principal))


@router.post(
    "/pairs/{pair_id}/agreement/signatures",
    status_code=201,
    response_model=AgreementBody,
    responses=problems(404, 409),
)
async def sign_agreement_route(
    pair_id: UUID, body: SignatureBody, write: Write, principal: Annotated[Principal, allow("participant")]
) -> Response:
    """Sign. Changed terms make a new version, signed by the caller, that waits for the other side.

    Both must sign the same version. The second signature puts it in force and makes the pair active where no training is owed.
    """
    command = SignAgreement(pair_id=pair_id, agreement_version=body.agreement_version, changes=body.changes())
    return await write(lambda uow: sign_agreement(command, uow), present=agreement_body)


@router.patch("/pairs/{pair_id}/agreement", response_model=AgreementBody, responses=problems(404, 409, 412, 428))
async def revise_agreement_route(
    pair_id: UUID, body: RevisionBody, write: Write, principal: Annotated[Principal, allow("participant")]
) -> Response:
    """Propose other terms. What both have signed stays in force until the other side has signed the new version."""
    command = ReviseAgreement(pair_id=pair_id, expected_version=write.require_version(), changes=body.changes())
    return await write(lambda uow: revise_agreement(command, uow), present=agreement_body)
