"""A made-up company that changes for a year: who reports to whom, change set by change set, as enrollment would publish it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from contracts.enrollment import EmploymentState, PersonJoined, PersonLeft, PersonMoved
from contracts.envelope import Envelope
from contracts.identifiers import opaque_code

_SPACE = UUID("01990c3e-0000-7000-8000-0000000000ce")
DAY = timedelta(days=1)
PARTITIONS = 6


@dataclass(frozen=True)
class Post:
    """Where somebody stands."""

    unit: UUID
    rank: int
    manager: UUID | None = None
    dotted: frozenset[UUID] = frozenset()
    reviewers: frozenset[UUID] = frozenset()
    team: str = "none"
    projects: frozenset[str] = frozenset()
    employed: bool = True


@dataclass
class Company:
    """The posts of now, and everything said about them. The same for the same seed and the same first posts."""

    draw: random.Random
    posts: dict[UUID, Post]
    now: datetime
    sequences: dict[UUID, int] = field(default_factory=dict)
    sets: int = 0
    before: dict[UUID, Post] = field(default_factory=dict)

    @classmethod
    def of(cls, seed: int, people: int, units: list[UUID], now: datetime) -> Company:
        """A tree of about five levels over several units, with teams, projects, reviewers and dotted lines across it."""
        draw = random.Random(seed)
        posts: dict[UUID, Post] = {}
        order: list[UUID] = []
        for place in range(people):
            one = uuid5(_SPACE, f"{seed} person {place}")
            manager = order[(place - 1) // 5] if place else None
            rank = 9 if manager is None else max(1, posts[manager].rank - 2)
            posts[one] = Post(draw.choice(units), rank, manager, team=f"team {place}")
            order.append(one)
        company = cls(draw, posts, now)
        for one in order:
            company.posts[one] = company.drawn(one)
        return company

    def drawn(self, one: UUID) -> Post:
        """The post of somebody with dotted line, reviewer, team and projects drawn anew, each of them seldom."""
        draw, people = self.draw, list(self.posts)

        def seldom(chance: float) -> frozenset[UUID]:
            return frozenset({draw.choice(people)} - {one}) if draw.random() < chance else frozenset()

        return replace(
            self.posts[one],
            dotted=seldom(0.03),
            reviewers=seldom(0.2),
            team=f"team {draw.randrange(max(2, len(people) // 6))}" if draw.random() < 0.9 else "none",
            projects=frozenset({f"project {draw.randrange(max(2, len(people) // 5))}"} if draw.random() < 0.5 else ()),
        )

    def below(self, one: UUID) -> set[UUID]:
        """Everybody under somebody by managers alone, themselves included: nobody is put under these."""
        reports: dict[UUID, list[UUID]] = {}
        for person, post in self.posts.items():
            if post.manager is not None:
                reports.setdefault(post.manager, []).append(person)
        found, frontier = set(), [one]
        while frontier:
            here = frontier.pop()
            if here not in found:
                found.add(here)
                frontier += reports.get(here, [])
        return found

    def told(self, changes: Mapping[UUID, Post], joined: bool = False) -> list[Envelope[Any]]:
        """Carry the changes out and say them as one change set, an event for each person."""
        self.sets += 1
        set_id = uuid5(_SPACE, f"{self.draw.random()} set {self.sets}")
        return [
            self._event(
                person, post, joined, change_set_id=set_id, change_set_size=len(changes), change_set_index=place
            )
            for place, (person, post) in enumerate(changes.items())
        ]

    def _event(self, person: UUID, post: Post, joined: bool, **change_set: Any) -> Envelope[Any]:
        self.before.pop(person, None)
        self.before[person] = self.posts.get(person, post)
        self.posts[person] = post
        self.sequences[person] = self.sequences.get(person, 0) + 1
        model = PersonJoined if joined else PersonMoved if post.employed else PersonLeft
        event = model(
            business_unit_id=post.unit,
            person_id=person,
            state=EmploymentState.EMPLOYED if post.employed else EmploymentState.LEFT,
            grade=f"G{post.rank}",
            grade_rank=post.rank,
            manager_id=post.manager,
            dotted_line_manager_ids=tuple(sorted(post.dotted)),
            reviewer_ids=tuple(sorted(post.reviewers)),
            team_code=None if post.team == "none" else opaque_code(post.team),
            project_codes=tuple(sorted(opaque_code(project) for project in post.projects)),
            country="FR",
            **change_set,
        )
        return Envelope.of(event, sequence=self.sequences[person], time=self.now)

    def everybody(self) -> list[Envelope[Any]]:
        """The first import."""
        return self.told(dict(self.posts), joined=True)

    def year(self, sets: int) -> Iterator[list[Envelope[Any]]]:
        """A year of change sets: moves, promotions, leavers and joiners, and now and then a re-organisation."""
        often = [self.move, self.redraw, self.correction] * 4
        kinds = [*often, self.reorganisation, self.reorganisation, self.promotion, self.leaver, self.joiner]
        for _ in range(sets):
            self.now += 365 * DAY / sets
            changes = self.draw.choice(kinds)()
            if changes:
                yield self.told(changes, joined=any(person not in self.sequences for person in changes))

    def _somebody(self) -> UUID:
        return self.draw.choice([person for person, post in self.posts.items() if post.employed])

    def move(self) -> dict[UUID, Post]:
        """Somebody, with everybody below them, gets another manager."""
        one = self._somebody()
        free = sorted({person for person, post in self.posts.items() if post.employed} - self.below(one))
        return {one: replace(self.posts[one], manager=self.draw.choice(free))} if free else {}

    def redraw(self) -> dict[UUID, Post]:
        """Somebody's dotted line, reviewer, team and projects change."""
        one = self._somebody()
        return {one: self.drawn(one)}

    def correction(self) -> dict[UUID, Post]:
        """What was last said of a few people was a mistake and is taken back, as one change set."""
        recent = [person for person in list(self.before)[-8:] if self.posts[person].employed]
        there = {None, *(person for person, post in self.posts.items() if post.employed)}
        return {
            person: self.before[person]
            for person in recent
            if self.before[person].manager in there - self.below(person)
        }

    def promotion(self) -> dict[UUID, Post]:
        """Somebody rises."""
        one = self._somebody()
        return {one: replace(self.posts[one], rank=self.posts[one].rank + 1)}

    def leaver(self) -> dict[UUID, Post]:
        """Somebody leaves, and who reported to them reports to their manager: one change set."""
        one = self._somebody()
        manager = self.posts[one].manager
        if manager is None:
            return {}
        moved = {person: replace(post, manager=manager) for person, post in self.posts.items() if post.manager == one}
        return {one: replace(self.posts[one], employed=False), **moved}

    def joiner(self) -> dict[UUID, Post]:
        """Somebody new takes over half of a manager's reports: one change set, in which the new line has no middle for a while."""
        manager = self._somebody()
        new = uuid5(_SPACE, f"joiner {self.draw.random()}")
        reports = sorted(person for person, post in self.posts.items() if post.manager == manager)
        moved = {person: replace(self.posts[person], manager=new) for person in reports[::2]}
        return {**moved, new: Post(self.posts[manager].unit, self.posts[manager].rank, manager)}

    def reorganisation(self) -> dict[UUID, Post]:
        """Two managers swap their reports and some teams are redrawn: half of it would put people into wrong chains."""
        one, other = self._somebody(), self._somebody()
        if one in self.below(other) or other in self.below(one):
            return {}
        changes: dict[UUID, Post] = {}
        for person, post in self.posts.items():
            if post.manager in (one, other):
                changes[person] = replace(post, manager=other if post.manager == one else one)
        for person in sorted(self.below(one) | self.below(other))[:20]:
            if self.draw.random() < 0.3:
                changes[person] = replace(
                    changes.get(person, self.posts[person]), team=f"team {self.draw.randrange(40)}"
                )
        return changes


def delivered(
    draw: random.Random, change_sets: Iterator[list[Envelope[Any]]], at_once: int = 3
) -> Iterator[list[Envelope[Any]]]:
    """The events in batches as a consumer of several partitions gets them: in order per person, else in any order.

    Events of up to `at_once` consecutive change sets are on their way together.
    """
    waiting: list[list[Envelope[Any]]] = [[] for _ in range(PARTITIONS)]
    open_sets: dict[UUID, int] = {}
    exhausted = False
    while not exhausted or open_sets:
        while not exhausted and len(open_sets) < draw.randint(1, at_once):
            events = next(change_sets, None)
            if events is None:
                exhausted = True
                break
            open_sets[events[0].data.change_set_id] = len(events)
            for event in draw.sample(events, len(events)):
                waiting[event.subject.int % PARTITIONS].append(event)
        batch: list[Envelope[Any]] = []
        for _ in range(draw.choice([1, 2, 5, 20])):
            queues = [queue for queue in waiting if queue]
            if not queues:
                break
            batch.append(draw.choice(queues).pop(0))
        for event in batch:
            set_id = event.data.change_set_id
            open_sets[set_id] -= 1
            if not open_sets[set_id]:
                del open_sets[set_id]
        if batch:
            yield batch
