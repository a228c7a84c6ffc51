"""Sprite sheets as files: `sprites.json` and three WebP pictures; and the idle loop, one WebP."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from charafy.engines.portrait import Pose, Renderer, Rgba, Rig
from charafy.engines.portrait.sprites import (
    BOB,
    LIDS,
    MOUTHS,
    PAD,
    WEIGHTS,
    Part,
    Region,
    SpriteSheet,
)

VERSION: Final = 1
MANIFEST: Final = "sprites.json"
_TEXTURES: Final = ("base", "plate", "atlas")
_PARTS: Final = ("mouth", "left_eye", "right_eye")
_QUALITY: Final = 90

IDLE_S: Final = 6.0
IDLE_FPS: Final = 10
_IDLE_QUALITY: Final = 72
_BLINK_S: Final = 0.3
_BLINKS: Final = (0.31, 0.86)
"""When the eyes close, as parts of the loop; unevenly, as eyes do."""


def to_files(sheet: SpriteSheet) -> dict[str, bytes]:
    """File names and contents."""
    manifest = {
        "version": VERSION,
        "kind": "sprites",
        "width": sheet.width,
        "height": sheet.height,
        "unit": sheet.unit,
        "pad": PAD,
        "mouths": {
            name: [getattr(pose, channel) for channel in WEIGHTS] for name, pose in MOUTHS.items()
        },
        "weights": WEIGHTS,
        "lids": LIDS,
        "bob": BOB,
        "parts": {name: _part_to_json(getattr(sheet, name)) for name in _PARTS},
        "textures": {name: f"sprites-{name}.webp" for name in _TEXTURES},
    }
    files = {f"sprites-{name}.webp": _to_webp(getattr(sheet, name)) for name in _TEXTURES}
    return {MANIFEST: json.dumps(manifest, separators=(",", ":")).encode(), **files}


def from_files(files: Mapping[str, bytes]) -> SpriteSheet:
    """The sheet of files that `to_files` gave. Raises `ValueError` for another version."""
    manifest = json.loads(files[MANIFEST])
    if manifest["version"] != VERSION or list(manifest["mouths"]) != list(MOUTHS):
        raise ValueError("this sprite sheet was baked by another version")
    parts = {name: _part_from_json(manifest["parts"][name]) for name in _PARTS}
    textures = {name: _from_webp(files[manifest["textures"][name]]) for name in _TEXTURES}
    return SpriteSheet(
        width=manifest["width"],
        height=manifest["height"],
        unit=manifest["unit"],
        mouth=parts["mouth"],
        left_eye=parts["left_eye"],
        right_eye=parts["right_eye"],
        base=textures["base"],
        plate=textures["plate"],
        atlas=textures["atlas"],
    )


def idle_loop(rig: Rig, renderer: Renderer, *, width: int = 320) -> bytes:
    """The face alive but silent, as an animated WebP that ends where it begins.

    For places where no script runs. `width` in pixels, the height follows; on the rig's own
    background.
    """
    from PIL import Image

    plate = np.ascontiguousarray(renderer.plate(rig)[..., :3])
    size = width, round(width * rig.height / rig.width)
    count = round(IDLE_S * IDLE_FPS)
    frames = []
    for number in range(count):
        picture = Image.fromarray(renderer.frame_over(rig, idle_pose(number / count), plate))
        frames.append(picture.resize(size, Image.Resampling.LANCZOS))
    written = io.BytesIO()
    frames[0].save(
        written,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 / IDLE_FPS),
        loop=0,
        quality=_IDLE_QUALITY,
        method=2,
    )
    return written.getvalue()


def idle_pose(part: float) -> Pose:
    """What a silent face does at `part` 0..1 of the loop; the same at both ends."""
    turn = 2 * math.pi * part
    lids = max(_blink(part, at) for at in _BLINKS)
    return Pose(
        blink_left=lids,
        blink_right=lids,
        gaze_x=0.12 * math.sin(turn) * math.sin(2 * turn),
        yaw=0.035 * math.sin(turn),
        pitch=0.018 * math.sin(2 * turn + 0.6),
        roll=0.014 * math.sin(turn + 1.9),
        sway=0.01 * math.sin(turn - 0.5),
        breath=0.5 - 0.5 * math.cos(2 * turn),
    )


def _blink(part: float, at: float) -> float:
    away = abs(part - at) * IDLE_S / (_BLINK_S / 2)
    return max(0.0, 1 - away**2)


def _part_to_json(part: Part) -> dict[str, object]:
    return {"place": _numbers(part.place), "cels": [_numbers(cel) for cel in part.cels]}


def _part_from_json(part: Any) -> Part:
    return Part(Region(*part["place"]), tuple(Region(*cel) for cel in part["cels"]))


def _numbers(region: Region) -> list[int]:
    return [region.x, region.y, region.width, region.height]


def _to_webp(texture: Rgba) -> bytes:
    from PIL import Image

    opaque = bool((texture[..., 3] == 255).all())
    written = io.BytesIO()
    image = Image.fromarray(texture[..., :3] if opaque else texture)
    image.save(written, "WEBP", quality=_QUALITY, method=4, alpha_quality=100, exact=True)
    return written.getvalue()


def _from_webp(data: bytes) -> Rgba:
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=["WEBP"]) as image:
        return np.asarray(image.convert("RGBA"), dtype=np.uint8)
