"""Avatars: the rigs and sprites that were made of characters' photos."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    pass
