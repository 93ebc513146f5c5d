"""The topic tree: what mentors offer and mentees ask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chassis.ports import InvalidInput

LOWEST_LEVEL, HIGHEST_LEVEL = 1, 5
MOST_TOPICS = 50


@dataclass(frozen=True, slots=True)
class Topic:
    """A node of the tree: `code` names it root first (`technology.ai`), `title` is its English name."""

    code: str
    title: str

    @property
    def parent(self) -> str | None:
        """The code one level up; None for a root."""
        return self.code.rpartition(".")[0] or None


_TREE: dict[str, tuple[str, dict[str, str]]] = {
    "technology": (
        "Technology",
        {
            "ai": "Artificial intelligence at work",
            "cloud": "Cloud services",
            "data": "Data literacy and analytics",
            "automation": "Automation and low code",
            "security": "Security and privacy in daily work",
            "collaboration_tools": "Tools for working together",
            "software_delivery": "How software is built today",
            "mobile": "Mobile applications",
            "internet": "The internet and its services",
        },
    ),
    "social_media": (
        "Social media",
        {
            "video": "Short and live video",
            "networks": "Professional networks",
            "communities": "Online communities",
            "reputation": "Reputation and employer brand",
            "influencers": "Creators and influencers",
            "listening": "Listening to audiences",
        },
    ),
    "trends": (
        "Current trends",
        {
            "esg": "Environment, society and governance",
            "culture": "Culture and inclusion",
            "customer_insight": "Customer insight",
            "talent_insight": "What talent expects of work",
            "flexible_work": "Flexible and hybrid work",
            "innovative_thinking": "Innovative thinking",
            "leadership": "Leadership and strategy",
            "career": "Careers and the organisation",
            "consumer_habits": "How people buy and live",
        },
    ),
}

TOPICS: tuple[Topic, ...] = tuple(
    topic
    for root, (title, branches) in _TREE.items()
    for topic in (Topic(root, title), *(Topic(f"{root}.{code}", name) for code, name in branches.items()))
)
"""Every topic, roots before their branches."""
_CODES = frozenset(topic.code for topic in TOPICS)


@dataclass(frozen=True, slots=True, order=True)
class TopicLevel:
    """A topic with a declared level: 1 has heard of it, 5 teaches it."""

    topic: str
    level: int

    def __post_init__(self) -> None:
        if self.topic not in _CODES:
            raise InvalidInput("no such topic", field="topic", remedy="choose one of GET /v1/topics")
        if not LOWEST_LEVEL <= self.level <= HIGHEST_LEVEL:
            raise InvalidInput("a level is 1 to 5", field="level", remedy="say how well the topic is known, 1 to 5")


def topic_levels(chosen: Iterable[TopicLevel], field: str) -> tuple[TopicLevel, ...]:
    """The choice sorted by topic. Raises InvalidInput when a topic is chosen twice or there are more than 50."""
    ordered = tuple(sorted(chosen))
    if len({item.topic for item in ordered}) != len(ordered) or len(ordered) > MOST_TOPICS:
        raise InvalidInput(f"each topic once, {MOST_TOPICS} at most", field=field, remedy="name each topic once")
    return ordered
