"""The rig of a drawing, and how its picture is computed: the same in Python and in the browser.

Coordinates are frame pixels (x right, y down, centre of the first pixel at (0, 0)); a texture's
texel (i, j) has its centre at (i, j), so u = (i + 0.5) / texture width. Every texture is straight
alpha in the file, premultiplied when loaded, sampled bilinearly, clamped at its edges. All colours
below are premultiplied; "over" is c + (1 - c.a) * below, for all four channels. Arrays are
`rigfile.pack_array`. rect = [left, top, width, height] in texels of `cels`.

Textures
    base   [height, width]: the picture at rest.
    cels   an atlas; cels lie at least one empty texel apart.
    plate  [height, width], opaque: what stands behind the person; absent where base is opaque:
           then the plate is the base.

data
    under   {rect, at: [x, y]}: skin without the mouth; its first texel lies at frame pixel `at`
    mouth   {openings: [n], widths: [m], plain: [n][m], teeth: [n][m], bite, clench, tongue,
            cels, rest_is_open}; plain, teeth, bite, clench and tongue are indices of `cels` =
            [{rect, box, place}]: box (left, top, right, bottom) in texels from the rect's corner is
            the same rectangle as `place` in frame pixels
    lids    [{driver: channel, cels: [{rect, at}, ...]}]; one per eye that can close, cels from
            nearly open to closed; k cels
    grid    {columns, rows}: nodes of the field, evenly from pixel 0 to the last pixel
    fields  [{weights: uint8 [rows, columns] (255 = 1), x: {channel: pixels}, y: {channel: pixels},
            pivot: [x, y] | null, unless: channel | null}]
    quality {left_eye, right_eye, mouth: 0..1, style}: evidence; not needed for drawing

A pose, step by step
    0. Channels are clipped: open, round, upper, lower, press, bite, tongue, smile, speaking,
       breath and both blinks to 0..1, everything else to -1.5..1.5. c01 is clip to 0..1.
         o = open * (1 - press)
         v = clip(wide - round, -1, 1) * (1 - 0.5 * press)
         b = bite * (1 - press)
         c = c01((min(upper, lower) - 0.22) / 0.1) * c01((0.3 - o) / 0.15)
             * (1 - c01(-v)) * (1 - b) * (1 - press)
         t = c01((tongue - 0.5) / 0.5) * c01((0.5 - o) / 0.2) * (1 - b - c) * (1 - press)
         g = 1 - b - c - t
         h = c01((upper - 0.12) / 0.16)
         e = c01(max(20 o, 10 |v|, 10 b, 10 c, 10 t, speaking if rest_is_open else 0))
    1. Canvas = base. If e > 0: canvas = e * under over canvas, at its place.
    2. Mouth, if e > 0. Weights w of cels: with o between openings[i] and [i + 1] at p (0..1) and
       v between widths[j] and [j + 1] at q:
         g * (1 - h) of (1-p)(1-q), (1-p)q, p(1-q), pq to plain[i][j], [i][j+1], [i+1][j],
         [i+1][j+1]; g * h likewise to teeth; b to bite, c to clench, t to tongue (an index that
         comes up twice adds up).
       P = sum of w * place. A cel is mapped so that its box becomes P: the canvas pixel (x, y)
       samples texel rect.corner + box.corner + ((x, y) - P.corner) * box.size / P.size, 0 outside
       of the rect (where size = right - left, bottom - top).
         canvas = e * (sum of w * sample) over canvas
    3. Lids: z = blink * k, i = floor(z), f = z - i, counting cels from 1:
         canvas = ((1 - f) * cel i + f * cel i+1) over canvas    (cels 0 and k + 1 are empty)
    4. Field at a node (x, y), with n = weight * (1 - channel `unless`):
         D += n * (sum of x[channel] * channel, sum of y[channel] * channel)
         with a pivot also n * roll * (-(y - pivot.y), x - pivot.x)
       Between nodes D is interpolated linearly. frame(x, y) = canvas((x, y) - D(x, y)).
       Where D is 0 everywhere the frame is the canvas.
    5. Over a plate: frame over plate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Finding, Framing, Kind, NoFace, Rgba, Rig
from charafy.engines.portrait.drawing.art import Art, prepare
from charafy.engines.portrait.drawing.atlas import Rect, cropped, pack
from charafy.engines.portrait.drawing.cels import (
    BITE,
    CLENCH,
    DRAWN,
    PARTED,
    TONGUE,
    Cel,
    Shape,
    Stops,
    draw,
    own_line,
    shapes_with_teeth,
)
from charafy.engines.portrait.drawing.colours import stacked
from charafy.engines.portrait.drawing.eyes import Eye, find_eye
from charafy.engines.portrait.drawing.lids import lids
from charafy.engines.portrait.drawing.lips import part
from charafy.engines.portrait.drawing.marks import Style
from charafy.engines.portrait.drawing.mouth import Mouth, find_mouth
from charafy.engines.portrait.drawing.warp import COLUMNS, Field, fields, rows_for
from charafy.engines.portrait.rigfile import pack_array

LEAST_EYE: Final = 0.06
"""Evidence below which an eye stays open: no lid is better than one across the cheek."""

_SPECIAL: Final[Mapping[str, Shape]] = {"bite": BITE, "clench": CLENCH, "tongue": TONGUE}


def bake(picture: Rgba, finding: Finding, framing: Framing) -> Rig:
    """The rig of a drawing. Raises `NoFace` without usable anchors."""
    if not finding.usable or finding.anchors is None:
        raise NoFace(finding.problems)
    art = prepare(picture, finding.anchors, finding.matte, framing)
    eyes = (find_eye(art, art.eyes[0]), find_eye(art, art.eyes[1]))
    mouth = find_mouth(art)
    sheet = _Sheet()
    under = sheet.add(stacked(mouth.erased, mouth.cover), mouth.patch.left, mouth.patch.top)
    grid, cels = _mouth_entry(art, mouth, sheet)
    closing = [
        [sheet.add(cel, eye.patch.left, eye.patch.top) for cel in lids(art, eye)]
        if eye.evidence >= LEAST_EYE
        else []
        for eye in eyes
    ]
    atlas, rects = pack(sheet.images)
    data: dict[str, object] = {
        "under": sheet.entry(under, rects),
        "mouth": {**grid, "cels": [_cel_entry(cel, sheet, i, rects) for cel, i in cels]},
        "lids": [
            {"driver": driver, "cels": [sheet.entry(i, rects) for i in states]}
            for driver, states in zip(("blink_left", "blink_right"), closing, strict=True)
            if states
        ],
        "grid": {"columns": COLUMNS, "rows": rows_for(framing.width, framing.height)},
        "fields": [_field_entry(field) for field in fields(art, eyes, mouth)],
        "quality": _quality(eyes, mouth),
    }
    textures = {"base": _base(art), "cels": atlas}
    if art.alpha is not None:
        textures["plate"] = _backdrop(art)
    return Rig(Kind.DRAWING, framing.width, framing.height, data, textures)


_Numbered = list[tuple[Cel, int]]


class _Sheet:
    """Cels on their way into the atlas."""

    def __init__(self) -> None:
        self.images: list[NDArray[np.uint8]] = []
        self._at: list[tuple[int, int]] = []

    def add(self, image: NDArray[np.uint8], x: int = 0, y: int = 0) -> int:
        """Its number; (x, y) is where the image's first pixel lies."""
        kept, left, top = cropped(image)
        self.images.append(kept)
        self._at.append((x + left, y + top))
        return len(self.images) - 1

    def at(self, number: int) -> tuple[int, int]:
        return self._at[number]

    def entry(self, number: int, rects: Sequence[Rect]) -> dict[str, object]:
        return {"rect": list(rects[number]), "at": list(self._at[number])}


def _drawn(art: Art, mouth: Mouth, shape: Shape) -> Cel:
    if mouth.style is Style.LIPS:
        return part(mouth, art.rgb, shape, art.eye_distance)
    return draw(mouth, shape, art.eye_distance)


def _mouths(art: Art, mouth: Mouth, stops: Stops) -> dict[tuple[int, int, bool], Cel]:
    """By opening, width and whether teeth show."""
    made = {
        (i, j, False): _drawn(art, mouth, Shape(opening, wide))
        for i, opening in enumerate(stops.openings)
        for j, wide in enumerate(stops.widths)
    }
    for i, j in shapes_with_teeth(stops):
        shape = Shape(stops.openings[i], stops.widths[j], teeth=True)
        made[i, j, True] = _drawn(art, mouth, shape)
    if mouth.style is Style.LINE:
        own = own_line(mouth, art.rgb)
        for j in range(stops.neutral, len(stops.widths)):
            place = own.place if j == stops.neutral else made[0, j, False].place
            made[0, j, False] = Cel(own.image, own.box, place)
    return made


def _mouth_entry(art: Art, mouth: Mouth, sheet: _Sheet) -> tuple[dict[str, object], _Numbered]:
    """The mouth's data without its cels, and these with their numbers on the sheet."""
    stops = PARTED if mouth.style is Style.LIPS else DRAWN
    cels: _Numbered = []
    index = {}
    for key, cel in _mouths(art, mouth, stops).items():
        index[key] = len(cels)
        cels.append((cel, sheet.add(cel.image)))
    special = {}
    for name, shape in _SPECIAL.items():
        cel = _drawn(art, mouth, shape)
        special[name] = len(cels)
        cels.append((cel, sheet.add(cel.image)))
    rows, columns = range(len(stops.openings)), range(len(stops.widths))
    plain = [[index[i, j, False] for j in columns] for i in rows]
    teeth = [[index.get((i, j, True), plain[i][j]) for j in columns] for i in rows]
    return {
        "openings": list(stops.openings),
        "widths": list(stops.widths),
        "plain": plain,
        "teeth": teeth,
        **special,
        "rest_is_open": mouth.style is Style.OPEN,
    }, cels


def _cel_entry(cel: Cel, sheet: _Sheet, number: int, rects: Sequence[Rect]) -> dict[str, object]:
    left, top = sheet.at(number)
    box = (cel.box[0] - left, cel.box[1] - top, cel.box[2] - left, cel.box[3] - top)
    return {
        "rect": list(rects[number]),
        "box": [round(v, 3) for v in box],
        "place": [round(v, 3) for v in cel.place],
    }


def _field_entry(field: Field) -> dict[str, object]:
    return {
        "weights": pack_array(np.round(np.clip(field.weights, 0, 1) * 255).astype(np.uint8)),
        "x": {channel: round(float(v), 4) for channel, v in field.x.items()},
        "y": {channel: round(float(v), 4) for channel, v in field.y.items()},
        "pivot": None if field.pivot is None else [round(v, 2) for v in field.pivot],
        "unless": field.unless,
    }


def _quality(eyes: tuple[Eye, Eye], mouth: Mouth) -> dict[str, object]:
    return {
        "left_eye": round(eyes[0].evidence, 3),
        "right_eye": round(eyes[1].evidence, 3),
        "mouth": round(mouth.evidence, 3),
        "style": mouth.style.value,
    }


def _base(art: Art) -> Rgba:
    alpha = art.alpha
    if alpha is None:
        alpha = np.full(art.rgb.shape[:2], 255, dtype=np.uint8)
    return np.dstack([art.rgb, alpha])


def _backdrop(art: Art) -> Rgba:
    """The art's own background; else a soft light ground, a little darker towards the bottom."""
    if art.plate is not None:
        opaque = np.full((*art.plate.shape[:2], 1), 255, dtype=np.uint8)
        return np.concatenate([art.plate, opaque], axis=2)
    height, width = art.rgb.shape[:2]
    light = np.linspace(1.03, 0.90, height, dtype=np.float32)[:, None, None]
    ground = np.clip(np.array([222, 218, 214], np.float32) * light, 0, 255)
    plate = np.full((height, width, 4), 255, dtype=np.uint8)
    plate[..., :3] = np.broadcast_to(ground, (height, width, 3)).astype(np.uint8)
    return plate
