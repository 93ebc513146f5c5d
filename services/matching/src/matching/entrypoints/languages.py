"""In which language somebody reads: chosen by Accept-Language out of those of the catalogue."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header

from matching.domain.sentences import Language, language_for


def _reader(accept_language: Annotated[str, Header(max_length=500)] = "") -> Language:
    return language_for(accept_language)


Reader = Annotated[Language, Depends(_reader)]
"""The language of the answer: English, German, French or Spanish; English when none of them is asked for."""
