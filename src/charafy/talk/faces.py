"""Characters' faces, ready to be drawn live: from the same rigs as videos."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Pose

if TYPE_CHECKING:
    from charafy.conversations.models import Admitted
    from charafy.house import House
    from charafy.videos.filming import Face as Filmed

Yuv = NDArray[np.uint8]
"""[height * 3 / 2, width]: planes of 4:2:0, as video codecs take it."""


class Face(Protocol):
    """Something that can be drawn. One thread at a time."""

    def yuv(self, pose: Pose) -> Yuv:
        """The person before the picture's own background; valid until the next call."""
        ...


class LiveFace:
    """A face of videos, before its own background."""

    def __init__(self, face: Filmed) -> None:
        from charafy.videos.scene import Backdrop, plate_for

        self._face = face
        plate = plate_for(Backdrop("keep"), face.plate())
        assert plate is not None
        self._plate = plate

    def yuv(self, pose: Pose) -> Yuv:
        import cv2

        picture = self._face.frame_over(pose, self._plate)
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), np.uint8)


def loads(house: House) -> Callable[[Admitted], Face]:
    """How a character's face is made ready. Takes seconds where its photo was never baked.

    Raises `NotFound` when the character is gone, `PictureRefused` and what else baking raises.
    """
    if house.settings.portrait_engine == "still":
        return lambda admitted: LiveFace(_still(house, admitted))
    return lambda admitted: LiveFace(_moving(house, admitted))


def _moving(house: House, admitted: Admitted) -> Filmed:
    import cv2

    from charafy.avatars.pictures import FRAMING
    from charafy.engines.portrait.rendering import RigRenderer
    from charafy.engines.portrait.sprites import SpriteRenderer, bake_sprites
    from charafy.videos.filming import RigFace
    from charafy.videos.studio import SpriteFace

    cv2.setNumThreads(1)  # the cores belong to the voice
    who = admitted.character
    # The frame of the avatars that browsers load: who has one of these is baked already.
    rig = house.avatars.rig_for(admitted.account_id, who.character_id, FRAMING)
    renderer = RigRenderer(kept=1)
    if who.avatar_type == "sprite":
        return SpriteFace(bake_sprites(rig, renderer), SpriteRenderer())
    face = RigFace(rig, renderer)
    face.frame(Pose())  # compiles and prepares what the first frame would wait for
    return face


def _still(house: House, admitted: Admitted) -> Filmed:
    from PIL import Image, ImageOps

    from charafy.avatars.pictures import FRAMING
    from charafy.videos.still import StillFace

    photo = house.storage.get(admitted.character.photo_key)[0]
    with Image.open(io.BytesIO(photo)) as image:
        fitted = ImageOps.fit(image.convert("RGBA"), (FRAMING.width, FRAMING.height))
    return StillFace(np.asarray(fitted, np.uint8))
