"""The part of avatars that lives in a child process: pixels, models and native code.

Everything heavy is imported and loaded when the first picture comes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from charafy.avatars.pictures import Baked, Examined, anchors_of
from charafy.engines.portrait import Anchors, Finding, Framing, Kind, NoFace, Rgba, rigfile

if TYPE_CHECKING:
    from charafy.engines.portrait import Renderer, Rig

FACTORY: Final = f"{__name__}:Workshop"
IDLE: Final = "idle.webp"


class Workshop:
    """Examines pictures and bakes them. One at a time."""

    def __init__(self, models: Path) -> None:
        """`models` is the folder of the model "portrait"."""
        self._models = models

    def examine(self, photo: bytes, kind: Kind | None, anchors: Anchors | None) -> Examined:
        """`anchors` in fractions; both None where nobody said anything."""
        picture = _decode(photo)
        return _examined(self._find(picture, kind, anchors), picture)

    def bake(
        self,
        photo: bytes,
        kind: Kind | None,
        anchors: Anchors | None,
        framing: Framing,
        with_sprites: bool,
    ) -> Baked:
        """The rig's files, and on request those of the sprites and of the idle loop."""
        from charafy.engines.portrait.baking import bake

        picture = _decode(photo)
        finding = self._find(picture, kind, anchors)
        examined = _examined(finding, picture)
        if not examined.usable:
            return Baked(examined, {})
        try:
            rig = bake(picture, finding, framing)
        except NoFace as error:
            return Baked(replace(examined, problems=(*error.problems, *examined.problems)), {})
        files = rigfile.to_files(rig)
        if with_sprites:
            files |= _sprites(rigfile.from_files(files), self._renderer)
        return Baked(examined, files)

    @cached_property
    def _finder(self) -> Callable[..., Finding]:
        import cv2

        from charafy.engines.portrait.finding import Finder

        cv2.setNumThreads(1)  # this process is one of several that share the machine
        return Finder(self._models).find

    @cached_property
    def _renderer(self) -> Renderer:
        from charafy.engines.portrait.rendering import RigRenderer

        return RigRenderer()

    def _find(self, picture: Rgba, kind: Kind | None, anchors: Anchors | None) -> Finding:
        height, width = picture.shape[:2]
        placed = anchors and anchors_of(anchors, width, height)
        return self._finder(picture, kind=kind, anchors=placed)


def _examined(finding: Finding, picture: Rgba) -> Examined:
    height, width = picture.shape[:2]
    return Examined.of(finding, width, height)


def _sprites(rig: Rig, renderer: Renderer) -> dict[str, bytes]:
    from charafy.engines.portrait import spritefile
    from charafy.engines.portrait.sprites import bake_sprites

    sheet = spritefile.to_files(bake_sprites(rig, renderer))
    return {**sheet, IDLE: spritefile.idle_loop(rig, renderer)}


def _decode(photo: bytes) -> Rgba:
    from PIL import Image

    with Image.open(io.BytesIO(photo), formats=["JPEG", "PNG"]) as image:
        return np.asarray(image.convert("RGBA"), dtype=np.uint8)
