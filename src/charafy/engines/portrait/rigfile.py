"""Rigs as files: `rig.json` and one WebP per texture; the browser reads the same ones.

Renderers draw from textures as they come back from the files, so server and browser start from
the same pixels.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import CHANNELS, Kind, Rgba, Rig

VERSION: Final = 1
MANIFEST: Final = "rig.json"
QUALITY: Final = 92
"""Of WebP for opaque textures. Alpha is always kept exactly."""

_DTYPES: Final[Mapping[str, str]] = {
    "float32": "<f4",
    "int16": "<i2",
    "uint16": "<u2",
    "uint8": "|u1",
}


def pack_array(array: NDArray[Any]) -> dict[str, object]:
    """An array for `Rig.data`: its bytes in base64, little-endian, in C order.

    Raises `ValueError` for a type that isn't float32, int16, uint16 or uint8.
    """
    name = array.dtype.name
    if name not in _DTYPES:
        raise ValueError(f"{name} has no place in a rig file")
    data = np.ascontiguousarray(array, dtype=_DTYPES[name]).tobytes()
    return {
        "dtype": name,
        "shape": list(array.shape),
        "data": base64.b64encode(data).decode("ascii"),
    }


def unpack_array(packed: Any) -> NDArray[Any]:
    """What `pack_array` packed; read-only."""
    data = base64.b64decode(packed["data"])
    flat = np.frombuffer(data, dtype=_DTYPES[packed["dtype"]])
    return flat.reshape(packed["shape"])


def to_files(rig: Rig) -> dict[str, bytes]:
    """File names and contents."""
    manifest = {
        "version": VERSION,
        "kind": rig.kind.value,
        "width": rig.width,
        "height": rig.height,
        "channels": CHANNELS,
        "textures": {name: f"{name}.webp" for name in rig.textures},
        "data": rig.data,
    }
    files = {f"{name}.webp": _to_webp(texture) for name, texture in rig.textures.items()}
    return {MANIFEST: json.dumps(manifest, separators=(",", ":")).encode(), **files}


def from_files(files: Mapping[str, bytes]) -> Rig:
    """The rig of files that `to_files` gave. Raises `ValueError` for another version."""
    manifest = json.loads(files[MANIFEST])
    if manifest["version"] != VERSION or manifest["channels"] != list(CHANNELS):
        raise ValueError("this rig was baked by another version")
    return Rig(
        Kind(manifest["kind"]),
        manifest["width"],
        manifest["height"],
        manifest["data"],
        {name: _from_webp(files[file]) for name, file in manifest["textures"].items()},
    )


def settled(rig: Rig) -> Rig:
    """The rig as it comes back from its files."""
    return from_files(to_files(rig))


def _to_webp(texture: Rgba) -> bytes:
    from PIL import Image

    opaque = bool((texture[..., 3] == 255).all())
    written = io.BytesIO()
    image = Image.fromarray(texture[..., :3] if opaque else texture)
    # exact: colours under full transparency count, because edges are interpolated.
    image.save(written, "WEBP", quality=QUALITY, method=2, lossless=not opaque, exact=True)
    return written.getvalue()


def _from_webp(data: bytes) -> Rgba:
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=["WEBP"]) as image:
        return np.asarray(image.convert("RGBA"), dtype=np.uint8)
