"""Frames of a drawing's rig, as `rig` describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Pose, Rgba, Rig
from charafy.engines.portrait.drawing.colours import Floats, Patch, f32
from charafy.engines.portrait.drawing.pose import clipped, mouth_mix
from charafy.engines.portrait.rigfile import unpack_array

_NO_MAP: Any = None
"""OpenCV's second map, when the first holds both coordinates."""
_STILL = 1e-3
"""Displacements below this, pixels, leave the picture as it is."""


@dataclass(frozen=True, slots=True)
class _Mouth:
    image: Floats
    """Premultiplied, 0..255."""
    box: NDArray[np.float64]
    place: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Placed:
    image: Floats
    patch: Patch


@dataclass(frozen=True, slots=True)
class _Moved:
    weights: Floats
    x: Mapping[str, float]
    y: Mapping[str, float]
    pivot: tuple[float, float] | None
    unless: str | None


class DrawingDrawer:
    """Draws one rig. Not for two threads at once: frames share buffers."""

    def __init__(self, rig: Rig) -> None:
        data: Any = rig.data
        self._size = (rig.width, rig.height)
        self._base = _premultiplied(rig.textures["base"])
        self._opaque = bool((rig.textures["base"][..., 3] == 255).all())
        plate = rig.textures.get("plate")
        self._plate = rig.textures["base"] if plate is None else plate
        atlas = rig.textures["cels"]
        self._mouth_data = data["mouth"]
        self._under = _placed(atlas, data["under"])
        self._mouths = [_mouth(atlas, cel) for cel in data["mouth"]["cels"]]
        self._lids = [
            (lid["driver"], [_placed(atlas, cel) for cel in lid["cels"]]) for lid in data["lids"]
        ]
        self._fields = [_moved(field) for field in data["fields"]]
        rows, columns = data["grid"]["rows"], data["grid"]["columns"]
        self._xs = np.linspace(0, rig.width - 1, columns, dtype=np.float32)[None, :]
        self._ys = np.linspace(0, rig.height - 1, rows, dtype=np.float32)[:, None]
        across = np.arange(rig.width, dtype=np.float32)[None, :]
        down = np.arange(rig.height, dtype=np.float32)[:, None]
        self._still = np.dstack(np.broadcast_arrays(across, down))
        self._canvas = self._base.copy()
        self._touched: list[Patch] = []

    def frame(self, pose: Pose) -> Rgba:
        """[height, width, 4], straight alpha. The array is the caller's until the next call."""
        drawn = self._drawn(pose)
        return drawn if self._opaque else _straight(drawn)

    def frame_over(self, pose: Pose, plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[height, width, 3] over a plate of the same size, red first."""
        drawn = self._drawn(pose)
        colour = cv2.cvtColor(drawn, cv2.COLOR_RGBA2RGB)
        if self._opaque:
            return _u8(colour)
        rest = cv2.cvtColor(cv2.bitwise_not(drawn[..., 3]), cv2.COLOR_GRAY2RGB)
        return _u8(cv2.add(colour, cv2.multiply(plate[..., :3], rest, scale=1 / 255)))

    def plate(self) -> Rgba:
        return self._plate

    def _drawn(self, pose: Pose) -> Rgba:
        """Premultiplied."""
        channels = clipped(pose)
        self._compose(channels)
        field = self._field(channels)
        if field is None:
            return self._canvas.copy()
        width, height = self._size
        columns, rows = self._xs.size, self._ys.size
        scale = np.array([[(width - 1) / (columns - 1), 0, 0], [0, (height - 1) / (rows - 1), 0]])
        # Only what moves is interpolated: cv2's 32 steps per cell would blur whole coordinates.
        moved = cv2.warpAffine(
            field, scale, self._size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        where = cv2.subtract(self._still, moved, dst=moved)
        return _u8(
            cv2.remap(
                self._canvas, where, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        )

    def _compose(self, channels: Mapping[str, float]) -> None:
        for patch in self._touched:
            patch.of(self._canvas)[:] = patch.of(self._base)
        self._touched = []
        mix = mouth_mix(channels, self._mouth_data)
        if mix.opacity > 0:
            self._lay(self._under.image * mix.opacity, self._under.patch)
            self._lay_mouth(mix.weights, mix.opacity)
        for driver, cels in self._lids:
            self._lay_lid(cels, channels[driver])

    def _lay_mouth(self, weights: Mapping[int, float], opacity: float) -> None:
        cels = [(self._mouths[i], weight) for i, weight in weights.items()]
        place = np.sum([cel.place * weight for cel, weight in cels], axis=0)
        patch, corners = self._reach(cels, place)
        mixed = np.zeros((patch.height, patch.width, 4), dtype=np.float32)
        for (cel, weight), (scale, x, y) in zip(cels, corners, strict=True):
            matrix = np.array(
                [[scale[0], 0, x - patch.left], [0, scale[1], y - patch.top]], dtype=np.float64
            )
            mixed += (
                weight
                * opacity
                * cv2.warpAffine(
                    cel.image, matrix, (patch.width, patch.height), flags=cv2.INTER_LINEAR
                )
            )
        self._lay(mixed, patch)

    def _reach(
        self, cels: Sequence[tuple[_Mouth, float]], place: NDArray[np.float64]
    ) -> tuple[Patch, list[tuple[NDArray[np.float64], float, float]]]:
        """What the mapped cels cover, and each one's scale and where its first texel lands."""
        corners = []
        spans = []
        for cel, _ in cels:
            scale = (place[2:] - place[:2]) / (cel.box[2:] - cel.box[:2])
            x, y = place[:2] - cel.box[:2] * scale
            corners.append((scale, float(x), float(y)))
            tall, wide = cel.image.shape[:2]
            spans.append((x - scale[0], y - scale[1], x + wide * scale[0], y + tall * scale[1]))
        left, top = np.floor(np.min(spans, axis=0)[:2])
        right, bottom = np.ceil(np.max(spans, axis=0)[2:]) + 1
        width, height = self._size
        x0, y0 = int(np.clip(left, 0, width - 1)), int(np.clip(top, 0, height - 1))
        x1, y1 = int(np.clip(right, x0 + 1, width)), int(np.clip(bottom, y0 + 1, height))
        return Patch(x0, y0, x1, y1), corners

    def _lay_lid(self, cels: Sequence[_Placed], blink: float) -> None:
        at = blink * len(cels)
        before, share = int(at), at - int(at)
        shown = [
            (cels[k - 1], weight)
            for k, weight in ((before, 1 - share), (before + 1, share))
            if 1 <= k <= len(cels) and weight > 0
        ]
        if not shown:
            return
        x0, y0 = (min(getattr(c.patch, side) for c, _ in shown) for side in ("left", "top"))
        x1, y1 = (max(getattr(c.patch, side) for c, _ in shown) for side in ("right", "bottom"))
        mixed = np.zeros((y1 - y0, x1 - x0, 4), dtype=np.float32)
        for cel, weight in shown:
            p = cel.patch
            mixed[p.top - y0 : p.bottom - y0, p.left - x0 : p.right - x0] += weight * cel.image
        self._lay(mixed, Patch(x0, y0, x1, y1))

    def _lay(self, image: Floats, patch: Patch) -> None:
        below = patch.of(self._canvas)
        mixed = image + below * (1 - image[..., 3:] * np.float32(1 / 255))
        below[:] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
        self._touched.append(patch)

    def _field(self, channels: Mapping[str, float]) -> Floats | None:
        """Displacement of every node; None where nothing moves."""
        dx = np.zeros((self._ys.size, self._xs.size), dtype=np.float32)
        dy = np.zeros_like(dx)
        for field in self._fields:
            much = 1 - channels[field.unless] if field.unless else 1.0
            x = much * sum(v * channels[name] for name, v in field.x.items())
            y = much * sum(v * channels[name] for name, v in field.y.items())
            turn = much * channels["roll"] if field.pivot else 0.0
            if turn and field.pivot:
                dx += field.weights * (x - turn * (self._ys - field.pivot[1]))
                dy += field.weights * (y + turn * (self._xs - field.pivot[0]))
                continue
            if x:
                dx += field.weights * np.float32(x)
            if y:
                dy += field.weights * np.float32(y)
        if max(float(np.abs(dx).max()), float(np.abs(dy).max())) < _STILL:
            return None
        return np.dstack([dx, dy])


def _placed(atlas: Rgba, entry: Mapping[str, Any]) -> _Placed:
    left, top, width, height = entry["rect"]
    x, y = entry["at"]
    image = _premultiplied(atlas[top : top + height, left : left + width]).astype(np.float32)
    return _Placed(image, Patch(x, y, x + width, y + height))


def _mouth(atlas: Rgba, entry: Mapping[str, Any]) -> _Mouth:
    left, top, width, height = entry["rect"]
    image = _premultiplied(atlas[top : top + height, left : left + width]).astype(np.float32)
    return _Mouth(image, np.array(entry["box"]), np.array(entry["place"]))


def _moved(entry: Mapping[str, Any]) -> _Moved:
    weights = f32(unpack_array(entry["weights"])) / np.float32(255)
    pivot = entry["pivot"]
    return _Moved(weights, entry["x"], entry["y"], tuple(pivot) if pivot else None, entry["unless"])


def _premultiplied(image: Rgba) -> Rgba:
    alpha = image[..., 3:].astype(np.float32) / 255
    out = image.copy()
    out[..., :3] = np.clip(image[..., :3] * alpha + 0.5, 0, 255)
    return out


def _straight(image: Rgba) -> Rgba:
    return _u8(cv2.cvtColor(image, cv2.COLOR_mRGBA2RGBA))


def _u8(image: Any) -> NDArray[np.uint8]:
    return np.asarray(image, dtype=np.uint8)
