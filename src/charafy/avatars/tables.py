"""Avatars as rows, at most one for a character. Its files lie in a folder of their own."""

from __future__ import annotations

import sqlalchemy as sa

from charafy.kernel.db import UtcDateTime, metadata

avatars = sa.Table(
    "avatars",
    metadata,
    sa.Column("character_id", sa.ForeignKey("characters.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("photo_key", sa.String(200), nullable=False),
    sa.Column("placement", sa.JSON, nullable=False),
    sa.Column("examined", sa.JSON),
    sa.Column("version", sa.String(20), nullable=False),
    sa.Column("folder", sa.String(200)),
    sa.Column("files", sa.JSON, nullable=False),
    sa.Column("sprite_ready", sa.Boolean, nullable=False),
    sa.Column("motion_ready", sa.Boolean, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)
"""`photo_key` is the photo it was made of: with another photo the character has no avatar.
`placement` is what the user said of the picture, `examined` what was found in it, `version` that
of the code that made the files. Without a folder nothing was made yet: the row keeps the placement.
"""
