"""STILL, NOT AN AVATAR: the photo, unmoved, for load tests and tests of money and jobs.

It needs no model, costs almost nothing and finds a face in anything. Nobody should ever pay to see
it; a server that uses it says so in its log.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from charafy.characters.service import Characters
from charafy.engines.portrait import Pose, Rgba
from charafy.kernel.errors import NotFound
from charafy.kernel.storage import Storage
from charafy.videos.models import Failure, Video
from charafy.videos.scene import Rgb


@dataclass(frozen=True, slots=True)
class StillFace:
    """One picture for every pose."""

    picture: Rgba

    def frame(self, _pose: Pose) -> Rgba:
        return self.picture

    def frame_over(self, _pose: Pose, _plate: Rgb) -> Rgb:
        return np.ascontiguousarray(self.picture[..., :3])

    def plate(self) -> Rgba:
        return self.picture


class StillFaces:
    """The photos of characters, as they are."""

    def __init__(self, characters: Characters, storage: Storage) -> None:
        self._characters = characters
        self._storage = storage

    def face(self, video: Video) -> StillFace:
        """Raises `Failure` when the character is gone."""
        from PIL import Image, ImageOps

        size = (video.order.width, video.order.height)
        try:
            character = self._characters.get(video.account_id, video.character_id)
            photo = self._storage.get(character.photo_key)[0]
        except NotFound:
            raise Failure("character_deleted") from None
        with Image.open(io.BytesIO(photo)) as image:
            return StillFace(np.asarray(ImageOps.fit(image.convert("RGBA"), size), np.uint8))
