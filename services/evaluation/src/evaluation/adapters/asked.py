"""Who is asked in a cohort's surveys: everybody who was ever in a pair of it.

Matching says so with the pair, enrollment with the participation, on topics without order between them; whichever comes
first counts.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, any_, literal, or_, select, union

from evaluation.adapters.tables import known_pairs, known_participations
from evaluation.domain.facts import Stage

_WAS_MATCHED = literal(Stage.MATCHED.value) == any_(known_participations.c.reached)


def asked_people(cohort_id: UUID) -> CompoundSelect[Any]:
    """The person ids, each once."""
    return union(
        select(known_participations.c.person_id).where(known_participations.c.cohort_id == cohort_id, _WAS_MATCHED),
        *(
            select(person.label("person_id")).where(known_pairs.c.cohort_id == cohort_id, person.is_not(None))
            for person in (known_pairs.c.mentor_id, known_pairs.c.mentee_id)
        ),
    )


def is_asked(person_id: UUID, cohort_id: Any) -> ColumnElement[bool]:
    """Whether the person is among them; `cohort_id` may be a column of the enclosing query."""
    matched = select(known_participations.c.participation_id).where(
        known_participations.c.cohort_id == cohort_id, known_participations.c.person_id == person_id, _WAS_MATCHED
    )
    in_a_pair = select(known_pairs.c.pair_id).where(
        known_pairs.c.cohort_id == cohort_id,
        or_(known_pairs.c.mentor_id == person_id, known_pairs.c.mentee_id == person_id),
    )
    return or_(
        matched.correlate_except(known_participations).exists(), in_a_pair.correlate_except(known_pairs).exists()
    )
