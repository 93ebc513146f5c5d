"""Groups that people may declare for the purpose `audit`, and the keyed codes under which they travel.

The list is short and coarse on purpose. Without the key, which the two services that need it are handed as a secret, nobody can tell
what a code means, nor whether two people are of one group: the participation is part of what is hashed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

AUDIT_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "age_band": ("under_35", "from_35_to_49", "from_50"),
        "disability": ("with_disability", "without_disability"),
        "ethnicity": ("minority", "majority"),
        "gender": ("woman", "man", "non_binary"),
    }
)
"""Groups by dimension. Values are only ever added."""

KEY_NAME = "audit_groups_key"
"""The name of the secret file that holds the key."""


def code_of(key: bytes, participation_id: UUID, dimension: str, group: str) -> str:
    """The opaque code of one declared group: HMAC-SHA256, the first 16 hexadecimal digits. ValueError when the key is empty."""
    if not key:
        raise ValueError("codes need a key")
    said = f"{participation_id}|{dimension}|{group}"
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()[:16]


def group_of(key: bytes, participation_id: UUID, dimension: str, code: str) -> str | None:
    """The group that a code stands for; None when it is none of this version's list, or made with another key."""
    for group in AUDIT_GROUPS.get(dimension, ()):
        if hmac.compare_digest(code_of(key, participation_id, dimension, group), code):
            return group
    return None
