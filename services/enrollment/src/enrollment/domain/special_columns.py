"""Columns of HR exports that are never stored: age and its kin, special categories, identifiers of the state, pay."""

from __future__ import annotations

import re

# Age is never a field, a rule or a proxy (R0-06, R2-13); special categories only enter by the person's own, purpose-bound word.
_REFUSED: tuple[tuple[str, str], ...] = (
    (r"\b(age|age ?band|age ?group|generation)\b", "age"),
    (
        r"\b(dob|birth|birthday|birthdate|born)\b|date ?of ?birth|birth ?(date|day|year)|year ?of ?birth",
        "date of birth",
    ),
    (r"\b(gender|sex|pronouns?|transgender)\b|gender ?identity|sexual", "sex or gender"),
    (r"\b(ethnic\w*|race|racial|nationality|citizenship|origin)\b", "ethnic origin or nationality"),
    (r"\b(religio\w*|faith|belief|beliefs|political|union ?member\w*|trade ?union)\b", "belief or membership"),
    (r"\b(disabilit\w*|disabled|health|medical|sickness)\b", "health or disability"),
    (r"\b(marital|pregnan\w*|maternity|paternity|orientation|characteristics?|identity)\b", "family life or identity"),
    (
        r"\b(ssn|sin|nino|passport|driver.?s ?licen[cs]e\w*|tax ?id|social ?security)\b|national ?insurance",
        "identifier of the state",
    ),
    (r"\b(biograph\w*|bio|about (me|you|yourself))\b", "free text about the person"),
    (r"\b(salary|pay|pay ?rate|payrate|paygroup|payscale|wage|bonus|iban|bank)\b", "pay"),
    (r"\b(phone|mobile|home ?telephone|home ?email|address|street|zip\w*|postal|postcode)\b", "private contact"),
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), kind) for pattern, kind in _REFUSED)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def refused_kind(heading: str) -> str | None:
    """Which kind of refused data a column's heading announces; None when it announces none."""
    words = re.sub(r"[_\-./\[\]()?:]+", " ", _CAMEL.sub(" ", heading))
    words = " ".join(words.split())
    return next((kind for pattern, kind in _COMPILED if pattern.search(words)), None)
