"""Runs migrations on the connection that `bellrock.store.database` brings along."""

from alembic import context

from bellrock.store.config_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
