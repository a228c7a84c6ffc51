"""Alembic's entry: it only ever runs on the connection that `kernel.migrate` hands over."""

from alembic import context

from charafy.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
context.run_migrations()
