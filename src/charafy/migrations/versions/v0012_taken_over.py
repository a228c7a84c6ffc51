"""Conversations that another process takes over: how often it was done, and what nobody led."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    for column in (
        sa.Column("term", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("gap_s", sa.Float(), nullable=False, server_default="0"),
    ):
        op.add_column("conversations", column)
