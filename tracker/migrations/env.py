"""alembic's entry: migrates the connection that `tracker.store.database` hands over."""

from alembic import context
from sqlmodel import SQLModel

import tracker.models  # noqa: F401 - fills SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
