"""Finding the marks that are the art's mouth, and telling how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.drawing.art import Art
from charafy.engines.portrait.drawing.colours import Floats, Mask, Patch, components, patch


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
class Region:
    """Where to look, with how much every pixel there is unlike skin."""

    patch: Patch
    lab: Floats
    darker: Floats
    """Than its surroundings, L."""
    distance: Floats
    """From skin."""
    marks: Mask


def find_marks(art: Art) -> tuple[Region, Mask, Style, float]:
    """Where was looked, the mouth's pixels there, its style, and the evidence for it, 0..1."""
    region = _region(art)
    found, evidence = _mark(art, region)
    style = _style(art, region, found)
    return region, _with_neighbours(art, region, found, style), style, evidence


def _region(art: Art) -> Region:
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
    return Region(where, lab, darker, distance, closed > 0)


def _mark(art: Art, region: Region) -> tuple[Mask, float]:
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


def _inside_box(art: Art, region: Region) -> Mask:
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


def _style(art: Art, region: Region, found: Mask) -> Style:
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


def _is_lips(art: Art, region: Region, whole: Mask) -> bool:
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


def _with_neighbours(art: Art, region: Region, found: Mask, style: Style) -> Mask:
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
