"""Avatars: what was found in characters' photos and made of them."""

import sqlalchemy as sa
from alembic import op

from charafy.kernel.db import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "avatars",
        sa.Column("character_id", sa.String(length=36), nullable=False),
        sa.Column("photo_key", sa.String(length=200), nullable=False),
        sa.Column("placement", sa.JSON(), nullable=False),
        sa.Column("examined", sa.JSON(), nullable=True),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("folder", sa.String(length=200), nullable=True),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("sprite_ready", sa.Boolean(), nullable=False),
        sa.Column("motion_ready", sa.Boolean(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["character_id"],
            ["characters.id"],
            name=op.f("fk_avatars_character_id_characters"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("character_id", name=op.f("pk_avatars")),
    )
