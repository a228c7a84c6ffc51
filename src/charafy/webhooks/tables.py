"""Where events go, what was told, and how it went. No secret is stored: see `signing.py`."""

from __future__ import annotations

import sqlalchemy as sa

from charafy.kernel.db import UtcDateTime, metadata

endpoints = sa.Table(
    "webhook_endpoints",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("url", sa.String(2048), nullable=False),
    sa.Column("description", sa.String(200), nullable=False),
    # NULL: every event, also those that come with later versions.
    sa.Column("events", sa.JSON(none_as_null=True)),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("disabled_reason", sa.String(16)),
    sa.Column("disabled_at", UtcDateTime),
    # Number of the secret that signs; `retiring` holds earlier ones and until when they sign too.
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("retiring", sa.JSON, nullable=False),
    # First failure since anything was delivered.
    sa.Column("failing_since", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index(None, "account_id", "created_at", "id"),
)

events = sa.Table(
    "webhook_events",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("type", sa.String(64), nullable=False),
    # Serialised once: every attempt sends and signs the same bytes.
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
)
"""Kept only if at least one endpoint is told."""

deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column(
        "event_id",
        sa.ForeignKey("webhook_events.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column(
        "endpoint_id", sa.ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("status", sa.String(16), nullable=False),
    # Attempts since the schedule last began; the log of all of them is `attempts`.
    sa.Column("tries", sa.Integer, nullable=False),
    # When to try next; while one is sending it, when its lease ends; NULL: never.
    sa.Column("due_at", UtcDateTime),
    # Who is sending it.
    sa.Column("lease", sa.String(36)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.CheckConstraint(
        "status IN ('pending', 'delivered', 'failed', 'cancelled')", name="status_known"
    ),
    sa.Index(None, "endpoint_id", "created_at", "id"),
    sa.Index(
        "ix_webhook_deliveries_due",
        "due_at",
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    ),
)

attempts = sa.Table(
    "webhook_attempts",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column(
        "delivery_id",
        sa.ForeignKey("webhook_deliveries.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    # NULL: there was no answer, and `error` says why.
    sa.Column("response_status", sa.Integer),
    sa.Column("response_body", sa.Text),
    sa.Column("error", sa.String(200)),
)
