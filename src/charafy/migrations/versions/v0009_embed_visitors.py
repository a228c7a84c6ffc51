"""Which visitor an embedded conversation is of, so that one can't take everybody's place."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("embed_sessions", sa.Column("visitor", sa.String(length=64), nullable=True))
