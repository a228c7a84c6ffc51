"""PNG files by hand: of any size, without any memory for their pixels."""

from __future__ import annotations

import struct
import zlib


def png(width: int, height: int, pixels: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """`colour` is the standard's colour type (0 grey, 2 RGB); `pixels` are its filtered rows."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def png_of_200_megapixels() -> bytes:
    """Sound in itself, and under 100 KB."""
    return png(20_000, 10_000, bytes(2_501) * 10_000, depth=1, colour=0)


def _chunk(kind: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)
