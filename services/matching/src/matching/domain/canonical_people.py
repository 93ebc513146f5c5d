"""Canonical JSON, and people and lines of the organisation as such, many of them in little time.

A cohort has a hundred thousand people and few different languages, working times or backgrounds: what was written once
is kept. `Written` writes what `canonical_json` would of the same fields.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from matching.domain.facts import Background, Candidate, Line, WorkingTime

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces. `value` holds only dicts with string keys, lists, strings, integers,
    None.
    """
    return _encode(value).encode()


class Written:
    """Writes people and lines, one line of canonical JSON each."""

    def __init__(self) -> None:
        self._texts: dict[str | None, str] = {}
        self._units: dict[UUID, str] = {}
        self._backgrounds: dict[Background, str] = {}
        self._times: dict[WorkingTime, str] = {}
        self._sets: dict[Collection[str], str] = {}
        self._levels: dict[tuple[tuple[str, int], ...], str] = {}

    def candidate(self, one: Candidate) -> bytes:
        """Everything about a candidate."""
        ranked = ",".join([f'"{wanted}"' for wanted in one.ranked])
        return (
            f'{{"asks":{self._topics(one.asks)},"background":{self._background(one.background)},'
            f'"business_unit_id":{self._unit(one.business_unit_id)},"channels":{self._sorted(one.channels)},'
            f'"employed":{"true" if one.employed else "false"},"grade_rank":{int(one.grade_rank)},'
            f'"languages":{self._mapping(one.languages)},"offers":{self._topics(one.offers)},'
            f'"participation_id":"{one.participation_id}","person_id":"{one.person_id}","places":{int(one.places)},'
            f'"priority":{int(one.priority)},"projects":{self._sorted(one.projects)},"ranked":[{ranked}],'
            f'"role":"{one.role.value}","style":{self._mapping(one.style)},"taken":{int(one.taken)},'
            f'"team":{self._text(one.team)},"values":{self._sorted(one.values)},'
            f'"working_time":{self._time(one.working_time)}}}'
        ).encode()

    def line(self, line: Line) -> bytes:
        """To whom a person reports."""
        manager = "null" if line.manager_id is None else f'"{line.manager_id}"'
        return (
            f'{{"dotted_line_ids":{_ids(line.dotted_line_ids)},"manager_id":{manager},'
            f'"person_id":"{line.person_id}","reviewer_ids":{_ids(line.reviewer_ids)}}}'
        ).encode()

    def _text(self, value: str | None) -> str:
        found = self._texts.get(value)
        if found is None:
            found = self._texts[value] = _encode(value)
        return found

    def _unit(self, unit: UUID) -> str:
        found = self._units.get(unit)
        if found is None:
            found = self._units[unit] = f'"{unit}"'
        return found

    def _topics(self, levels: Mapping[str, int]) -> str:
        """As `_mapping`, for what is seldom the same of two people."""
        inner = ",".join([f"{self._text(name)}:{int(levels[name])}" for name in sorted(levels)])
        return f"{{{inner}}}"

    def _mapping(self, levels: Mapping[str, int]) -> str:
        key = tuple(sorted(levels.items()))
        found = self._levels.get(key)
        if found is None:
            found = self._levels[key] = self._topics(levels)
        return found

    def _sorted(self, names: Collection[str]) -> str:
        found = self._sets.get(names)
        if found is None:
            found = self._sets[names] = f"[{','.join([self._text(name) for name in sorted(names)])}]"
        return found

    def _background(self, background: Background) -> str:
        found = self._backgrounds.get(background)
        if found is None:
            traits = (background.function, background.region, background.country, background.tenure)
            told = ",".join([self._text(trait) for trait in traits])
            found = self._backgrounds[background] = f"[{told},{self._sorted(background.life)}]"
        return found

    def _time(self, time: WorkingTime) -> str:
        found = self._times.get(time)
        if found is None:
            found = _encode([time.time_zone, time.start_minute, time.end_minute, sorted(time.days)])
            self._times[time] = found
        return found


def _ids(ids: Iterable[UUID]) -> str:
    quoted = sorted([f'"{one}"' for one in ids])
    return f"[{','.join(quoted)}]"
