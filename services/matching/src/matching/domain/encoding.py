"""The snapshot as integer arrays: what the kernels of `matching.domain.kernel` read.

Mentors are rows, mentees are columns. Both are numbered twice: their position is the canonical one (ascending
participation id); inside, rows are sorted by class and columns by the number of wishes, by what they declare and by class, so that
neighbours are alike and loops predictable. `position` leads from inside out. Nothing grows with the product of both sides: 50,000
a side take about 50 MB.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matching.domain.encoded_groups import Groups, Longs, Shorts, Words, groups, numbered
from matching.domain.encoded_organisation import Organisation, encode_organisation
from matching.domain.encoded_topics import Topics, encode_topics
from matching.domain.facts import (
    Candidate,
    Direction,
    LanguageLevel,
    PairType,
    Snapshot,
    UnitPolicy,
    WorkingTime,
)
from matching.domain.rules import WAIVABLE, HardRules, Rule
from matching.domain.ties import names_of
from matching.domain.working_hours import DAYS_COMPARED, shifts

MOST_AXES = 64
"""Axes of working style that can be told apart."""
HAS_WISHES, HAS_VALUES, HAS_CHANNELS, HAS_RANKED = 1, 2, 4, 8
"""Bits of `flags`: which parts of the score a person has something to say to."""
MOST_WISHES_APART = 4
"""Numbers of wishes that are told apart in the order of columns; as many or more are one."""
TRAITS = ("function", "region", "country", "tenure")


class People(NamedTuple):
    """One side, one element each in the inner order.

    `available`: employed and with a free place. `team`, `manager` and the four `traits` (function, region, country,
    tenure) are codes common to both sides, -1 where nothing is known. `node` is the person in the organisation graph.
    `life`, `values` and `channels` are sets of bits, `axes` the bits of the axes declared in `style`.
    """

    position: Shorts
    names: Words
    employed: NDArray[np.bool_]
    placed: NDArray[np.bool_]
    grade: Shorts
    unit: Shorts
    team: Shorts
    manager: Shorts
    node: Shorts
    kind: Shorts
    traits: NDArray[np.int32]
    life: Words
    values: Words
    channels: Words
    axes: Words
    style: NDArray[np.int8]
    flags: NDArray[np.uint8]


class Classes(NamedTuple):
    """Classes of (working time, languages) of both sides, and what they consist of.

    `mentor_time[k]` and `mentor_tongue[k]` are the working time and the languages of class k of mentors. `begins` and
    `ends` are shifts in seconds for the nine days of `working_hours.shifts`, `begins` past any time on a day off.
    `tongues` holds a level (0: none) for every language in columns.
    """

    mentor_time: Shorts
    mentor_tongue: Shorts
    mentee_time: Shorts
    mentee_tongue: Shorts
    begins: Longs
    ends: Longs
    works: NDArray[np.bool_]
    tongues: NDArray[np.int8]


class Settings(NamedTuple):
    """The program's rules as integers. `grade_sign` is 1 where the mentee must be senior, -1 where the mentor must, 0
    where grades do not count; `unit_policy` is 0 (any), 1 (across) or 2 (within).
    """

    reciprocal: int
    grade_sign: int
    grade_gap: int
    unit_policy: int
    least_level: int
    least_minutes: int
    topics: int
    reciprocity: int
    distance: int
    language: int
    hours: int
    values: int
    style: int
    preferences: int
    channel: int


class PairLists(NamedTuple):
    """Facts of single pairs, by row: `wanted` are columns that the row ranks or that rank it, with the points of the part
    `preferences`; `forced` are waived pairs with the verdict of the reference; `kept` are pairs a re-match should keep.
    """

    wanted: Groups
    wanted_points: Shorts
    forced: Groups
    forced_allowed: NDArray[np.bool_]
    kept: Groups


class Waived(NamedTuple):
    """A pair with a waiver, as inner (row, column): whether the readable rules allow it, and the rules it would break
    without the waiver and does not break with it.
    """

    row: int
    column: int
    allowed: bool
    spared: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A whole snapshot as arrays. `inner_mentors` and `inner_mentees` lead from positions to inner numbers."""

    mentors: People
    mentees: People
    classes: Classes
    topics: Topics
    organisation: Organisation
    pairs: PairLists
    settings: Settings
    waived: tuple[Waived, ...]
    inner_mentors: Shorts
    inner_mentees: Shorts


def in_order(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """In canonical order: ascending participation id."""
    return tuple(sorted(candidates, key=lambda candidate: candidate.participation_id.int))


def encode(snapshot: Snapshot, seed: str) -> Encoded:
    """The snapshot as arrays; `seed` gives the names of the rule for ties.

    ValueError for more than 64 axes of working style or more than 1,000 wishes of one person.
    """
    with _undisturbed():
        return _encoded(snapshot, seed)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the collector of cycles: nothing here makes any, and it would walk through the whole snapshot again and again."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _encoded(snapshot: Snapshot, seed: str) -> Encoded:
    mentors, mentees = in_order(snapshot.mentors), in_order(snapshot.mentees)
    codes = _Codes(snapshot, (*mentors, *mentees))
    mentor_kinds, mentor_times, mentor_tongues = codes.kinds(mentors)
    mentee_kinds, mentee_times, mentee_tongues = codes.kinds(mentees)
    rows = np.lexsort((mentor_kinds,)).astype(np.int32)
    wishes = np.fromiter((len(one.asks) for one in mentees), np.int32, len(mentees))
    flags = np.fromiter((_flags(one, snapshot.rules.preference_limit) for one in mentees), np.uint8, len(mentees))
    declared = column_kinds(flags, np.fromiter((len(one.style) for one in mentees), np.uint64, len(mentees)))
    columns = np.lexsort((mentee_kinds, wishes, declared, np.minimum(wishes, MOST_WISHES_APART))).astype(np.int32)
    ordered_mentors, ordered_mentees = [mentors[row] for row in rows], [mentees[column] for column in columns]
    organisation, placed = encode_organisation(snapshot, ordered_mentors, ordered_mentees, codes.units, codes.teams)
    waived = _waived(snapshot, ordered_mentors, ordered_mentees)
    limit = snapshot.rules.preference_limit
    return Encoded(
        mentors=codes.people(
            ordered_mentors, rows, mentor_kinds[rows], placed.mentors, organisation.manager, limit, seed
        ),
        mentees=codes.people(
            ordered_mentees, columns, mentee_kinds[columns], placed.mentees, organisation.manager, limit, seed
        ),
        classes=Classes(mentor_times, mentor_tongues, mentee_times, mentee_tongues, *codes.shifts(), codes.levels()),
        topics=encode_topics(ordered_mentors, ordered_mentees),
        organisation=organisation,
        pairs=_pair_lists(snapshot, ordered_mentors, ordered_mentees, waived),
        settings=_settings(snapshot),
        waived=waived,
        inner_mentors=_inverse(rows),
        inner_mentees=_inverse(columns),
    )


class _Codes:
    """Numbers for everything that is compared between people, the same on both sides."""

    def __init__(self, snapshot: Snapshot, everybody: Sequence[Candidate]) -> None:
        self._starts_on = snapshot.starts_on
        self.units = numbered(one.business_unit_id for one in everybody)
        self.teams = numbered(one.team for one in everybody if one.team is not None)
        self._traits = [_sorted(getattr(one.background, trait) for one in everybody) for trait in TRAITS]
        self._life = _sorted(chain.from_iterable(one.background.life for one in everybody))
        self._values = _sorted(chain.from_iterable(one.values for one in everybody))
        self._channels = _sorted(chain.from_iterable(one.channels for one in everybody))
        self._axes = _sorted(chain.from_iterable(one.style for one in everybody))
        if len(self._axes) > MOST_AXES:
            raise ValueError(f"{len(self._axes)} axes of working style; at most {MOST_AXES} can be told apart")
        self._languages = _sorted(chain.from_iterable(one.languages for one in everybody))
        self._times: dict[WorkingTime, int] = {}
        self._tongues: dict[frozenset[tuple[str, LanguageLevel]], int] = {}

    def kinds(self, people: Sequence[Candidate]) -> tuple[Shorts, Shorts, Shorts]:
        """The class of each person, and the working time and the languages of each class."""
        times, tongues = self._times, self._tongues
        both = [
            (
                times.setdefault(one.working_time, len(times)),
                tongues.setdefault(frozenset(one.languages.items()), len(tongues)),
            )
            for one in people
        ]
        known = numbered(both)
        return (
            np.fromiter((known[one] for one in both), np.int32, len(both)),
            np.fromiter((time for time, _ in known), np.int32, len(known)),
            np.fromiter((tongue for _, tongue in known), np.int32, len(known)),
        )

    def people(
        self,
        people: Sequence[Candidate],
        position: Shorts,
        kinds: Shorts,
        nodes: Shorts,
        manager: Shorts,
        limit: int,
        seed: str,
    ) -> People:
        """One side in its inner order."""
        styles = [one.style for one in people]
        owner, axis = _members(styles, self._axes)
        style = np.zeros((len(people), len(self._axes)), np.int8)
        style[owner, axis] = np.fromiter(chain.from_iterable(one.values() for one in styles), np.int8, len(owner))
        return People(
            position=position,
            names=names_of(seed, (one.participation_id for one in people)),
            employed=np.fromiter((one.employed for one in people), np.bool_, len(people)),
            placed=np.fromiter((one.free_places > 0 for one in people), np.bool_, len(people)),
            grade=_shorts([one.grade_rank for one in people]),
            unit=_shorts([self.units[one.business_unit_id] for one in people]),
            team=_shorts([-1 if one.team is None else self.teams[one.team] for one in people]),
            manager=manager[nodes],
            node=nodes,
            kind=kinds,
            traits=np.array(
                [
                    [codes.get(getattr(one.background, trait), -1) for one in people]
                    for trait, codes in zip(TRAITS, self._traits, strict=True)
                ],
                dtype=np.int32,
            ).T.copy(),
            life=_bits([one.background.life for one in people], self._life),
            values=_bits([one.values for one in people], self._values),
            channels=_bits([one.channels for one in people], self._channels),
            axes=_bits(styles, self._axes)[:, 0] if self._axes else np.zeros(len(people), np.uint64),
            style=style,
            flags=np.fromiter((_flags(one, limit) for one in people), np.uint8, len(people)),
        )

    def shifts(self) -> tuple[Longs, Longs, NDArray[np.bool_]]:
        """Begins, ends and days at work of every working time."""
        shape = len(self._times), DAYS_COMPARED
        begins, ends, works = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
        for working, time in self._times.items():
            for day, shift in enumerate(shifts(working, self._starts_on)):
                if shift is not None:
                    begins[time, day], ends[time, day] = shift
                    works[time, day] = True
        return begins, ends, works

    def levels(self) -> NDArray[np.int8]:
        """The level of every language in every set of languages."""
        levels = np.zeros((len(self._tongues), len(self._languages)), np.int8)
        for spoken, tongue in self._tongues.items():
            for language, level in spoken:
                levels[tongue, self._languages[language]] = level
        return levels


def column_kinds(flags: NDArray[np.uint8], axes: Words) -> Shorts:
    """What people declare as numbers below 32: their `flags`, and 16 for any axis of working style."""
    kinds: Shorts = flags.astype(np.int32) + 16 * (axes != 0)
    return kinds.astype(np.int32)


def _flags(one: Candidate, limit: int) -> int:
    return (
        (HAS_WISHES if one.asks else 0)
        | (HAS_VALUES if one.values else 0)
        | (HAS_CHANNELS if one.channels else 0)
        | (HAS_RANKED if one.ranked[:limit] else 0)
    )


def _shorts(values: Sequence[int]) -> Shorts:
    return np.array(values, dtype=np.int32)


def _inverse(order: Shorts) -> Shorts:
    inverse = np.empty_like(order)
    inverse[order] = np.arange(len(order), dtype=np.int32)
    return inverse


def _sorted(values: Iterable[str | None]) -> dict[str | None, int]:
    """The distinct values but None, numbered in their order."""
    return {value: number for number, value in enumerate(sorted(value for value in set(values) if value is not None))}


def _members(sets: Sequence[Collection[str]], codes: Mapping[str | None, int]) -> tuple[Longs, Longs]:
    """The numbers of the sets and of the members, for every member of every set."""
    owner = np.repeat(np.arange(len(sets)), np.fromiter(map(len, sets), np.int64, len(sets)))
    return owner, np.fromiter(map(codes.__getitem__, chain.from_iterable(sets)), np.int64, len(owner))


def _bits(sets: Sequence[Collection[str]], codes: Mapping[str | None, int]) -> Words:
    """Each set as bits, 64 codes a word."""
    words = (len(codes) + 63) // 64
    bits = np.zeros(len(sets) * words, np.uint64)
    owner, code = _members(sets, codes)
    np.bitwise_or.at(bits, owner * words + (code >> 6), np.uint64(1) << (code & 63).astype(np.uint64))
    return bits.reshape(len(sets), words)


def _waived(snapshot: Snapshot, mentors: Sequence[Candidate], mentees: Sequence[Candidate]) -> tuple[Waived, ...]:
    """The pairs of the cohort for which a rule is waived that can be waived."""
    waivable = {rule.value for rule in WAIVABLE}
    people = {(mentor, mentee) for mentor, mentee, rule in snapshot.waived if rule in waivable}
    if not people:
        return ()
    of_mentor: dict[UUID, list[int]] = {}
    of_mentee: dict[UUID, list[int]] = {}
    for found, side in ((of_mentor, mentors), (of_mentee, mentees)):
        for number, one in enumerate(side):
            found.setdefault(one.person_id, []).append(number)
    hard = HardRules(replace(snapshot, waived=frozenset()))
    waived = []
    for mentor, mentee in people:
        for row in of_mentor.get(mentor, ()):
            for column in of_mentee.get(mentee, ()):
                broken = hard.judge(mentors[row], mentees[column]).broken
                spared = tuple(
                    rule for rule in broken if rule in WAIVABLE and (mentor, mentee, rule.value) in snapshot.waived
                )
                waived.append(Waived(row, column, broken == spared, spared))
    return tuple(sorted(waived))


def _pair_lists(
    snapshot: Snapshot, mentors: Sequence[Candidate], mentees: Sequence[Candidate], waived: tuple[Waived, ...]
) -> PairLists:
    rows = {one.participation_id.int: row for row, one in enumerate(mentors)}
    columns = {one.participation_id.int: column for column, one in enumerate(mentees)}
    kept = [
        (rows[mentor.int], columns[mentee.int])
        for mentor, mentee in snapshot.previous or ()
        if mentor.int in rows and mentee.int in columns
    ]
    wanted, points = _wanted(mentors, mentees, rows, columns, snapshot.rules.preference_limit)
    return PairLists(
        wanted=wanted,
        wanted_points=points,
        forced=groups([one.row for one in waived], [one.column for one in waived], len(mentors)),
        forced_allowed=np.array([one.allowed for one in waived], dtype=np.bool_),
        kept=groups([row for row, _ in kept], [column for _, column in kept], len(mentors)),
    )


def _wanted(
    mentors: Sequence[Candidate],
    mentees: Sequence[Candidate],
    rows: dict[int, int],
    columns: dict[int, int],
    limit: int,
) -> tuple[Groups, Shorts]:
    """The pairs in which one ranked the other, and the points of the part `preferences`."""
    pairs: list[int] = []
    points: list[int] = []
    for side, others, is_row in ((mentors, columns, True), (mentees, rows, False)):
        for number, one in enumerate(side):
            ranked = [wanted.int for wanted in one.ranked[:limit]]
            for rank, wanted in enumerate(ranked):
                other = others.get(wanted)
                if other is not None and wanted not in ranked[:rank]:
                    pairs.append((number << 32) | other if is_row else (other << 32) | number)
                    points.append(1000 * (limit - rank) // limit)
    keys, place = np.unique(np.array(pairs, dtype=np.int64), return_inverse=True)
    total = np.zeros(len(keys), np.int64)
    np.add.at(total, place, np.array(points, dtype=np.int64))
    row, column = keys >> 32, keys & 0xFFFFFFFF
    ranks_mentor = np.fromiter((bool(one.ranked[:limit]) for one in mentors), np.int64, len(mentors))
    ranks_mentee = np.fromiter((bool(one.ranked[:limit]) for one in mentees), np.int64, len(mentees))
    sides = ranks_mentor[row] + ranks_mentee[column]
    return groups(row, column, len(mentors)), (total // sides).astype(np.int32)


def _settings(snapshot: Snapshot) -> Settings:
    rules = snapshot.rules
    by_grade = rules.pair_type is not PairType.RECIPROCAL and rules.direction is Direction.GRADE
    senior = 1 if rules.pair_type is PairType.REVERSE else -1
    weights = rules.weights
    return Settings(
        reciprocal=int(rules.pair_type is PairType.RECIPROCAL),
        grade_sign=senior if by_grade else 0,
        grade_gap=rules.minimum_grade_gap,
        unit_policy=(UnitPolicy.ANY, UnitPolicy.ACROSS, UnitPolicy.WITHIN).index(rules.unit_policy),
        least_level=int(rules.minimum_language_level),
        least_minutes=rules.minimum_overlap_minutes,
        topics=weights.topics,
        reciprocity=weights.reciprocity,
        distance=weights.distance,
        language=weights.language,
        hours=weights.hours,
        values=weights.values,
        style=weights.style,
        preferences=weights.preferences,
        channel=weights.channel,
    )
