"""The topic files name exactly the services that read: their dead-letter topics exist because of it."""

from __future__ import annotations

from importlib import import_module

import pytest
from chassis.handlers import Routing
from contracts import catalog

SERVICES = ("enrollment", "matching", "engagement", "evaluation")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_the_topics_that_name_it(service: str) -> None:
    """A reader that no topic file names would have nowhere to put its dead letters."""
    handlers = import_module(f"{service}.entrypoints.consumer").HANDLERS
    read = Routing.of(handlers).topics
    assert read == {topic.name for topic in catalog.topics_read_by(service)}
