"""Limits of embedded characters; whether one is embedded at all stands with the character."""

from __future__ import annotations

import sqlalchemy as sa

from charafy.kernel.db import UtcDateTime, metadata

embed_settings = sa.Table(
    "embed_settings",
    metadata,
    sa.Column("character_id", sa.ForeignKey("characters.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("allowed_origins", sa.JSON, nullable=False),
    sa.Column("session_limit_s", sa.Integer),
    sa.Column("daily_limit_s", sa.Integer),
    sa.Column("monthly_limit_s", sa.Integer),
    sa.Column("max_concurrent", sa.Integer),
)
"""No row: nothing was ever limited."""

embed_sessions = sa.Table(
    "embed_sessions",
    metadata,
    # No foreign keys: what goes on is counted also when its character is gone.
    sa.Column("conversation_id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.String(36), nullable=False),
    sa.Column("character_id", sa.String(36), nullable=False),
    sa.Column("minted_at", UtcDateTime, nullable=False),
    # A visitor who has not connected by then has lost the place.
    sa.Column("connect_by", UtcDateTime, nullable=False),
    sa.Column("limit_s", sa.Integer, nullable=False),
    # Of the visitor's address, as nobody can read it; it goes with the row.
    sa.Column("visitor", sa.String(64)),
    sa.Index("ix_embed_sessions_character_id", "character_id"),
    sa.Index("ix_embed_sessions_account_id", "account_id"),
)
"""Conversations of visitors that are not over: a row goes in the unit of work that ends it."""

embed_days = sa.Table(
    "embed_days",
    metadata,
    sa.Column("character_id", sa.String(36), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("account_id", sa.String(36), nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    # Those that began on that day.
    sa.Column("sessions", sa.Integer, nullable=False),
    sa.Index("ix_embed_days_account_id_day", "account_id", "day"),
    sa.Index("ix_embed_days_day", "day"),
)
"""What visitors had of a character on a day, in UTC: of conversations that are over."""
