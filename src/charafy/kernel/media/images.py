"""Photos from outside: recognised by their bytes, decoded within limits, written anew.

What is kept was written by us: upright, at most 2,048 pixels a side, in sRGB, without metadata.
Sizes are read from the header before any decoder allocates; each decoder is chosen by the first
bytes, so nothing else of Pillow's many formats is reachable.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from charafy.kernel.errors import BadRequest, TooManyRequests
from charafy.kernel.media.pixels import to_8_bit, to_srgb, upright

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_IMAGE_BYTES = 16 * 1024 * 1024
MAX_PIXELS = 25_000_000
MAX_SIDE = 16_384
KEPT_SIDE = 2_048
MAX_SCANS = 100
"""Of a progressive JPEG; encoders make about ten."""
JPEG_QUALITY = 92
OPAQUE = 250
"""Alpha (0-255) from here on is an artefact of lossy encoders, not something to see through."""
MAX_AT_ONCE = 2
"""Decodes under way: 25 megapixels need 150 MB of memory, with alpha or as WebP up to 400 MB."""
WAIT_S = 20.0

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture as it is kept; `ending` is that of its file name."""

    data: bytes
    content_type: str
    ending: str
    width: int
    height: int


class PhotoReader:
    """Turns untrusted bytes into a `Photo`. Thread-safe; decodes few at a time."""

    def __init__(self, max_at_once: int = MAX_AT_ONCE) -> None:
        self._places = threading.BoundedSemaphore(max_at_once)

    def read(self, data: bytes) -> Photo:
        """Raises `BadRequest` about `image` for what is not a sound picture within the limits.

        `TooManyRequests` when other pictures keep all places busy.
        """
        if len(data) > MAX_IMAGE_BYTES:
            raise _too_large(f"is larger than {MAX_IMAGE_BYTES // 1024 // 1024} MB")
        opener = _opener(data)
        if opener is None:
            raise _unreadable("is not a JPEG, PNG, WebP or HEIC picture")
        with self._place():
            try:
                return _normalise(opener, data)
            except BadRequest:
                raise
            except Exception:  # noqa: BLE001 - hostile bytes make decoders raise anything
                raise _unreadable("is damaged or incomplete") from None

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=WAIT_S):
            raise TooManyRequests(
                "Other pictures are being read: try again in a few seconds.",
                retry_after_s=5,
                code="images_busy",
            )
        try:
            yield
        finally:
            self._places.release()


_Opener = Callable[[bytes], "Image"]
"""Reads the header alone."""


def _opener(data: bytes) -> _Opener | None:
    if data.startswith(b"\xff\xd8\xff"):
        return _open_jpeg
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _open_png
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _open_webp
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return _open_heic
    return None


def _open_jpeg(data: bytes) -> Image:
    from PIL.JpegImagePlugin import jpeg_factory

    # Within coded data 0xFF is never followed by 0xDA: each of these starts a scan (or stands in
    # an embedded preview). A scan takes 50 bytes of file and a pass over all pixels.
    if data.count(b"\xff\xda") > MAX_SCANS:
        raise _unreadable(f"is a JPEG of more than {MAX_SCANS} scans")
    return jpeg_factory(io.BytesIO(data))


def _open_png(data: bytes) -> Image:
    from PIL.PngImagePlugin import PngImageFile

    return PngImageFile(io.BytesIO(data))


def _open_webp(data: bytes) -> Image:
    from PIL.WebPImagePlugin import WebPImageFile

    _require_size(*_webp_size(data))
    return WebPImageFile(io.BytesIO(data))


def _open_heic(data: bytes) -> Image:
    from pillow_heif import HeifImageFile

    opened: Image = HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return opened


def _webp_size(data: bytes) -> tuple[int, int]:
    """Canvas of a WebP, by its container: Pillow's decoder allocates it while opening."""
    kind = data[12:16]
    if kind == b"VP8X":
        return (
            int.from_bytes(data[24:27], "little") + 1,
            int.from_bytes(data[27:30], "little") + 1,
        )
    if kind == b"VP8L":
        packed = int.from_bytes(data[21:25], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    return (
        int.from_bytes(data[26:28], "little") & 0x3FFF,
        int.from_bytes(data[28:30], "little") & 0x3FFF,
    )


def _normalise(opener: _Opener, data: bytes) -> Photo:
    with opener(data) as image:
        _require_size(*image.size)
        profile = image.info.get("icc_profile")
        image.draft(None, (KEPT_SIDE, KEPT_SIDE))
        image.load()
        picture = to_8_bit(image)
        picture.thumbnail((KEPT_SIDE, KEPT_SIDE), reducing_gap=3.0)
        return _encode(upright(to_srgb(picture, profile), image))


def _encode(picture: Image) -> Photo:
    if picture.mode == "RGBA":
        pixels_by_alpha = picture.getchannel("A").histogram()
        if not any(pixels_by_alpha[1:]):
            raise _unreadable("is fully transparent")
        if any(pixels_by_alpha[:OPAQUE]):
            return _write(picture, "PNG", compress_level=6)
        picture = picture.convert("RGB")
    # Not optimised: Pillow's buffer for that is too small for what is full of grain.
    return _write(picture, "JPEG", quality=JPEG_QUALITY, subsampling=0)


def _write(picture: Image, form: str, **options: int | bool) -> Photo:
    written = io.BytesIO()
    picture.info.clear()  # writers would take comments, profiles and EXIF from here
    picture.save(written, form, **options)
    content_type, ending = ("image/png", "png") if form == "PNG" else ("image/jpeg", "jpg")
    return Photo(written.getvalue(), content_type, ending, *picture.size)


def _require_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise _unreadable("is damaged or incomplete")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _too_large(
            f"has {width:,} x {height:,} pixels; at most {MAX_PIXELS // 1_000_000} megapixels "
            f"and {MAX_SIDE:,} pixels a side are read",
        )


def _unreadable(why: str) -> BadRequest:
    return BadRequest(f"The image {why}.", code="invalid_image", param="image")


def _too_large(why: str) -> BadRequest:
    return BadRequest(f"The image {why}.", code="image_too_large", param="image")
