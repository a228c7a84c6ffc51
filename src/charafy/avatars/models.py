"""What enters and leaves the avatars feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from charafy.avatars.pictures import Examined
from charafy.characters.service import AvatarFlags

Wanted = Literal["sprite", "motion"]


@dataclass(frozen=True, slots=True)
class Avatar:
    """A character's avatars as they are now."""

    character_id: str
    flags: AvatarFlags
    examined: Examined | None
    """None when there is no avatar of the character's photo."""
    rig_url: str | None
    """`rig.json`, whose textures are found relative to it; None without a motion avatar."""
    sprite_url: str | None
    """`sprites.json`, likewise; None without a sprite avatar."""
    idle_url: str | None
    """The face alive but silent, as an animated WebP."""


@dataclass(frozen=True, slots=True)
class Made:
    """An avatar that was just made."""

    character_id: str
    flags: AvatarFlags
    credits_used: int
