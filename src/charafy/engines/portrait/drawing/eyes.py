"""An eye of the art: its curves, what vanishes when it closes, and the skin without it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from charafy.engines.portrait import Box
from charafy.engines.portrait.drawing.art import Art
from charafy.engines.portrait.drawing.colours import (
    Floats,
    Mask,
    Patch,
    components,
    painted_over,
    patch,
    to_rgb,
)
from charafy.engines.portrait.drawing.curves import Curves, Region, fit


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


def find_eye(art: Art, box: Box) -> Eye:
    return _built(art, *fit(art, box))


def _built(art: Art, region: Region, curves: Curves) -> Eye:
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


def _vanishing(art: Art, where: Patch, curves: Curves) -> Mask:
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


def _lash_thickness(region: Region, curves: Curves) -> float:
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


def _lash_colour(region: Region) -> Floats:
    pixels = region.lab[region.dark]
    if len(pixels) < 4:
        return to_rgb([25, 5, 5])
    darkest = pixels[np.argsort(pixels[:, 0])[: max(8, len(pixels) // 6)]]
    return to_rgb(np.median(darkest, axis=0))
