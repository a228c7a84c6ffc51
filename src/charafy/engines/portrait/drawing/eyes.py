"""Fitting the lid: where the upper lash line runs, where the eye ends below, what covers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from charafy.engines.portrait import Box
from charafy.engines.portrait.drawing.art import Art
from charafy.engines.portrait.drawing.colours import (
    Floats,
    Mask,
    Patch,
    components,
    f32,
    painted_over,
    patch,
    to_rgb,
)

_STARTS: Final = np.arange(-0.40, 0.25, 0.02)
_ARCHES: Final = np.array([0.15, 0.25, 0.35, 0.45, 0.55, 0.68])
_SLANTS: Final = np.array([-0.18, -0.12, -0.06, 0.0, 0.06, 0.12, 0.18])
_ARCH_POWER: Final = 2.3
_SLIT: Final = 3.0


@dataclass(frozen=True, slots=True)
class Eye:
    """An open eye of the art. Columns and curves are frame pixels."""

    patch: Patch
    dot: bool
    """A solid blot instead of an eye with a white."""
    columns: Floats
    """x of the curves' points."""
    top: Floats
    """Upper edge of the upper lash line."""
    bottom: Floats
    """Lower lid, or lower edge of the iris where no lid is drawn."""
    lash: float
    """Thickness of the upper lash line, pixels."""
    colour: Floats
    """Of the lash line, rgb."""
    mask: Mask
    """[patch] everything that vanishes when the eye closes."""
    erased: Floats
    """[patch, 3] the picture with the eye painted over."""
    dark: Floats
    """[patch] 0..1, how much a pixel is line."""
    evidence: float
    """0..1: how well an eye's lid fits here."""

    @property
    def height(self) -> float:
        return float(max(self.bottom.max() - np.percentile(self.top, 8), 2.0))

    @property
    def width(self) -> float:
        return float(self.columns[-1] - self.columns[0])


@dataclass(frozen=True, slots=True)
class _Region:
    patch: Patch
    box: Box
    lab: Floats
    darker: Floats
    """Than skin, L."""
    distance: Floats
    dark: Mask


@dataclass(frozen=True, slots=True)
class _Curves:
    columns: Floats
    top: Floats
    bottom: Floats
    dot: bool
    evidence: float


def find_eye(art: Art, box: Box) -> Eye:
    region = _region(art, box)
    curves = _dot_curves(art, region)
    if curves is None:
        region = _region(art, _widened(art, box))
        curves = _lid_curves(art, region)
    return _built(art, region, curves)


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


def _region(art: Art, box: Box) -> _Region:
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
    return _Region(where, box, lab, darker, distance, joined > 0)


def _dot_curves(art: Art, region: _Region) -> _Curves | None:
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
    return _Curves(columns, cy - round_, cy + round_, True, 1.0)


def _lid_curves(art: Art, region: _Region) -> _Curves:
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
    return _Curves(columns, top, bottom, False, likely * float(fit[best]))


def _lash_evidence(art: Art, region: _Region) -> Floats:
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


def _bottom(region: _Region, columns: Floats, u: Floats, top: Floats) -> Floats:
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


def _built(art: Art, region: _Region, curves: _Curves) -> Eye:
    columns, top, bottom = curves.columns, curves.top, curves.bottom
    height = float(bottom.max() - top.min())
    spare = 10 + 0.08 * height if not curves.dot else 10 + 0.35 * (columns[-1] - columns[0])
    where = patch(
        columns[0] - spare,
        top.min() - spare,
        columns[-1] + spare,
        bottom.max() + spare,
        art.rgb.shape,
    )
    mask = _vanishing(art, where, curves)
    known = where.of(art.skin.known) & ~cv2.dilate(
        mask.astype(np.uint8), np.ones((3, 3), np.uint8)
    ).astype(bool)
    sigma = max(3.0, 0.10 * height)
    picture = where.of(art.rgb)
    erased = painted_over(picture, known, mask, sigma)
    for _ in range(2):
        specks = _specks(art, where, erased, mask, height)
        if not specks.any():
            break
        mask = mask | specks
        erased = painted_over(picture, known & ~mask, mask, sigma)
    light = where.of(art.lab)[..., 0]
    dark = np.clip((art.skin.lab[0] - light - 10) / 24, 0, 1).astype(np.float32)
    return Eye(
        where, curves.dot, columns, top, bottom, _lash_thickness(region, curves),
        _lash_colour(region), mask, erased, dark, curves.evidence,
    )  # fmt: skip


def _vanishing(art: Art, where: Patch, curves: _Curves) -> Mask:
    """The aperture with its lines, and small marks that touch it. What passes through stays."""
    xs, ys = where.grid()
    top = np.interp(xs[0], curves.columns, curves.top)[None, :]
    bottom = np.interp(xs[0], curves.columns, curves.bottom)[None, :]
    first, last = curves.columns[0], curves.columns[-1]
    spare = 1.5 if curves.dot else 0.0
    across = (xs >= first - spare) & (xs <= last + spare)
    inside = across & (ys >= top - 2) & (ys <= bottom + 2.5)
    light, distance = where.of(art.lab)[..., 0], where.of(art.skin.distance)
    line = (art.skin.lab[0] - light > 14) | (distance > 22)
    # At the corners lines belong to lashes and hair beyond them as much as to the eye.
    middle = bottom - top > 0.25 * float((bottom - top).max())
    near = _grown(inside, 3) & (ys >= top - 1) & across & middle
    mask = _grown(inside | (line & near), 1) & (ys >= top - 2.2)
    height = float(curves.bottom.max() - curves.top.min())
    plain = distance < 24
    mask = mask | _touching(line & ~mask, mask, 0.10 * float(last - first) * height, plain)
    if not curves.dot:
        mask = mask & ~_in_front(line, mask, ys > top + 0.5 * (bottom - top), height)
    # Sharp edges have a pale rim on the skin around them: it goes with them.
    return np.asarray(mask | (_grown(mask, 3) & (distance < 16)), dtype=np.bool_)


def _in_front(line: Mask, mask: Mask, low: Mask, height: float) -> Mask:
    """Thin lines that run through the lower half of the eye and far on: glasses."""
    thick = cv2.distanceTransform(line.astype(np.uint8), cv2.DIST_L2, 5)
    labels, stats = components(line & low)
    solid = np.zeros(len(stats), dtype=np.float32)
    np.maximum.at(solid, labels.ravel(), thick.ravel())
    beyond = np.bincount(labels[~_grown(mask, 4)], minlength=len(stats))
    passing = (beyond > 0.25 * height) & (solid < max(0.07 * height, 2.6))
    passing[0] = False
    return _grown(passing[labels], 1)


def _grown(mask: Mask, by: int) -> Mask:
    kernel = np.ones((2 * by + 1, 2 * by + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel) > 0, dtype=np.bool_)


def _touching(marks: Mask, mask: Mask, largest: float, plain: Mask) -> Mask:
    """Marks up to that area that touch the mask and have only `plain` skin or mask around them, a
    pixel wider: not what hangs on hair or on the face's outline."""
    labels, stats = components(marks)
    touched = np.bincount(labels[_grown(mask, 1) & (labels > 0)], minlength=len(stats)) > 0
    touched &= stats[:, 4] < largest
    height, width = marks.shape
    touched &= (stats[:, 0] > 0) & (stats[:, 0] + stats[:, 2] < width)
    touched &= (stats[:, 1] > 0) & (stats[:, 1] + stats[:, 3] < height)
    chosen = np.zeros(marks.shape, dtype=np.bool_)
    calm = plain | mask
    for i in np.flatnonzero(touched[1:]) + 1:
        mark = labels == i
        ring = _grown(mark, 2) & ~_grown(mark, 1)
        if ring.any() and float(calm[ring].mean()) > 0.85:
            chosen |= mark
    return _grown(chosen, 1)


def _specks(art: Art, where: Patch, erased: Floats, mask: Mask, height: float) -> Mask:
    """What would stay as crumbs around a closed eye."""
    light = cv2.cvtColor(erased / np.float32(255), cv2.COLOR_RGB2LAB)[..., 0]
    soft = cv2.GaussianBlur(light, (0, 0), max(2.0, 0.10 * height))
    marks = (np.abs(light - soft) > 7) & (light < art.skin.lab[0] - 8) & ~mask
    zone = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    plain = where.of(art.skin.distance) < 24
    return _touching(marks, zone, 0.035 * height * mask.shape[1], plain) & ~mask


def _lash_thickness(region: _Region, curves: _Curves) -> float:
    """Dark run below the lash line's upper edge, away from the iris."""
    height = float(curves.bottom.max() - curves.top.min())
    if curves.dot:
        return height
    x = region.box.centre[0]
    side = np.abs(curves.columns - x) > 0.25 * region.box.width
    columns = (curves.columns[side] - region.patch.left).astype(np.intp)
    first = np.round(curves.top[side] - region.patch.top).astype(np.intp) + 1
    runs = []
    for column, row in zip(columns, first, strict=True):
        below = region.dark[max(row, 0) :, column]
        run = int(np.argmin(below)) if not below.all() else len(below)
        if 1 < run < 0.3 * height:
            runs.append(run + 1)
    usual = float(np.median(runs)) if len(runs) > 3 else 0.10 * height
    return float(np.clip(usual, 0.09 * height, 0.20 * height))


def _lash_colour(region: _Region) -> Floats:
    pixels = region.lab[region.dark]
    if len(pixels) < 4:
        return to_rgb([25, 5, 5])
    darkest = pixels[np.argsort(pixels[:, 0])[: max(8, len(pixels) // 6)]]
    return to_rgb(np.median(darkest, axis=0))
