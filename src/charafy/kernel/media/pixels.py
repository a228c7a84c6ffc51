"""What pictures of every kind become: 8 bits, sRGB, upright."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION_TAG = 0x0112


def to_8_bit(image: Image) -> Image:
    """The same in RGB, RGBA, L or CMYK with 8 bits a channel; `image` itself if it is that."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        # Pillow would clip 16-bit greys to white instead of scaling them.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in ("RGB", "L", "CMYK"):
        return image
    return image.convert("RGB")


def to_srgb(picture: Image, profile: bytes | None) -> Image:
    """RGB or RGBA with sRGB's meaning; a profile that can't be used is ignored."""
    from PIL import Image, ImageCms

    wanted = "RGBA" if picture.mode == "RGBA" else "RGB"
    if profile:
        alpha = picture.getchannel("A") if wanted == "RGBA" else None
        flat = picture if alpha is None else picture.convert("RGB")
        try:
            converted = ImageCms.profileToProfile(
                flat,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None
        if isinstance(converted, Image.Image):
            if alpha is not None:
                converted.putalpha(alpha)
            return converted
    return picture if picture.mode == wanted else picture.convert(wanted)


def upright(picture: Image, source: Image) -> Image:
    """`picture` turned as the camera that took `source` noted in its EXIF data."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        orientation = source.getexif().get(_ORIENTATION_TAG)
    except Exception:  # noqa: BLE001 - damaged EXIF raises anything; the picture itself is sound
        return picture
    turn = turns.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)
