"""Sprites: the face as a few small pictures, for whoever can't bend a mesh.

A sheet is baked from a rig by its own renderer: the face at rest, twelve mouths and three states
of each lid, cut out as patches. A pose picks the nearest mouth and lid and moves the whole picture
a little with the head; any canvas can do that (`web/static/avatar/sprites.js` does the same).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Pose, Renderer, Rgba, Rig

MOUTHS: Final[Mapping[str, Pose]] = {
    "rest": Pose(),
    "closed": Pose(speaking=1),
    "PP": Pose(speaking=1, press=1),
    "FF": Pose(speaking=1, bite=1, open=0.1),
    "TH": Pose(speaking=1, tongue=1, open=0.22),
    "DD": Pose(speaking=1, tongue=0.6, open=0.22, wide=0.3),
    "SS": Pose(speaking=1, open=0.1, wide=0.5, upper=0.4, lower=0.4),
    "CH": Pose(speaking=1, open=0.16, round=0.6, upper=0.35, lower=0.35),
    "E": Pose(speaking=1, open=0.45, wide=0.55),
    "aa": Pose(speaking=1, open=0.9),
    "oh": Pose(speaking=1, open=0.55, round=0.65),
    "ou": Pose(speaking=1, open=0.25, round=1),
}
"""The twelve cels of the mouth, by the viseme that they stand for."""

LIDS: Final[Sequence[float]] = (0.0, 0.55, 1.0)
"""How closed each lid's three cels are."""

WEIGHTS: Final[Mapping[str, float]] = {
    "open": 2.0,
    "wide": 1.0,
    "round": 1.5,
    "upper": 0.5,
    "lower": 0.5,
    "press": 1.2,
    "bite": 1.2,
    "tongue": 0.5,
    "speaking": 0.6,
}
"""What tells one mouth from another: a pose takes the cel at the least weighted distance."""

BOB: Final[Mapping[str, tuple[float, float]]] = {
    "shift_x": (1.0, 0.0),
    "shift_y": (0.0, 1.0),
    "yaw": (0.22, 0.0),
    "roll": (0.12, 0.0),
    "pitch": (0.0, 0.22),
    "breath": (0.0, -0.012),
}
"""How far a channel at 1 moves the whole picture to the right and down, in `unit`s."""

PAD: Final = 8
"""Pixels by which the edges are drawn out, and the farthest that the picture moves."""

_FEATHER: Final = 5
"""Pixels over which a patch fades into the face at rest, so that no edge is seen."""
_VISIBLE: Final = 3
"""Difference of a channel, of 255, that counts as a change."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of whole pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


@dataclass(frozen=True, slots=True)
class Part:
    """A place of the picture and the cels that go there."""

    place: Region
    cels: tuple[Region, ...]
    """Where each lies in the atlas; of the place's size."""


@dataclass(frozen=True, slots=True)
class SpriteSheet:
    width: int
    height: int
    unit: float
    """Pixels between the eyes' outer corners, roughly: the measure of head movements."""
    mouth: Part
    """One cel for each of `MOUTHS`, in that order."""
    left_eye: Part
    """One cel for each of `LIDS`; of the eye at the left of the picture."""
    right_eye: Part
    base: Rgba
    """The person at rest."""
    plate: Rgba
    """What stands behind."""
    atlas: Rgba


def bake_sprites(rig: Rig, renderer: Renderer) -> SpriteSheet:
    """Draw every cel with `renderer` and cut out what changes. About 20 frames of work."""
    base = renderer.frame(rig, Pose()).copy()
    plate = renderer.plate(rig).copy()
    mouths = [renderer.frame(rig, pose).copy() for pose in MOUTHS.values()]
    lefts = [renderer.frame(rig, Pose(blink_left=lid)).copy() for lid in LIDS]
    rights = [renderer.frame(rig, Pose(blink_right=lid)).copy() for lid in LIDS]
    left, right = _changed(base, lefts), _changed(base, rights)
    mouth = _below(_changed(base, mouths), left, right)
    places = [(mouth, mouths), (left, lefts), (right, rights)]
    patches = [[_patch(base, cel, place) for cel in cels] for place, cels in places]
    atlas, where = _pack([patch for row in patches for patch in row], width=_row(mouth, left))
    first, second = len(mouths), len(mouths) + len(lefts)
    unit = float(max(right.x + right.width, left.x + left.width) - min(left.x, right.x))
    return SpriteSheet(
        rig.width,
        rig.height,
        unit,
        mouth=Part(mouth, tuple(where[:first])),
        left_eye=Part(left, tuple(where[first:second])),
        right_eye=Part(right, tuple(where[second:])),
        base=base,
        plate=plate,
        atlas=atlas,
    )


def nearest_mouth(pose: Pose) -> int:
    """Which of `MOUTHS` comes closest."""
    wanted = _mouth_vector(pose)
    distances = [float(((_mouth_vector(cel) - wanted) ** 2).sum()) for cel in MOUTHS.values()]
    return int(np.argmin(distances))


def nearest_lid(closed: float) -> int:
    """Which of `LIDS` comes closest; the wider one in between."""
    return int(np.argmin([abs(lid - closed) for lid in LIDS]))


def bob(sheet: SpriteSheet, pose: Pose) -> tuple[float, float]:
    """By how many pixels the picture moves to the right and down, at most `PAD` - 1."""
    right = sum(getattr(pose, channel) * by[0] for channel, by in BOB.items()) * sheet.unit
    down = sum(getattr(pose, channel) * by[1] for channel, by in BOB.items()) * sheet.unit
    most = PAD - 1.0
    return max(-most, min(most, right)), max(-most, min(most, down))


class SpriteRenderer:
    """Draws sheets as a `Renderer` draws rigs. One at a time per instance."""

    def __init__(self) -> None:
        self._sheet: SpriteSheet | None = None
        self._padded: Rgba = np.zeros((0, 0, 4), np.uint8)
        self._shown: tuple[int, int, int] = (0, 0, 0)

    def frame(self, sheet: SpriteSheet, pose: Pose) -> Rgba:
        """[height, width, 4], transparent around the person."""
        import cv2

        self._show(
            sheet,
            (nearest_mouth(pose), nearest_lid(pose.blink_left), nearest_lid(pose.blink_right)),
        )
        right, down = bob(sheet, pose)
        shift = np.array([[1, 0, right - PAD], [0, 1, down - PAD]], np.float32)
        moved = cv2.warpAffine(self._padded, shift, (sheet.width, sheet.height))
        return np.asarray(moved, np.uint8)

    def frame_over(
        self, sheet: SpriteSheet, pose: Pose, plate: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        """The same frame on an opaque RGB plate of its size, [height, width, 3]."""
        from charafy.engines.portrait.over import over

        return over(self.frame(sheet, pose), plate)

    def plate(self, sheet: SpriteSheet) -> Rgba:
        """What stands behind, opaque."""
        return sheet.plate

    def _show(self, sheet: SpriteSheet, cels: tuple[int, int, int]) -> None:
        if self._sheet is sheet and self._shown == cels:
            return
        picture = sheet.base.copy()
        for part, cel in zip((sheet.mouth, sheet.left_eye, sheet.right_eye), cels, strict=True):
            picture[part.place.window] = sheet.atlas[part.cels[cel].window]
        edges = ((PAD, PAD), (PAD, PAD), (0, 0))
        self._padded = np.pad(picture, edges, mode="edge")
        self._sheet, self._shown = sheet, cels


def _mouth_vector(pose: Pose) -> NDArray[np.float64]:
    return np.array([getattr(pose, channel) * weight for channel, weight in WEIGHTS.items()])


def _changed(base: Rgba, cels: Iterable[Rgba]) -> Region:
    """The rectangle in which any of the cels differs from the face at rest, with room to fade."""
    change = np.zeros(base.shape[:2], bool)
    for cel in cels:
        change |= (np.abs(cel.astype(np.int16) - base) > _VISIBLE).any(axis=2)
    height, width = base.shape[0], base.shape[1]
    rows, columns = np.flatnonzero(change.any(axis=1)), np.flatnonzero(change.any(axis=0))
    if not len(rows):
        return Region(0, 0, 1, 1)
    top, left = max(0, int(rows[0]) - _FEATHER), max(0, int(columns[0]) - _FEATHER)
    bottom = min(height, int(rows[-1]) + 1 + _FEATHER)
    right = min(width, int(columns[-1]) + 1 + _FEATHER)
    return Region(left, top, right - left, bottom - top)


def _below(mouth: Region, left: Region, right: Region) -> Region:
    """The mouth's place without the eyes': a raised cheek must not undo a blink."""
    top = max(mouth.y, left.y + left.height, right.y + right.height)
    bottom = mouth.y + mouth.height
    return mouth if top >= bottom else replace(mouth, y=top, height=bottom - top)


def _patch(base: Rgba, cel: Rgba, place: Region) -> Rgba:
    """The cel's own pixels, fading to the face at rest towards the place's edges."""
    height, width = base.shape[:2]
    down = _fade(place.y, place.height, height)
    along = _fade(place.x, place.width, width)
    weight = np.minimum(down[:, None], along[None, :])[..., None]
    still = base[place.window].astype(np.float32)
    mixed = still + (cel[place.window].astype(np.float32) - still) * weight
    return np.asarray(np.rint(mixed), np.uint8)


def _fade(start: int, length: int, end: int) -> NDArray[np.float32]:
    """0 at the place's edges, 1 inside; no fading at the edges of the picture."""
    at = np.arange(length, dtype=np.float32)
    from_start = np.full(length, np.inf, np.float32) if start == 0 else at
    to_end = np.full(length, np.inf, np.float32) if start + length >= end else length - 1 - at
    return np.clip(np.minimum(from_start, to_end) / _FEATHER, 0, 1)


def _row(mouth: Region, eye: Region) -> int:
    """A width at which the atlas becomes about square."""
    return max(4 * mouth.width, 3 * eye.width)


def _pack(patches: Sequence[Rgba], width: int) -> tuple[Rgba, list[Region]]:
    """Rows from left to right, top to bottom."""
    places: list[Region] = []
    x = y = tallest = 0
    for patch in patches:
        height, wide = patch.shape[0], patch.shape[1]
        if x + wide > width and x:
            x, y, tallest = 0, y + tallest, 0
        places.append(Region(x, y, wide, height))
        x, tallest = x + wide, max(tallest, height)
    # A multiple of two: lossy WebP keeps colours for squares of four pixels.
    rows = (y + tallest + 1) // 2 * 2
    columns = (max(p.x + p.width for p in places) + 1) // 2 * 2
    atlas = np.zeros((rows, columns, 4), np.uint8)
    for patch, place in zip(patches, places, strict=True):
        atlas[place.window] = patch
    return atlas, places
