from chassis.migrations import run

from alembic import context

run("engagement", context.config.attributes["metadata"])
