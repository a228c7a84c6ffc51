"""Fitting an eye's curves: the upper edge of the lash line, and where the eye ends below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from charafy.engines.portrait import Box
from charafy.engines.portrait.drawing.art import Art
from charafy.engines.portrait.drawing.colours import Floats, Mask, Patch, components, f32, patch

_STARTS: Final = np.arange(-0.40, 0.25, 0.02)
_ARCHES: Final = np.array([0.15, 0.25, 0.35, 0.45, 0.55, 0.68])
_SLANTS: Final = np.array([-0.18, -0.12, -0.06, 0.0, 0.06, 0.12, 0.18])
_ARCH_POWER: Final = 2.3
_SLIT: Final = 3.0


@dataclass(frozen=True, slots=True)
class Region:
    patch: Patch
    box: Box
    lab: Floats
    darker: Floats
    """Than skin, L."""
    distance: Floats
    dark: Mask


@dataclass(frozen=True, slots=True)
class Curves:
    columns: Floats
    top: Floats
    bottom: Floats
    dot: bool
    evidence: float


def fit(art: Art, box: Box) -> tuple[Region, Curves]:
    """The curves of the eye in `box`, and the region they were sought in."""
    region = _region(art, box)
    curves = _dot_curves(art, region)
    if curves is None:
        region = _region(art, _widened(art, box))
        curves = _lid_curves(art, region)
    return region, curves


def _widened(art: Art, box: Box) -> Box:
    """The box as wide as the eye's own lines where these end on skin: boxes are often narrow."""
    wide = Box(box.x - 0.35 * box.width, box.y, 1.7 * box.width, box.height)
    region = _region(art, wide)
    where = region.patch
    labels, stats = components(region.dark)
    xs, ys = where.grid()
    inside = (xs > box.x) & (xs < box.x + box.width) & (ys > box.y) & (ys < box.y + box.height)
    counts = np.bincount(labels[inside], minlength=len(stats))
    counts[0] = 0
    left, top, width, height, _ = (int(v) for v in stats[int(counts.argmax())])
    free = left > 0 and left + width < where.width and top > 0 and top + height < where.height
    if counts.max() == 0 or not free or height > 1.5 * box.height:
        return box
    start = min(box.x, where.left + left)
    end = max(box.x + box.width, where.left + left + width - 1)
    return Box(start, box.y, end - start, box.height)


def _region(art: Art, box: Box) -> Region:
    where = patch(
        box.x - 0.25 * box.width,
        box.y - 0.65 * box.height,
        box.x + 1.25 * box.width,
        box.y + 1.35 * box.height,
        art.rgb.shape,
    )
    lab = where.of(art.lab)
    darker = art.skin.lab[0] - lab[..., 0]
    distance = where.of(art.skin.distance)
    limit = max(22.0, 0.28 * float(np.percentile(darker, 97)))
    dark = (darker > limit) | ((distance > 34) & (darker > 8))
    joined = cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return Region(where, box, lab, darker, distance, joined > 0)


def _dot_curves(art: Art, region: Region) -> Curves | None:
    """The curves of a solid dark blot that stands alone; None where the eye has a white."""
    labels, stats = components(region.dark)
    box = region.box
    xs, ys = region.patch.grid()
    x, y = box.centre
    inner = ((xs - x) / (0.36 * box.width)) ** 2 + ((ys - y) / (0.36 * box.height)) ** 2 < 1
    counts = np.bincount(labels[inner], minlength=len(stats))
    counts[0] = 0
    best = int(counts.argmax())
    if counts[best] == 0:
        return None
    left, top, width, height, area = (int(v) for v in stats[best])
    light = region.lab[..., 0][labels == best]
    solid = float(np.mean(light < np.percentile(light, 10) + 14))
    inside = left > 0 and top > 0
    inside &= left + width < region.patch.width and top + height < region.patch.height
    compact = area > 0.60 * width * height and width < 1.6 * height and solid > 0.6
    blot = (labels == best).astype(np.uint8)
    ring = cv2.dilate(blot, np.ones((9, 9), np.uint8)) - cv2.dilate(blot, np.ones((5, 5), np.uint8))
    on_skin = float(np.median(region.distance[ring > 0])) < 14 if ring.any() else False
    if not (on_skin and inside and compact and width < 0.42 * art.eye_distance):
        return None
    cx, cy = region.patch.left + left + width / 2 - 0.5, region.patch.top + top + height / 2 - 0.5
    columns = np.linspace(cx - width / 2, cx + width / 2, 33, dtype=np.float32)
    round_ = np.sqrt(np.clip(1 - ((columns - cx) / (width / 2)) ** 2, 0, 1)) * height / 2
    return Curves(columns, cy - round_, cy + round_, True, 1.0)


def _lid_curves(art: Art, region: Region) -> Curves:
    """An arch y0 + a |u|^2.3 + b u with the best evidence of a lash line along it: dark below,
    skin above and little dark above that. Three numbers can't be pulled away by a fringe."""
    box, where = region.box, region.patch
    evidence = _lash_evidence(art, region)
    columns = np.arange(np.round(box.x - 0.03 * box.width), box.x + 1.03 * box.width + 1)
    columns = np.clip(columns, where.left + 1, where.right - 2).astype(np.float32)
    u = f32((columns - box.centre[0]) / (0.53 * box.width))
    bent = np.abs(u) ** _ARCH_POWER
    weight = np.where(np.abs(u) < 0.85, 1.0, 0.35)
    y0 = box.y + _STARTS * box.height
    a, b = _ARCHES * box.height, _SLANTS * box.height
    curves = y0[:, None, None, None] + a[None, :, None, None] * bent + b[None, None, :, None] * u
    rows = np.clip(np.round(curves - where.top), 0, where.height - 1).astype(np.intp)
    seen = evidence[rows, (columns - where.left).astype(np.intp)]
    fit = (seen * weight).sum(axis=-1) / weight.sum()
    early = (_STARTS - 0.02) / 0.20
    cost = np.where(early < 0, 0.12 * early**2, 0.30 * early**2)[:, None, None]
    cost = cost + 0.10 * ((_ARCHES - 0.40) / 0.2)[None, :, None] ** 2
    cost = cost + 0.05 * (_SLANTS / 0.12)[None, None, :] ** 2
    best = np.unravel_index(int(np.argmax(2 * fit - cost)), fit.shape)
    top = curves[best].astype(np.float32)
    # A slit several times wider than tall is a pupil's box, a line, anything but an open eye.
    likely = float(np.clip((_SLIT - box.width / box.height) / 0.4, 0, 1))
    bottom = _bottom(region, columns, u, top)
    return Curves(columns, top, bottom, False, likely * float(fit[best]))


def _lash_evidence(art: Art, region: Region) -> Floats:
    height = region.box.height
    light = f32(cv2.GaussianBlur(region.lab[..., 0], (0, 0), max(0.7, 0.015 * height)))
    step = max(2, int(0.05 * height))
    mean = f32(cv2.blur(light, (1, step)))
    off = f32(cv2.blur(region.distance, (1, step)))
    above, below = _shifted(mean, step), _shifted(mean, -step)
    reach = max(25.0, 0.75 * float(np.percentile(region.darker, 97)))
    skin_above = np.clip(1 - _shifted(off, step) / 40, 0, 1)
    dark_below = np.clip((art.skin.lab[0] - below) / reach, 0, 1)
    tall = int(max(3, 0.15 * height))
    lowest = f32(cv2.erode(light, np.ones((tall, 1), np.uint8), anchor=(0, tall - 1)))
    crossed = np.clip((art.skin.lab[0] - _shifted(lowest, step + 1) - 18) / 25, 0, 1)
    edge = np.clip(above - below, 0, 60) / 60
    value = edge * (0.35 + 0.65 * skin_above) * (0.4 + 0.6 * dark_below) * (1 - 0.65 * crossed)
    return np.asarray(cv2.GaussianBlur(value, (0, 0), max(0.6, 0.015 * height)), dtype=np.float32)


def _shifted(image: Floats, rows: int) -> Floats:
    """The image moved down by that many rows, edges repeated."""
    index = np.clip(np.arange(image.shape[0]) - rows, 0, image.shape[0] - 1)
    return image[index]


def _bottom(region: Region, columns: Floats, u: Floats, top: Floats) -> Floats:
    """Through the corners and the lower edge of iris or lid, which is where dark turns to skin."""
    box, where = region.box, region.patch
    light = cv2.GaussianBlur(region.lab[..., 0], (0, 0), max(0.7, 0.015 * box.height))
    step = max(2, int(0.05 * box.height))
    mean = f32(cv2.blur(light, (1, step)))
    edge = np.clip(_shifted(mean, -step) - _shifted(mean, step), 0, 40) / 40
    x = box.centre[0] - where.left
    centre = edge[:, int(max(0, x - 0.15 * box.width)) : int(x + 0.15 * box.width) + 1]
    rows = np.arange(where.height)
    off = (rows + where.top - (box.y + 0.97 * box.height)) / (0.2 * box.height)
    value = centre.mean(axis=1) - 0.5 * off**2
    allowed = (off > -1.45) & (off < 1.15)
    lowest = where.top + int(np.argmax(np.where(allowed, value, -9))) + 1
    chord = top[0] + (top[-1] - top[0]) * (u - u[0]) / (u[-1] - u[0])
    deep = lowest - float(np.interp(box.centre[0], columns, chord))
    curve = chord + deep * (1 - np.clip(np.abs(u), 0, 1) ** 3)
    return np.asarray(np.maximum(curve, top + 1), dtype=np.float32)
