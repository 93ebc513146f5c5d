"""How an entrypoint names what it does with events: by event model, nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts import catalog


@dataclass(frozen=True, slots=True)
class Projects:
    """A handler that keeps a projection: an idempotent upsert guarded by the sequence, right in any order of arrival.

    What the handlers of a batch stage travels to the database in one go, in their order, before the first of them that reads.
    """

    event: type[Any]
    handler: Callable[[Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ProjectsBatch:
    """As `Projects`, with all envelopes of the batch that belong to one of `events` in one call, for one statement."""

    events: tuple[type[Any], ...]
    handler: Callable[[Sequence[Any], Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Acts:
    """A handler that acts: called once per event, in order of the sequence per aggregate; may raise `Missing`."""

    event: type[Any]
    handler: Callable[[Any, Any], Awaitable[None]]


Handler = Projects | ProjectsBatch | Acts


@dataclass(slots=True)
class Routing:
    """Handlers by event type; topics of which every event is taken in order because some handler acts upon them."""

    by_type: dict[str, Handler] = field(default_factory=dict)
    topics: set[str] = field(default_factory=set)
    ordered: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, handlers: Sequence[Handler]) -> Routing:
        """Raises ValueError when an event has two handlers."""
        routing = cls()
        for handler in handlers:
            events = handler.events if isinstance(handler, ProjectsBatch) else (handler.event,)
            for event in events:
                event_type = catalog.type_of(event)
                if event_type in routing.by_type:
                    raise ValueError(f"{event_type} has two handlers")
                routing.by_type[event_type] = handler
                topic = catalog.topic_of(event).name
                routing.topics.add(topic)
                if isinstance(handler, Acts):
                    routing.ordered.add(topic)
        return routing
