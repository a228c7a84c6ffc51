"""Videos as rows. What was made lies in storage under `videos/<id>/`."""

from __future__ import annotations

import sqlalchemy as sa

from charafy.kernel.db import UtcDateTime, metadata

_UNDER_WAY = sa.text("status = 'processing'")

videos = sa.Table(
    "videos",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    # No foreign key: a video outlives its character.
    sa.Column("character_id", sa.String(36), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    # "order" is a word of SQL.
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("is_test", sa.Boolean, nullable=False),
    sa.Column("hold_id", sa.String(36), nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sa.Column("charged", sa.BigInteger, nullable=False),
    # How many of the account's videos were under way when it was ordered: who has few goes first.
    sa.Column("turn", sa.Integer, nullable=False),
    sa.Column("progress", sa.Float, nullable=False),
    # Times that a worker took it up and did not say that it put it down.
    sa.Column("attempts", sa.Integer, nullable=False),
    # Until when somebody has promised to look after it; the hold lives a little longer.
    sa.Column("lease_until", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("completed_at", UtcDateTime),
    sa.Column("duration_s", sa.Float),
    sa.Column("output_key", sa.String(200)),
    sa.Column("srt_key", sa.String(200)),
    sa.Column("vtt_key", sa.String(200)),
    sa.Column("error_code", sa.String(32)),
    sa.Column("error", sa.String(500)),
    sa.CheckConstraint("status IN ('processing', 'completed', 'failed')", name="status_known"),
    sa.CheckConstraint("charged BETWEEN 0 AND held", name="within_hold"),
    sa.Index(None, "account_id", "created_at", "id"),
    # The few that wait or are being made are all that is ever searched by age.
    sa.Index(
        "ix_videos_under_way",
        "turn",
        "created_at",
        "id",
        sqlite_where=_UNDER_WAY,
        postgresql_where=_UNDER_WAY,
    ),
    sa.Index("ix_videos_completed_at", "completed_at"),
)
