"""Anime faces by animeface 2.0.3 (nya3jp, MIT), in a process of its own.

Its C library of 2009 takes Pillow's private image struct of releases before 12 and trusts it, so
this file builds that struct itself, around pixels that are ours, and Pillow stays out. Run as a
script it is the child: pictures on stdin, one line of JSON each on stdout, within limits of time
and memory. Whatever goes wrong there, a crash included, is "no answer" here.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_SIDE: Final = 1024
MAX_PICTURES: Final = 8
CPU_S: Final = 8
MEMORY: Final = 1 << 30
WALL_S: Final = 20.0

_HEAD: Final = struct.Struct("<II")
"""Width and height; then width * height * 4 bytes, RGBX."""
_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""What of the environment the child sees: no secrets."""

Rect = tuple[float, float, float, float]
"""x, y, width, height."""


@dataclass(frozen=True, slots=True)
class AnimeFace:
    """What the library says of one face, in pixels of the picture it was given."""

    likelihood: float
    face: Rect
    left_eye: Rect
    """Of the picture's left."""
    right_eye: Rect
    mouth: Rect
    chin: tuple[float, float]


def ask(pictures: Sequence[NDArray[Any]]) -> list[list[AnimeFace]]:
    """The faces of each RGB picture [h, w, 3] of at most `MAX_SIDE` a side.

    Shorter than `pictures` when the child gave up: for those after, there is no answer.
    """
    data = b"".join(_packed(picture) for picture in pictures[:MAX_PICTURES])
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        child = subprocess.run(  # noqa: S603 - no shell, this very file
            [sys.executable, "-I", __file__],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=WALL_S,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as late:
        return _read(late.output or b"")
    except OSError:
        return []  # no process to be had: as good as a library that is not there
    return _read(child.stdout)


def _packed(picture: NDArray[Any]) -> bytes:
    import numpy as np

    height, width = picture.shape[:2]
    if max(width, height) > MAX_SIDE:
        raise ValueError(f"at most {MAX_SIDE} pixels a side")
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = picture
    return _HEAD.pack(width, height) + pixels.tobytes()


def _read(output: bytes) -> list[list[AnimeFace]]:
    answers = []
    for line in output.decode("utf-8", "replace").splitlines():
        try:
            answers.append([_face(found) for found in json.loads(line)])
        except (ValueError, KeyError, TypeError, IndexError):
            break  # the child died while writing, or wrote nonsense: the rest is no answer
    return answers


def _face(found: dict[str, Any]) -> AnimeFace:
    # "left" there is the character's own left: the right of the picture.
    one, other = _rect(found["right_eye"]), _rect(found["left_eye"])
    left, right = sorted((one, other))
    chin = found["chin"]
    return AnimeFace(
        float(found["likelihood"]),
        _rect(found["face"]),
        left,
        right,
        _rect(found["mouth"]),
        (float(chin[0]), float(chin[1])),
    )


def _rect(values: Sequence[float]) -> Rect:
    x, y, width, height = (float(value) for value in values)
    return x, y, width, height


# From here on: the child. Standard library only, so that it starts in a few milliseconds.


def main() -> None:
    _limit()
    detect = _library()
    source = sys.stdin.buffer
    for _ in range(MAX_PICTURES):
        head = source.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return
        width, height = _HEAD.unpack(head)
        if not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE:
            return
        pixels = source.read(width * height * 4)
        if len(pixels) < width * height * 4:
            return
        faces = [_plain(found) for found in _detect(detect, pixels, width, height)]
        sys.stdout.write(json.dumps(faces) + "\n")
        sys.stdout.flush()


def _limit() -> None:
    try:
        import resource
    except ImportError:
        return  # Windows: the parent's time limit remains
    for what, most in (
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 1 << 20),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (OSError, ValueError):
            continue  # macOS refuses some


def _library() -> Any:
    """The C extension alone: its package would import Pillow."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    package = PathFinder.find_spec("animeface")
    places = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec("_nvxs", list(places)) if places else None
    if spec is None or spec.loader is None or not (spec.origin or "").endswith((".so", ".pyd")):
        raise SystemExit(3)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.detect


def _detect(detect: Any, pixels: bytes, width: int, height: int) -> Any:
    import ctypes

    buffer = ctypes.create_string_buffer(pixels, len(pixels))
    start = ctypes.addressof(buffer)
    rows = (ctypes.c_void_p * height)(*(start + y * width * 4 for y in range(height)))
    image = _image(ctypes, rows, width, height)
    # The library follows the 8 bytes behind an object's head to the struct. A float is such an
    # object, and one that the garbage collector never looks into.
    pointer = struct.unpack("d", struct.pack("Q", ctypes.addressof(image)))[0]
    return detect(pointer)


def _image(ctypes: Any, rows: Any, width: int, height: int) -> Any:
    """`ImagingMemoryInstance` as Pillow had it up to release 11."""
    integer, pointer = ctypes.c_int, ctypes.c_void_p
    layout = [("mode", ctypes.c_char * 7)]
    layout += [(name, integer) for name in ("type", "depth", "bands", "xsize", "ysize")]
    layout += [(name, pointer) for name in ("palette", "image8", "image32", "image")]
    layout += [("block", pointer), ("blocks", pointer)]
    layout += [("pixelsize", integer), ("linesize", integer), ("destroy", pointer)]
    struct_type = type("Image", (ctypes.Structure,), {"_fields_": layout})
    address = ctypes.addressof(rows)
    image: Any = struct_type(
        mode=b"RGB",
        depth=8,
        bands=3,
        xsize=width,
        ysize=height,
        image32=address,
        image=address,
        pixelsize=4,
        linesize=width * 4,
    )
    return image


def _plain(found: Any) -> dict[str, Any]:
    def rect(box: Any) -> list[float]:
        return [float(value) for value in box]

    return {
        "likelihood": float(found["likelihood"]),
        "face": rect(found["face_box"]),
        "left_eye": rect(found["left_eye_box"]),
        "right_eye": rect(found["right_eye_box"]),
        "mouth": rect(found["mouth_box"]),
        "chin": rect(found["chin_point"]),
    }


if __name__ == "__main__":
    main()
