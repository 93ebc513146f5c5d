"""The facts that decide who fits, from the wire to the tables and back; rows written before there were such columns."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from contracts.enrollment import ParticipantAdmitted, PersonJoined, ProgramChartered
from contracts.envelope import Envelope
from contracts.examples import example
from contracts.identifiers import uuid7
from matching.domain.facts import UnitPolicy, Weights

from ..older_events import NEW_OF_A_PARTICIPATION, NEW_OF_A_PERSON, NEW_OF_A_PROGRAM, NOW, without
from ..running import Matching

pytestmark = pytest.mark.integration


def facts() -> tuple[Any, Any, Any]:
    """A person, their participation and its program, as enrollment's examples have them, under ids of their own."""
    person, cohort, program = uuid7(), uuid7(), uuid7()
    return (
        example(PersonJoined, person_id=person, reviewer_ids=(uuid7(),), manager_id=None),
        example(ParticipantAdmitted, participation_id=uuid7(), person_id=person, cohort_id=cohort, program_id=program),
        example(ProgramChartered, program_id=program, unit_policy="across", trial_days=21, mentors_per_mentee=2),
    )


async def kept(matching: Matching, person: Any, participation: Any, program: Any) -> tuple[Any, Any, Any]:
    async with matching.worker.committed() as uow:
        (known,) = await uow.known_people.with_superiors([person.person_id])
        (taking_part,) = await uow.known_participations.of_cohort(participation.cohort_id)
        return known, taking_part, await uow.known_programs.get(program.program_id)


@pytest.mark.requirement("N2", "R1-13", "R0-38", "N10", "R1-07")
async def test_every_fact_is_kept_as_it_was_published(matching: Matching) -> None:
    person, participation, program = facts()
    await matching.hear(*(Envelope.of(event, sequence=1, time=NOW) for event in (person, participation, program)))
    known, taking_part, rules = await kept(matching, person, participation, program)
    assert (known.project_codes, known.reviewer_ids) == (person.project_codes, person.reviewer_ids)
    assert (known.tenure_band, known.line.reviewer_ids) == (person.tenure_band, set(person.reviewer_ids))
    assert taking_part.values == tuple(sorted(participation.values))
    assert taking_part.style == participation.working_style.model_dump(exclude_none=True)
    assert taking_part.channels == tuple(sorted(channel.value for channel in participation.preferred_channels))
    assert (taking_part.background_codes, taking_part.priority) == (participation.background_codes, 2)
    assert (rules.rules.unit_policy, rules.trial_days, rules.mentors_per_mentee) == (UnitPolicy.ACROSS, 21, 2)
    assert rules.rules.weights == Weights(**program.score_weights.model_dump())
    revoked = participation.model_copy(update={"background_codes": ()})
    await matching.hear(Envelope.of(revoked, sequence=2, time=NOW))
    _, after, _ = await kept(matching, person, participation, program)
    assert after.background_codes == ()


async def test_events_of_a_writer_that_did_not_know_these_fields_are_kept(matching: Matching) -> None:
    person, participation, program = facts()
    await matching.hear(
        without(person, NEW_OF_A_PERSON),
        without(participation, NEW_OF_A_PARTICIPATION),
        without(program, NEW_OF_A_PROGRAM),
    )
    known, taking_part, rules = await kept(matching, person, participation, program)
    assert (known.project_codes, known.reviewer_ids, known.tenure_band) == ((), (), None)
    assert (taking_part.values, taking_part.style, taking_part.background_codes) == ((), {}, ())
    assert (taking_part.priority, rules.rules.unit_policy, rules.trial_days) == (2, UnitPolicy.ANY, 0)
    assert (rules.rules.weights.values, rules.rules.weights.preferences) == (0, 0)


async def test_rows_without_the_new_columns_are_read_as_nothing_said(matching: Matching) -> None:
    """What the version before writes while the new one rolls out: it does not name the columns."""
    person, participation, program = facts()
    unit = uuid4()
    async with matching.worker.database.write() as session:
        driver = await session.driver()
        await driver.execute("BEGIN")
        await driver.execute(
            "INSERT INTO known_people (person_id, business_unit_id, employed, grade_rank, dotted_line_ids, sequence)"
            " VALUES ($1, $2, true, 2, '{}', 1)",
            person.person_id,
            unit,
        )
        await driver.execute(
            "INSERT INTO known_participations (participation_id, cohort_id, person_id, business_unit_id, named_unit_ids, home_unit_id,"
            " role, state, offers, asks, languages, working_days, capacity, sequence)"
            " VALUES ($1, $2, $3, $4, $5, $4, 'mentor', 'admitted', '{}', '{}', '{}', '{}', 1, 1)",
            participation.participation_id,
            participation.cohort_id,
            person.person_id,
            unit,
            [unit],
        )
        await driver.execute(
            "INSERT INTO known_programs (program_id, business_unit_id, settings_version, pair_type, direction, minimum_grade_gap,"
            " minimum_language_level, minimum_overlap_minutes, weights, acceptance_days, facilitator_ids, sequence)"
            " VALUES ($1, $2, 1, 'reverse', 'grade', 1, 3, 120,"
            ' \'{"topics": 50, "reciprocity": 20, "distance": 15, "language": 10, "hours": 5}\', 14, \'{}\', 1)',
            program.program_id,
            unit,
        )
        await driver.execute("COMMIT")
    known, taking_part, rules = await kept(matching, person, participation, program)
    assert (known.project_codes, known.reviewer_ids, known.tenure_band) == ((), (), None)
    assert (taking_part.values, taking_part.channels, taking_part.priority) == ((), (), 2)
    assert (rules.mode, rules.request_days, rules.rules.preference_limit) == ("hr_run", 14, 5)
    assert rules.rules.weights == Weights(50, 20, 15, 10, 5)
