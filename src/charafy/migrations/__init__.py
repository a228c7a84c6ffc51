"""Schema changes, in order; alembic runs them inside the caller's transaction."""
