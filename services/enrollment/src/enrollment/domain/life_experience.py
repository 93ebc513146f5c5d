"""Life experience that somebody chooses to have compared when pairs are made (R0-38): opt-in, for one named purpose, revocable.

The list holds what a person has done, nothing of a special category and nothing that stands for one. What is published is a keyed code:
without the cohort's key, which stays in enrollment, nobody can compute the code of an experience, and since the key is the cohort's own,
codes of two cohorts cannot be compared either.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

from chassis.ports import InvalidInput

from enrollment.domain.declarations import Choice

MOST_EXPERIENCES = 5
KEY_BYTES = 32


class Purpose(StrEnum):
    """What the data may be used for; consent is given to one purpose."""

    MATCHING = "matching"


EXPERIENCES: tuple[Choice, ...] = (
    Choice("first_to_study", "First of my family to study"),
    Choice("learned_a_trade", "Learned a trade before or instead of studying"),
    Choice("changed_careers", "Changed careers"),
    Choice("took_a_break", "Came back to work after a long break"),
    Choice("worked_abroad", "Worked in another country"),
    Choice("founded_a_business", "Founded or ran a business"),
    Choice("worked_shifts", "Worked shifts"),
    Choice("served_customers", "Served customers face to face for years"),
    Choice("grew_up_rural", "Grew up in the country"),
    Choice("volunteered", "Led volunteers"),
    Choice("taught", "Taught for a living"),
    Choice("public_service", "Worked in the public service"),
    Choice("second_language_at_work", "Works in a language learned as an adult"),
    Choice("lost_a_job", "Lost a job and found another"),
)
_CODES = frozenset(choice.code for choice in EXPERIENCES)


@dataclass(frozen=True, slots=True)
class LifeExperience:
    """What a person declared, and the purpose they consented to. Exists only with a consent.

    Raises InvalidInput when nothing or too much is declared, or an experience is not on the list.
    """

    experiences: tuple[str, ...]
    purpose: Purpose

    def __post_init__(self) -> None:
        if (
            not 1 <= len(self.experiences) <= MOST_EXPERIENCES
            or not set(self.experiences) <= _CODES
            or len(set(self.experiences)) != len(self.experiences)
        ):
            raise InvalidInput(
                f"1 to {MOST_EXPERIENCES} different experiences of the list",
                field="life_experience.experiences",
                remedy="choose from GET /v1/declarations, or leave life_experience out",
            )

    @staticmethod
    def consented(experiences: tuple[str, ...], purpose: Purpose, *, consent: bool) -> LifeExperience:
        """What the person declares, if they consent. Raises InvalidInput when they do not: without consent nothing is taken."""
        if not consent:
            raise InvalidInput(
                f"life experience is only taken with your consent to its use for {purpose}",
                field="life_experience.consent",
                remedy="send true, or leave life_experience out",
            )
        return LifeExperience(tuple(sorted(experiences)), purpose)

    def codes(self, key: bytes) -> tuple[str, ...]:
        """The opaque codes, ascending: HMAC-SHA256 under the cohort's key, the first 16 hexadecimal digits.

        Ascending order of codes says nothing about the order of experiences. ValueError when the key is not 32 bytes.
        """
        if len(key) != KEY_BYTES:
            raise ValueError("a cohort's key has 32 bytes")
        return tuple(
            sorted(
                hmac.new(key, experience.encode(), hashlib.sha256).hexdigest()[:16] for experience in self.experiences
            )
        )
