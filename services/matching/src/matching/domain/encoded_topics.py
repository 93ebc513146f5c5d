"""Topics, wishes and offers as integers: who answers what, with which points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from matching.domain.encoded_groups import Groups, Longs, Shorts, Words, bits_of, groups, numbered
from matching.domain.facts import Candidate

MOST_WISHES = 1000
"""Wishes of one person; the division by their number is exact up to here."""


class Topics(NamedTuple):
    """All topics of the cohort and how people name them.

    `related` lists for each topic itself and every broader or narrower one. A *wish* is a (topic, level) that a mentee asks
    for, an *offer* a (topic, level) that a mentee offers; `wishes` and `offers` list those of a column, `wishes_of` and
    `offers_of` those of a topic. What mentors offer and ask is kept as topics with levels beside them. `asked_count` are
    all wishes of a row and `wish_count` all of a column, answerable or not; a sum of up to 1000 points for each wish of a
    column, times its `wish_factor` and without the lower 32 bits, is the mean rounded down (exact, because
    1000 * count**2 < 2**32). `asking` and `offering` are bits of columns by topic: who asks for it or offers it, or a topic
    related to it.
    """

    related: Groups
    wish_level: Shorts
    wishes_of: Groups
    wishes: Groups
    wish_count: Shorts
    wish_factor: Longs
    offer_level: Shorts
    offers_of: Groups
    offers: Groups
    offered: Groups
    offered_level: Shorts
    asked: Groups
    asked_level: Shorts
    asked_count: Shorts
    asking: Words
    offering: Words


def encode_topics(mentors: Sequence[Candidate], mentees: Sequence[Candidate]) -> Topics:
    """The topics of both sides in their inner order. A level below 1 answers nothing and is answered by nothing."""
    codes = numbered(chain.from_iterable(chain(one.offers, one.asks) for one in chain(mentors, mentees)))
    related = _related(codes)
    wishes = numbered((codes[code], level) for one in mentees for code, level in one.asks.items() if level > 0)
    offers = numbered((codes[code], level) for one in mentees for code, level in one.offers.items() if level > 0)
    offered, offered_level = _told(codes, [one.offers for one in mentors])
    asked, asked_level = _told(codes, [one.asks for one in mentors])
    most = max((len(one.asks) for one in (*mentors, *mentees)), default=0)
    if most > MOST_WISHES:
        raise ValueError(f"{most} wishes of one person; at most {MOST_WISHES} can be weighed")
    wish_count = np.fromiter((len(one.asks) for one in mentees), np.int32, len(mentees))
    wishes_told = _named(codes, wishes, [one.asks for one in mentees])
    offers_told = _named(codes, offers, [one.offers for one in mentees])
    return Topics(
        related=related,
        wish_level=_levels(wishes),
        wishes_of=groups((topic for topic, _ in wishes), range(len(wishes)), len(codes)),
        wishes=wishes_told,
        wish_count=wish_count,
        wish_factor=2**32 // np.maximum(1, wish_count).astype(np.int64) + 1,
        offer_level=_levels(offers),
        offers_of=groups((topic for topic, _ in offers), range(len(offers)), len(codes)),
        offers=offers_told,
        offered=offered,
        offered_level=offered_level,
        asked=asked,
        asked_level=asked_level,
        asked_count=np.fromiter((len(one.asks) for one in mentors), np.int32, len(mentors)),
        asking=_reach(related, _topics_of(wishes, wishes_told, len(codes)), len(mentees)),
        offering=_reach(related, _topics_of(offers, offers_told, len(codes)), len(mentees)),
    )


def _related(codes: dict[str, int]) -> Groups:
    """A topic's broader topics are the beginnings of its code up to a dot."""
    one, other = list(range(len(codes))), list(range(len(codes)))
    for code, number in codes.items():
        dot = code.find(".")
        while dot >= 0:
            broader = codes.get(code[:dot])
            if broader is not None:
                one.extend((number, broader))
                other.extend((broader, number))
            dot = code.find(".", dot + 1)
    return groups(one, other, len(codes))


def _told(codes: dict[str, int], people: Sequence[Mapping[str, int]]) -> tuple[Groups, Shorts]:
    """(topic, level) of each person: topics ascending, and the levels beside them."""
    told = [sorted((codes[code], level) for code, level in one.items() if level > 0) for one in people]
    starts = np.zeros(len(told) + 1, np.int64)
    np.cumsum([len(one) for one in told], out=starts[1:])
    flat = [pair for one in told for pair in one]
    items = np.fromiter((topic for topic, _ in flat), np.int32, len(flat))
    return Groups(starts, items), np.fromiter((level for _, level in flat), np.int32, len(flat))


def _named(codes: dict[str, int], names: dict[tuple[int, int], int], people: Sequence[Mapping[str, int]]) -> Groups:
    """The numbers of each person's (topic, level)."""
    found = [[names[codes[code], level] for code, level in one.items() if level > 0] for one in people]
    owners = np.repeat(np.arange(len(found)), [len(one) for one in found])
    return groups(owners, (name for one in found for name in one), len(found))


def _levels(names: dict[tuple[int, int], int]) -> Shorts:
    return np.fromiter((level for _, level in names), np.int32, len(names))


def _topics_of(names: dict[tuple[int, int], int], told: Groups, count: int) -> Groups:
    """Columns by topic, from the names each column told."""
    topic_of = np.fromiter((topic for topic, _ in names), np.int64, len(names))
    columns = np.repeat(np.arange(len(told.starts) - 1), np.diff(told.starts))
    return groups(topic_of[told.items], columns, count)


def _reach(related: Groups, columns: Groups, count: int) -> Words:
    """Bits of the columns that named a topic or a related one."""
    own = bits_of(columns, count)
    reach = np.zeros_like(own)
    for topic in range(len(own)):
        near = related.items[related.starts[topic] : related.starts[topic + 1]]
        reach[topic] = np.bitwise_or.reduce(own[near], axis=0)
    return reach
