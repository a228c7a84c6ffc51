"""Characters as rows. The photo itself lies in storage, under `photo_key`."""

from __future__ import annotations

import sqlalchemy as sa

from charafy.kernel.db import UtcDateTime, metadata

characters = sa.Table(
    "characters",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("voice_id", sa.String(36), nullable=False),
    sa.Column("avatar_type", sa.String(16), nullable=False),
    sa.Column("system_prompt", sa.Text),
    # A model of its own, all three or none, but that some take no key. The key is sealed.
    sa.Column("llm_base_url", sa.String(2048)),
    sa.Column("llm_model", sa.String(200)),
    sa.Column("llm_sealed_key", sa.Text),
    sa.Column("photo_key", sa.String(200), nullable=False),
    sa.Column("embed_enabled", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index(None, "account_id", "created_at", "id"),
)
"""`voice_id` has no foreign key: preset voices are not rows."""
