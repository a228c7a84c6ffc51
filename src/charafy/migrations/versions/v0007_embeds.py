"""Embedded characters: the conversations that visitors have with them, and what days they took."""

import sqlalchemy as sa
from alembic import op

from charafy.kernel.db import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "embed_sessions",
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("character_id", sa.String(length=36), nullable=False),
        sa.Column("minted_at", UtcDateTime(), nullable=False),
        sa.Column("connect_by", UtcDateTime(), nullable=False),
        sa.Column("limit_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_embed_sessions")),
    )
    op.create_index("ix_embed_sessions_character_id", "embed_sessions", ["character_id"])
    op.create_index("ix_embed_sessions_account_id", "embed_sessions", ["account_id"])
    op.create_table(
        "embed_days",
        sa.Column("character_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("character_id", "day", name=op.f("pk_embed_days")),
    )
    op.create_index("ix_embed_days_account_id_day", "embed_days", ["account_id", "day"])
    op.create_index("ix_embed_days_day", "embed_days", ["day"])
