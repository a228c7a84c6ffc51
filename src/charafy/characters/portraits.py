"""Small portraits: what pages show of a character, at a fifth of its photo's bytes."""

from __future__ import annotations

import io
from typing import Final

from charafy.characters.models import Character
from charafy.kernel.errors import NotFound
from charafy.kernel.storage import Storage

SIDE: Final = 560
"""Pixels of the longer side."""
_QUALITY: Final = 78
_PHOTO_ENDINGS: Final = ("jpg", "png")


class Portraits:
    """Made once of each photo, when it is first shown, and kept beside it. Thread-safe."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def key(self, character: Character) -> str:
        """Where the small one of its photo lies, made if it isn't there."""
        key = small_key(character.photo_key)
        if not self._storage.exists(key):
            self._make(key, character.photo_key)
        return key

    def require(self, key: str) -> None:
        """Have it there; `NotFound` when its photo is gone, or was never one."""
        if self._storage.exists(key):
            return
        for ending in _PHOTO_ENDINGS:
            photo = f"{key.replace('/small-', '/', 1).rpartition('.')[0]}.{ending}"
            if self._storage.exists(photo):
                self._make(key, photo)
                return
        raise NotFound("There is no such portrait.")

    def _make(self, key: str, photo_key: str) -> None:
        photo, _ = self._storage.get(photo_key)
        self._storage.put(key, _small(photo), "image/webp")


def small_key(photo_key: str) -> str:
    """Not `photo-...`: it is no photo that a character could have."""
    folder, name = photo_key.rsplit("/", 1)
    return f"{folder}/small-{name.rsplit('.', 1)[0]}.webp"


def portrait_path(storage: Storage, photo_key: str) -> str:
    """On this server; opens for anyone who has it, for as long as the photo is there."""
    key = small_key(photo_key)
    return f"/portraits/{key}?sig={storage.signature(key)}"


def _small(photo: bytes) -> bytes:
    """`photo` is one of ours: checked and re-encoded when it came in."""
    from PIL import Image

    with Image.open(io.BytesIO(photo)) as picture:
        picture.draft("RGB", (SIDE, SIDE))
        picture.thumbnail((SIDE, SIDE))
        kept = picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB")
        out = io.BytesIO()
        kept.save(out, "WEBP", quality=_QUALITY, method=4)
    return out.getvalue()
