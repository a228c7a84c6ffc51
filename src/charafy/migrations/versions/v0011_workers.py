"""Which workers there are, so that one goes on with what another was killed over."""

import sqlalchemy as sa
from alembic import op

from charafy.kernel.db import UtcDateTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("run", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("lost_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_workers")),
    )
