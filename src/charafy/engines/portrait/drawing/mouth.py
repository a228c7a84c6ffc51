"""Finding the mouth that the art has: its line, its colours, and the skin without it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
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


class Style(StrEnum):
    """How the art draws the mouth."""

    LINE = "line"
    """One closed line: an open mouth is drawn for it."""
    LIPS = "lips"
    """Closed, with coloured lips: they are parted."""
    OPEN = "open"
    """Open in the picture: erased, and a closed line drawn."""
    NONE = "none"
    """Nothing that looks like one: a small one is drawn into the box."""


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


@dataclass(frozen=True, slots=True)
class _Region:
    """Where to look, with how much every pixel there is unlike skin."""

    patch: Patch
    lab: Floats
    darker: Floats
    """Than its surroundings, L."""
    distance: Floats
    """From skin."""
    marks: Mask


def find_mouth(art: Art) -> Mouth:
    region = _region(art)
    found, evidence = _mark(art, region)
    style = _style(art, region, found)
    found = _with_neighbours(art, region, found, style)
    return _measured(art, region, found, style, evidence)


def _region(art: Art) -> _Region:
    apart, box = art.eye_distance, art.mouth
    x, y = box.centre
    reach = max(0.75 * box.width, 0.36 * apart)
    axis = art.axis
    top = min(y - 0.14 * apart, box.y - 0.1 * box.height)
    bottom = max(y + 0.62 * (art.chin[1] - y), box.y + 1.1 * box.height)
    where = patch(min(x, axis) - reach, top, max(x, axis) + reach, bottom, art.rgb.shape)
    lab = where.of(art.lab)
    around = cv2.GaussianBlur(lab[..., 0], (0, 0), apart * 0.12)
    darker = np.asarray(around - lab[..., 0], dtype=np.float32)
    distance = where.of(art.skin.distance)
    marks = ((darker > 2.2) & (distance > 6.5)) | (distance > 26)
    closed = cv2.morphologyEx(marks.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return _Region(where, lab, darker, distance, closed > 0)


def _mark(art: Art, region: _Region) -> tuple[Mask, float]:
    """The mark that is most like a mouth: strong, wide, near the box; else what the box holds."""
    labels, stats = components(region.marks)
    apart, (x, y) = art.eye_distance, art.mouth.centre
    # Boxes are often off to a side; the face's own axis isn't right either where it is turned.
    x = (x + art.axis) / 2
    best, score = 0, 0.0
    for i in range(1, len(stats)):
        left, top, width, height, area = stats[i]
        if left <= 1 or left + width >= region.patch.width - 1 or top <= 0 or area < 4:
            continue
        inside = labels == i
        strength = (region.distance * np.maximum(region.darker, 1))[inside].sum() ** 0.4
        middle_x = region.patch.left + left + width / 2
        middle_y = region.patch.top + top + height / 2
        off = np.hypot((middle_x - x) / 0.26, (middle_y - y) / 0.20) / apart
        shape = width * min(3.0, width / max(2, height)) ** 0.7
        value = float(strength * shape * np.exp(-(off**2)))
        if value > score:
            best, score = i, value
    if best:
        return labels == best, float(np.clip(score / (0.6 * apart), 0.05, 1))
    return _inside_box(art, region), 0.1


def _inside_box(art: Art, region: _Region) -> Mask:
    box = art.mouth
    xs, ys = region.patch.grid()
    inside = (xs >= box.x) & (xs <= box.x + box.width)
    inside = inside & (ys >= box.y) & (ys <= box.y + box.height) & (region.distance > 12)
    if inside.sum() <= 12:
        return np.zeros(inside.shape, dtype=np.bool_)
    size = int(max(3, 0.07 * box.width)) | 1
    kernel = np.ones((size, size), np.uint8)
    core = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    labels, stats = components(core if core.any() else inside)
    largest = labels == 1 + int(stats[1:, 4].argmax())
    grown = cv2.dilate(largest.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return np.asarray(grown & inside, dtype=np.bool_)


def _style(art: Art, region: _Region, found: Mask) -> Style:
    if not found.any():
        return Style.NONE
    apart = art.eye_distance
    whole = _filled(found)
    inside = cv2.distanceTransform(np.pad(whole.astype(np.uint8), 1), cv2.DIST_L2, 5)
    thick = 2 * float(inside.max())
    rows = np.flatnonzero(found.any(axis=1))
    tall = rows[-1] - rows[0]
    wide = np.ptp(np.flatnonzero(found.any(axis=0)))
    if thick <= max(0.075 * apart, 1.7 * art.line, 0.13 * wide) or tall < 0.09 * apart:
        return Style.LINE
    return Style.LIPS if _is_lips(art, region, whole) else Style.OPEN


def _filled(mask: Mask) -> Mask:
    """The mask without holes: teeth and tongue belong to the mouth around them."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(whole, contours, -1, 1, cv2.FILLED)
    return whole > 0


def _is_lips(art: Art, region: _Region, whole: Mask) -> bool:
    """One thin dark line crosses the middle of something about as light as skin."""
    if not art.skin.coloured:
        return False
    light = np.where(whole, region.lab[..., 0], art.skin.lab[0])
    columns = np.flatnonzero(whole.any(axis=0))
    columns = columns[len(columns) // 5 : -max(1, len(columns) // 5)]
    votes = []
    for column in columns:
        rows = np.flatnonzero(whole[:, column])
        values = light[rows, column]
        limit = values.min() + 0.40 * (art.skin.lab[0] - values.min())
        dark = np.flatnonzero(values < limit)
        middle = (dark.mean() + 0.5) / len(rows)
        thin = (dark[-1] - dark[0] + 1) / len(rows)
        votes.append(0.1 < middle < 0.95 and thin < 0.36 and values.max() < art.skin.lab[0] + 3.5)
    return len(votes) > 3 and float(np.mean(votes)) > 0.6


def _with_neighbours(art: Art, region: _Region, found: Mask, style: Style) -> Mask:
    """Pieces of the same broken line join it; an open mouth gets its holes."""
    if style is Style.NONE:
        return found
    if style is not Style.LINE:
        return _filled(found)
    labels, stats = components(region.marks)
    mine = labels[found].max()
    x, y = _middle(stats[mine])
    apart = art.eye_distance
    joined = found.copy()
    for i in range(1, len(stats)):
        ox, oy = _middle(stats[i])
        left, width = stats[i][0], stats[i][2]
        touches = left <= 1 or left + width >= region.patch.width - 1
        beside = abs(oy - y) < max(4, 0.09 * apart) and abs(ox - x) < 0.42 * apart
        if i != mine and beside and not touches and stats[i][4] > 2:
            joined |= labels == i
    return joined


def _middle(stat: NDArray[np.int32]) -> tuple[float, float]:
    return float(stat[0] + stat[2] / 2), float(stat[1] + stat[3] / 2)


def _measured(art: Art, region: _Region, found: Mask, style: Style, evidence: float) -> Mouth:
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


def _line_of(art: Art, region: _Region, found: Mask, style: Style) -> NDArray[np.float64]:
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


def _thickness(art: Art, region: _Region, found: Mask, style: Style) -> float:
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
    art: Art, region: _Region, found: Mask, middle: NDArray[np.float64], width: float
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


def _ink(art: Art, region: _Region, found: Mask, style: Style) -> Ink:
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


def _line_colour(art: Art, region: _Region, found: Mask) -> Floats:
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
    art: Art, region: _Region, found: Mask, cavity: Floats, tongue: Floats
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
