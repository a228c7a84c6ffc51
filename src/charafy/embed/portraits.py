"""Small portraits: what a page shows before anybody talks, at a tenth of the photo's bytes."""

from __future__ import annotations

import io
from typing import Final

from charafy.characters.service import Character
from charafy.kernel.errors import NotFound
from charafy.kernel.storage import Storage

SIDE: Final = 480
"""Pixels of the longer side."""
_QUALITY: Final = 78


class Portraits:
    """Made once of each photo and kept beside it. Thread-safe."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def key(self, character: Character) -> str:
        """Where the small one of its photo lies, made if it isn't there."""
        folder, name = character.photo_key.rsplit("/", 1)
        # Not `photo-...`: those of that name that no character has are removed.
        key = f"{folder}/small-{name.rsplit('.', 1)[0]}.webp"
        try:
            self._storage.stat(key)
        except NotFound:
            photo, _ = self._storage.get(character.photo_key)
            self._storage.put(key, _small(photo), "image/webp")
        return key


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
