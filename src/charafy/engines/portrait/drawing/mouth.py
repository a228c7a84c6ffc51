"""The mouth that the art has: its line, its colours, and the skin without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.drawing.art import Art
from charafy.engines.portrait.drawing.colours import (
    Floats,
    Mask,
    Patch,
    components,
    feathered,
    painted_over,
    patch,
    to_rgb,
)
from charafy.engines.portrait.drawing.marks import Region, Style, find_marks


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours of a drawn mouth, rgb 0..255."""

    line: Floats
    cavity: Floats
    tongue: Floats
    teeth: Floats


@dataclass(frozen=True, slots=True)
class Mouth:
    """Mouth coordinates: origin in the middle between the corners, x towards the right one."""

    style: Style
    centre: tuple[float, float]
    """Of the line between the corners, frame pixels."""
    tilt: float
    """Radians, clockwise."""
    width: float
    """Corner to corner."""
    curve: Floats
    """[n, 2] the closed line in mouth coordinates, from left to right."""
    thickness: float
    ink: Ink
    gape: float
    """How far the art has it open, pixels; 0 for a closed one."""
    room: float
    """How far it can open before it meets the chin, pixels."""
    patch: Patch
    found: Mask
    """[patch] its own pixels."""
    erased: Floats
    """[patch, 3] the picture without it."""
    cover: Floats
    """[patch] 0..1, where `erased` differs from the picture."""
    shade: Floats | None
    """[patch] 0..1, the shade drawn under the lower lip, lifted off the skin."""
    shade_colour: Floats
    deep: float
    """How far the shade reaches below the line, pixels."""
    evidence: float
    """0..1: how much what was found looks like a mouth."""

    def to_frame(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """[n, 2] mouth coordinates in frame pixels."""
        c, s = np.cos(self.tilt), np.sin(self.tilt)
        x, y = points[:, 0], points[:, 1]
        return np.stack([self.centre[0] + c * x - s * y, self.centre[1] + s * x + c * y], axis=1)


def find_mouth(art: Art) -> Mouth:
    region, found, style, evidence = find_marks(art)
    return _measured(art, region, found, style, evidence)


def _measured(art: Art, region: Region, found: Mask, style: Style, evidence: float) -> Mouth:
    apart = art.eye_distance
    curve = _line_of(art, region, found, style)
    left, right = curve[0], curve[-1]
    chord = right - left
    if style is Style.LINE or style is Style.LIPS:
        tilt = float(np.clip(np.arctan2(chord[1], chord[0]), -0.45, 0.45))
    else:
        (ax, ay), (bx, by) = art.eyes[0].centre, art.eyes[1].centre
        tilt = float(np.clip(np.arctan2(by - ay, bx - ax) * 0.8, -0.4, 0.4))
    middle = (left + right) / 2
    c, s = np.cos(tilt), np.sin(tilt)
    off = curve - middle
    local = np.stack([c * off[:, 0] + s * off[:, 1], c * off[:, 1] - s * off[:, 0]], axis=1)
    width = float(np.clip(np.hypot(*chord), 0.16 * apart, 0.8 * apart))
    thickness = _thickness(art, region, found, style)
    where, mask = _place_for(art, region, found, middle, width)
    covered = _cover_mask(art, mask, style)
    under = _shade_mask(art, where, covered, middle, width) if style is Style.LINE else None
    if under is not None:
        covered = covered | under
    known = where.of(art.skin.known) & ~covered
    erased = painted_over(where.of(art.rgb), known, covered, max(3.0, 0.05 * apart))
    shade, shade_colour, deep = _shade(art, where, erased, under, float(middle[1]))
    return Mouth(
        style=style,
        centre=(float(middle[0]), float(middle[1])),
        tilt=tilt,
        width=width,
        curve=local.astype(np.float32),
        thickness=thickness,
        ink=_ink(art, region, found, style),
        gape=_gape(found, style),
        room=float(max(0.60 * (art.chin[1] - middle[1]), 0.08 * apart)),
        patch=where,
        found=mask,
        erased=erased,
        cover=feathered(covered, 1, 0.8),
        shade=shade,
        shade_colour=shade_colour,
        deep=deep,
        evidence=evidence,
    )


def _gape(found: Mask, style: Style) -> float:
    return float(np.ptp(np.flatnonzero(found.any(axis=1)))) if style is Style.OPEN else 0.0


def _line_of(art: Art, region: Region, found: Mask, style: Style) -> NDArray[np.float64]:
    """[17, 2] where the closed mouth's line runs, frame pixels."""
    apart, box = art.eye_distance, art.mouth
    if style is Style.NONE:
        x, y = box.centre
        half = float(np.clip(box.width / 2, 0.10 * apart, 0.2 * apart))
        xs = np.linspace(x - half, x + half, 17)
        return np.stack([xs, np.full(17, y)], axis=1)
    columns = np.flatnonzero(found.any(axis=0))
    weight = np.where(found, np.maximum(region.darker, 0.5), 0.0)
    if style is Style.LIPS:
        weight = weight * np.maximum(art.skin.lab[0] - region.lab[..., 0], 0.1) ** 3
    ys = np.arange(region.patch.height)[:, None]
    centre = (weight * ys).sum(axis=0)[columns] / weight.sum(axis=0)[columns]
    if style is Style.OPEN:
        # The corners of an open mouth are high: its closed line runs a third down.
        first = found.argmax(axis=0)[columns]
        last = region.patch.height - 1 - found[::-1].argmax(axis=0)[columns]
        centre = np.full(len(columns), float(np.median(first + 0.32 * (last - first))))
    at = np.linspace(columns[0], columns[-1], 17)
    curve = np.interp(at, columns, centre)
    smooth = np.convolve(np.pad(curve, 2, mode="edge"), [0.1, 0.2, 0.4, 0.2, 0.1], "valid")
    return np.stack([at + region.patch.left, smooth + region.patch.top], axis=1)


def _thickness(art: Art, region: Region, found: Mask, style: Style) -> float:
    """Of the lines to draw with, pixels."""
    apart = art.eye_distance
    usual = art.line or 0.02 * apart
    if style is Style.LINE:
        # Lines fade out: a column counts as much as it is dark.
        strong = np.where(
            found, np.clip(region.distance / np.percentile(region.distance[found], 90), 0, 1), 0
        )
        own = float(np.percentile(strong.sum(axis=0)[found.any(axis=0)], 70))
        usual = float(np.clip(own, 0.6 * art.line, max(1.6 * art.line, 2.0)))
    return float(np.clip(usual, max(1.4, 0.012 * apart), 0.11 * apart))


def _place_for(
    art: Art, region: Region, found: Mask, middle: NDArray[np.float64], width: float
) -> tuple[Patch, Mask]:
    """The patch that holds both the art's mouth and its surroundings, and the mouth in it."""
    apart = art.eye_distance
    reach = max(0.75 * width, 0.36 * apart)
    own = region.patch
    where = patch(
        min(middle[0] - reach, own.left),
        min(middle[1] - 0.22 * apart, own.top),
        max(middle[0] + reach, own.right - 1),
        max(middle[1] + 0.4 * apart, own.bottom - 1),
        art.rgb.shape,
    )
    mask = np.zeros((where.height, where.width), dtype=np.bool_)
    y, x = own.top - where.top, own.left - where.left
    mask[y : y + own.height, x : x + own.width] = found
    return where, mask


def _cover_mask(art: Art, found: Mask, style: Style) -> Mask:
    """What erasing must paint over: the mouth with its soft edges and fading ends."""
    reach = 0.06 if style is Style.OPEN else 0.04
    size = int(max(5, reach * art.eye_distance)) | 1
    wide = size if style is Style.OPEN else size + 2 * int(0.03 * art.eye_distance)
    grown = cv2.dilate(found.astype(np.uint8), np.ones((size, wide), np.uint8))
    return np.asarray(grown > 0, dtype=np.bool_)


def _shade_mask(
    art: Art, where: Patch, covered: Mask, middle: NDArray[np.float64], width: float
) -> Mask | None:
    """Marks on the skin right under the mouth, clear of everything else; None without any."""
    apart = art.eye_distance
    xs, ys = where.grid()
    reach = min(0.22 * apart, 0.5 * (art.chin[1] - float(middle[1])))
    below = ys - float(middle[1])
    zone = (np.abs(xs - float(middle[0])) < 0.55 * max(width, 0.3 * apart)) & (below > 0)
    zone = zone & (below < reach) & ~covered
    darker = where.of(art.lab)[..., 0] < art.skin.lab[0] - 1.5
    marks = zone & (where.of(art.skin.distance) > 6) & darker
    labels, stats = components(marks)
    lowest = float(middle[1]) + reach - 2 - where.top
    free = (stats[:, 4] > 6) & (stats[:, 1] + stats[:, 3] < lowest)
    free &= stats[:, 2] < 0.9 * max(width, 0.3 * apart)
    free[0] = False
    if not free.any():
        return None
    grown = cv2.dilate(free[labels].astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return np.asarray(grown & ~covered, dtype=np.bool_)


def _shade(
    art: Art, where: Patch, erased: Floats, under: Mask | None, line: float
) -> tuple[Floats | None, Floats, float]:
    """The shade's opacity in its own darkest colour, that colour, and how deep it reaches."""
    if under is None:
        return None, np.zeros(3, dtype=np.float32), 0.0
    off = (where.of(art.rgb).astype(np.float32) - erased) * under[..., None]
    strength = np.linalg.norm(off, axis=-1)
    full = max(float(np.percentile(strength[under], 95)), 4.0)
    darkest = where.of(art.rgb)[strength >= full]
    rows = np.flatnonzero(under.any(axis=1))
    colour = np.median(darkest, axis=0).astype(np.float32)
    deep = float(where.top + rows[-1]) - line
    return (np.clip(strength / full, 0, 1) * under).astype(np.float32), colour, deep


def _ink(art: Art, region: Region, found: Mask, style: Style) -> Ink:
    skin = art.skin.lab
    line = _line_colour(art, region, found)
    if not art.skin.coloured:
        grey = np.array([40, 38, 42], np.float32), np.array([158, 156, 160], np.float32)
        return Ink(line, grey[0], grey[1], np.array([250, 250, 250], np.float32))
    hue = np.arctan2(np.clip(skin[2] * 0.45, 4, 13), max(16, skin[1] + 16))
    across, along = np.cos(hue), np.sin(hue)
    cavity = to_rgb([np.clip(skin[0] * 0.40, 20, 36), 31 * across, 28 * along])
    tongue = to_rgb([np.clip(skin[0] * 0.66, 42, 60), 40 * across, 34 * along])
    teeth = to_rgb([min(97, skin[0] + 12), skin[1] * 0.12, skin[2] * 0.2])
    if style is Style.OPEN:
        cavity, tongue = _own_interior(art, region, found, cavity, tongue)
    return Ink(line, cavity, tongue, teeth)


def _line_colour(art: Art, region: Region, found: Mask) -> Floats:
    """The darkest fifth of the mouth, never paler than a line on this skin should be."""
    skin = art.skin.lab
    if not found.any():
        return to_rgb([min(skin[0] * 0.35, 30), 9 if art.skin.coloured else 0, 4])
    pixels = region.lab[found]
    darkest = pixels[np.argsort(pixels[:, 0])[: max(5, len(pixels) // 5)]]
    line = np.median(darkest, axis=0)
    line[0] = min(line[0], skin[0] * 0.58)
    return to_rgb(line)


def _own_interior(
    art: Art, region: Region, found: Mask, cavity: Floats, tongue: Floats
) -> tuple[Floats, Floats]:
    """Cavity and tongue of the mouth that the art opened itself."""
    inner = cv2.erode(found.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    pixels = region.lab[inner]
    pixels = pixels[pixels[:, 0] < art.skin.lab[0] - 8]
    if len(pixels) < 20:
        return cavity, tongue
    middle = float(np.median(pixels[:, 0]))
    dark, light = pixels[pixels[:, 0] <= middle], pixels[pixels[:, 0] > middle]
    spread = np.median(light, axis=0) - np.median(dark, axis=0)
    own = to_rgb(np.median(dark, axis=0))
    if len(light) < 10 or float(np.linalg.norm(spread)) < 9:
        lighter = np.median(dark, axis=0) + np.array([16, 10, 4])
        return own, to_rgb(lighter)
    return own, to_rgb(np.median(light, axis=0))
