"""Draws one photo's rig: steps 4 to 6 of what `rig` describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Pose, Rgba, Rig
from charafy.engines.portrait.over import Rgb, over
from charafy.engines.portrait.photo.lips import Opening
from charafy.engines.portrait.photo.pose import Placed, Skeleton, values
from charafy.engines.portrait.rigfile import unpack_array

_Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""
_NOWHERE: Final = -9.0
"""A place outside of every texture: transparent."""
_RELAX_STEPS: Final = 32
"""Relaxed skin is mixed anew only when it changes by one of so many steps."""


class PhotoDrawer:
    """A rig made ready for drawing; not for several threads at once."""

    def __init__(self, rig: Rig) -> None:
        data: Mapping[str, Any] = rig.data
        self._size = (rig.height, rig.width)
        self._plate = rig.textures["plate"]
        self._skeleton = Skeleton(data)
        self._triangles = unpack_array(data["triangles"]).astype(np.int32)
        # A texel of border on each side stands for clamping.
        self._skin = _bordered(rig.textures["skin"])
        self._parts = _bordered(rig.textures["parts"])
        self._margin = np.float32(int(data["margin"]) + 1)
        self._relax = _Relax(data, rig, self._skin)
        self._lids = [_Lid(lid) for lid in data["lids"]]
        self._mouth = _Mouth(data, self._skeleton)
        self._canvas = _Canvas(rig.height, rig.width)
        self._used = np.unique(self._triangles)

    def plate(self) -> Rgba:
        """What stands behind the person."""
        return self._plate

    def frame(self, pose: Pose) -> Rgba:
        """The person at this pose; the array is reused by the next call."""
        channels = values(pose)
        placed = self._skeleton.place(channels)
        self._relax.mix(channels["ease"])
        box = self._box(placed.posed)
        frame = self._canvas.draw(
            self._skin, placed.posed, placed.uv + self._margin, self._triangles, box
        )
        pixels, parts = _packed(frame), _packed(self._parts)
        for lid in self._lids:
            lid.draw(pixels, parts, placed, channels)
        self._mouth.draw(pixels, parts, placed, channels)
        return frame

    def frame_over(self, pose: Pose, plate: Rgb) -> Rgb:
        """The person over an opaque plate of the frame's size: the quick way to a video."""
        return over(self.frame(pose), plate)

    def _box(self, posed: NDArray[np.float32]) -> _Box:
        """The part of the frame that the mesh reaches."""
        at = posed[self._used]
        left, top = (max(int(low), 0) for low in np.floor(at.min(axis=0)))
        right, bottom = np.ceil(at.max(axis=0)).astype(int) + 1
        return left, top, min(int(right), self._size[1]), min(int(bottom), self._size[0])


class _Canvas:
    """A frame and the maps that say where its pixels come from."""

    def __init__(self, height: int, width: int) -> None:
        self._frame = np.zeros((height, width, 4), np.uint8)
        self._maps = np.empty((2, height, width), np.float32)
        self._drawn: _Box = (0, 0, 0, 0)

    def draw(
        self,
        skin: Rgba,
        at: NDArray[np.float32],
        uv: NDArray[np.float32],
        triangles: NDArray[np.int32],
        box: _Box,
    ) -> Rgba:
        """The frame, transparent where no triangle is; only `box` of it is drawn."""
        from charafy.engines.portrait.photo import raster

        if box != self._drawn:
            left, top, right, bottom = self._drawn
            self._frame[top:bottom, left:right] = 0
            self._drawn = box
        left, top, right, bottom = box
        map_x, map_y = self._maps[0], self._maps[1]
        map_x[top:bottom, left:right] = _NOWHERE
        raster.trace(map_x, map_y, at, uv, triangles)
        cv2.remap(
            skin,
            map_x[top:bottom, left:right],
            map_y[top:bottom, left:right],
            cv2.INTER_LINEAR,
            self._frame[top:bottom, left:right],
            cv2.BORDER_CONSTANT,
        )
        return self._frame


class _Relax:
    """Skin with its smile let go by degrees."""

    def __init__(self, data: Mapping[str, Any], rig: Rig, skin: Rgba) -> None:
        self._step = 0
        relax = data["relax"]
        if relax is None:
            self._target = None
            return
        x, y, width, height = data["parts"][relax["part"]]
        patch = rig.textures["parts"][y : y + height, x : x + width].astype(np.float32)
        left, top = relax["at"]
        self._target = skin[top + 1 : top + 1 + height, left + 1 : left + 1 + width, :3]
        self._rest = self._target.astype(np.float32)
        self._change = (patch[..., :3] - self._rest) * (patch[..., 3:] / 255)

    def mix(self, share: float) -> None:
        """Brings the skin to this share, 0 as it was, 1 relaxed."""
        step = round(share * _RELAX_STEPS)
        if self._target is None or step == self._step:
            return
        self._step = step
        mixed = self._rest + self._change * np.float32(step / _RELAX_STEPS)
        self._target[...] = (mixed + 0.5).astype(np.uint8)


class _Lid:
    def __init__(self, lid: Mapping[str, Any]) -> None:
        self._driver = str(lid["driver"])
        self._vertices = unpack_array(lid["vertices"]).astype(np.intp)
        self._triangles = unpack_array(lid["triangles"]).astype(np.int32)
        self._uv = unpack_array(lid["uv"]) + np.float32(1)

    def draw(
        self,
        pixels: NDArray[np.uint32],
        parts: NDArray[np.uint32],
        placed: Placed,
        channels: Mapping[str, float],
    ) -> None:
        from charafy.engines.portrait.photo import raster

        closed = channels[self._driver]
        if closed <= 0.02:
            return
        t = min(max((closed - 0.05) / 0.45, 0.0), 1.0)
        at = placed.posed[self._vertices]
        raster.lay(pixels, parts, at, self._uv, self._triangles, t * t * (3 - 2 * t))


class _Mouth:
    def __init__(self, data: Mapping[str, Any], skeleton: Skeleton) -> None:
        mouth = data["mouth"]
        self._opening = Opening(mouth, skeleton.across, skeleton.down, skeleton.span)
        self._parts = np.array(
            [
                (*data["parts"][mouth[name]["part"]], *mouth[name]["at"], mouth["texels"])
                for name in ("tongue", "teeth_lower", "teeth_upper")
            ],
            np.float32,
        )
        self._cavity = tuple(mouth["cavity"])
        self._drop = float(mouth["drop"])
        self._depth = float(mouth["depth"])
        self._buccal = float(mouth["buccal"])
        self._shadows = (*mouth["lip_shadow"], *mouth["floor_shadow"])

    def draw(
        self,
        pixels: NDArray[np.uint32],
        parts: NDArray[np.uint32],
        placed: Placed,
        channels: Mapping[str, float],
    ) -> None:
        from charafy.engines.portrait.photo import raster

        opacity = min(4 * channels["work"], 1.0)
        if opacity <= 0:
            return
        strip = self._opening.strip(placed, channels["work"])
        raster.fill_mouth(
            pixels,
            parts,
            strip.at,
            strip.values,
            self._opening.triangles,
            self._parts,
            self._look(channels, opacity),
        )

    def _look(self, channels: Mapping[str, float], opacity: float) -> NDArray[np.float32]:
        jaw = self._drop * channels["open"]
        tongue, rounded = channels["tongue"], min(max(channels["round"], 0.0), 1.0)
        lifted = jaw * (0.75 - 0.55 * tongue) + 0.045 - 0.045 * tongue
        return np.array(
            (
                *self._cavity,
                self._depth * channels["yaw"],
                self._depth * channels["pitch"],
                -lifted,
                -jaw,
                1 - min(1.6 * rounded, 1.0),
                1.0,
                rounded,
                self._buccal,
                opacity,
                *self._shadows,
            ),
            np.float32,
        )


def _bordered(texture: Rgba) -> Rgba:
    return np.ascontiguousarray(
        cv2.copyMakeBorder(texture, 1, 2, 1, 2, cv2.BORDER_REPLICATE), dtype=np.uint8
    )


def _packed(image: Rgba) -> NDArray[np.uint32]:
    return image.view(np.uint32)[..., 0]
