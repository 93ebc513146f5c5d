from alembic import context
from chassis.migrations import run

run("engagement", context.config.attributes["metadata"])
