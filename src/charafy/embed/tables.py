"""Limits of embedded characters; whether one is embedded at all stands with the character."""

from __future__ import annotations

import sqlalchemy as sa

from charafy.kernel.db import metadata

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
