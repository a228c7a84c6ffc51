"""Which secret the database belongs to; the next start of a server writes the row."""

import sqlalchemy as sa
from alembic import op

from charafy.kernel.db import UtcDateTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "secret_fingerprint",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_secret_fingerprint_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_secret_fingerprint")),
    )
