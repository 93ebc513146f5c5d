"""Cohorts large enough for an audit, and what people in them declared."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from matching.domain.facts import Background, Candidate, Role, Snapshot, Weights

from .worlds import RULES, candidate, snapshot

GROUPS: Mapping[str, tuple[str, ...]] = {
    "age_band": ("under_35", "from_35_to_49", "from_50"),
    "disability": ("with_disability", "without_disability"),
    "ethnicity": ("minority", "majority"),
    "gender": ("woman", "man"),
}
WEIGHTS = Weights(
    topics=50, reciprocity=20, distance=15, language=10, hours=5, values=10, style=10, preferences=0, channel=5
)
TOPICS = ("technology.ai", "technology.cloud", "social_media.video", "trends.esg")

Groups = dict[UUID, dict[str, str]]
Change = Callable[[Candidate, Mapping[str, str]], Candidate]


def audited_world(
    seed: int, mentors: int = 240, mentees: int = 200, change: Change | None = None
) -> tuple[Snapshot, Groups]:
    """A cohort with more mentors than mentees, and groups drawn independently of everything else about a person.

    With `change` somebody's facts depend on their groups: that is how a bias is planted.
    """
    draw = random.Random(seed)
    groups: Groups = {}
    made = []
    for number in range(mentors + mentees):
        role = Role.MENTOR if number < mentors else Role.MENTEE
        one = candidate(
            number,
            role,
            grade_rank=draw.randint(1, 4) if role is Role.MENTOR else draw.randint(6, 9),
            background=Background(
                draw.choice("abcd"), draw.choice("xyz"), draw.choice(["FR", "DE"]), draw.choice("pqr")
            ),
            offers=_topics(draw),
            asks=_topics(draw),
            values=frozenset(draw.sample("abcdefgh", 3)),
            style={"pace": draw.randint(1, 5)},
            channels=frozenset(draw.sample(["video", "phone", "chat"], 2)),
        )
        said = {dimension: draw.choice(names) for dimension, names in GROUPS.items()}
        groups[one.participation_id] = said
        made.append(one if change is None else change(one, said))
    return snapshot(*made, rules=replace(RULES, weights=WEIGHTS)), groups


def _topics(draw: random.Random) -> dict[str, int]:
    return {topic: draw.randint(2, 5) for topic in draw.sample(TOPICS, 2)}


def declared_anew(groups: Groups, seed: int) -> Groups:
    """The same people with groups drawn again."""
    draw = random.Random(seed)
    return {key: {dimension: draw.choice(names) for dimension, names in GROUPS.items()} for key in groups}


def less_wanted(dimension: str, group: str) -> Change:
    """Mentors of a group offer what is asked at a low level only, so that they fit worse."""

    def change(one: Candidate, said: Mapping[str, str]) -> Candidate:
        if one.role is not Role.MENTOR or said[dimension] != group:
            return one
        return replace(one, offers=dict.fromkeys(one.offers, 1), values=frozenset("z"))

    return change


def some(document: Any, **fields: Any) -> Any:
    """The one entry of a list of documents with these fields."""
    (found,) = (each for each in document if all(each[name] == value for name, value in fields.items()))
    return found
