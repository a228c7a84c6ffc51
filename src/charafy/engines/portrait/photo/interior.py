"""What is behind the lips: teeth, tongue and the dark, as sprites in mouth coordinates.

Mouth coordinates count spans from the middle of the closed lips, x across and y down the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Rgba
from charafy.engines.portrait.photo.face import Face
from charafy.engines.portrait.photo.landmarks import (
    CHEEKS,
    INNER_LOWER,
    INNER_UPPER,
    Points,
    smoothstep,
)

Floats = NDArray[np.float64]
_ENAMEL: Final = (226.0, 216.0, 202.0)
_GUM: Final = (176.0, 98.0, 98.0)
_TONGUE: Final = (158.0, 82.0, 84.0)
_CAVITY: Final = (52.0, 20.0, 24.0)
_UPPER: Final = ((0.078, 0.108), (0.060, 0.098), (0.056, 0.106), (0.042, 0.092), (0.032, 0.084))
"""Width and height of the teeth from the middle outwards, as a viewer in front sees the arch."""
_LOWER: Final = ((0.047, 0.080), (0.050, 0.082), (0.052, 0.088), (0.042, 0.078), (0.034, 0.072))
UPPER_EDGE: Final = 0.030
"""Where the upper teeth end, below the closed lips."""
LOWER_EDGE: Final = 0.003


@dataclass(frozen=True, slots=True)
class Sprite:
    """A part of the mouth's inside."""

    image: Rgba
    at: tuple[float, float]
    """Mouth coordinates of the first texel's centre."""


@dataclass(frozen=True, slots=True)
class Light:
    """How the scene lights a mouth."""

    level: float
    """1 for a face in plain light."""
    tint: Floats
    """[3], around 1."""

    def of(self, colour: tuple[float, float, float]) -> Floats:
        """A colour as it looks in this light, 0..255."""
        return np.array(colour) * self.level * self.tint


def light_of(face: Face) -> Light:
    """From the cheeks."""
    skin = face.colours
    at = np.round(face.points[list(CHEEKS), :2] + face.margin).astype(int)
    xs = np.clip(at[:, 0], 0, skin.shape[1] - 1)
    ys = np.clip(at[:, 1], 0, skin.shape[0] - 1)
    cheek = np.median(skin[ys, xs].astype(np.float64), axis=0)
    mean = max(float(cheek.mean()), 8.0)
    # Dark skin is not dark light: brightness counts less than in proportion.
    level = float(np.clip((mean / 185) ** 0.6, 0.45, 1.08))
    return Light(level, np.clip(cheek / mean, 0.7, 1.3) ** 0.25)


def texels_per_span(span: float) -> float:
    """Resolution of sprites."""
    return float(np.clip(1.5 * span, 96, 400))


def _canvas(
    texels: float, left: float, top: float, right: float, bottom: float
) -> tuple[Floats, Floats]:
    xs = np.arange(left, right, 1 / texels)
    ys = np.arange(top, bottom, 1 / texels)
    x, y = np.meshgrid(xs, ys)
    return x, y


def _image(rgb: Floats, alpha: Floats) -> Rgba:
    colours = np.clip(rgb + 0.5, 0, 255)
    return np.dstack([colours, np.clip(alpha * 255 + 0.5, 0, 255)]).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of teeth with its gum, painted tooth by tooth. Lengths are units of the mouth."""

    aside: Floats
    """Distance of each texel from the middle."""
    into: Floats
    """From the biting edge towards the gum."""
    soft: float
    """Half of a soft edge."""
    rgb: Floats
    alpha: Floats
    gum_line: Floats

    def add(self, enamel: Floats, start: float, width: float, tall: float) -> None:
        """A pair of teeth, left and right, `start` from the middle."""
        off = np.abs(self.aside - start - width / 2)
        t = off / (width / 2)
        inside = 1 - smoothstep(width / 2 - self.soft, width / 2 + self.soft, off)
        # Corners of the biting edge are round, more so away from the middle.
        lifted = (0.006 + 0.008 * (start > 0.07)) * t**3.5
        covers = inside * smoothstep(-self.soft, self.soft, self.into - lifted)
        within = np.clip(t, 0, 1)
        self.gum_line[inside > 0.5] = (tall - 0.022 * within**2)[inside > 0.5]
        u = np.clip(self.into / tall, 0, 1)
        shade = 1 - 0.24 * within**8
        shade *= 0.93 + 0.09 * smoothstep(0.0, 0.35, u) - 0.10 * smoothstep(0.6, 1.0, u)
        # The very edge lets the dark behind shine through.
        shade *= 1 - 0.16 * (1 - smoothstep(0.0, 0.14, u))
        gloss = 14 * np.exp(-((t / 0.35) ** 2) - ((u - 0.42) / 0.22) ** 2)
        tooth = enamel * shade[..., None] + gloss[..., None]
        self.rgb[...] += (tooth - self.rgb) * covers[..., None]
        np.maximum(self.alpha, covers, out=self.alpha)

    def add_gum(self, gum: Floats, reach: float) -> None:
        """What the teeth stand in, and the arch that curves away from the light to `reach`."""
        deep = self.into - self.gum_line
        covers = smoothstep(-1.5 * self.soft, 1.5 * self.soft, deep)
        flesh = gum * (0.95 - 0.25 * smoothstep(0.0, 0.06, deep))[..., None]
        self.rgb[...] += (flesh - self.rgb) * covers[..., None]
        np.maximum(self.alpha, covers, out=self.alpha)
        self.alpha[...] *= 1 - smoothstep(reach - 0.02, reach, self.aside)
        self.rgb[...] *= (1 - 0.62 * smoothstep(0.06, reach, self.aside))[..., None]


def upper_teeth(light: Light, unit: float, texels: float) -> Sprite:
    """Seen from the front, hanging to just below the closed lips."""
    x, y = _canvas(texels, -0.36 * unit, -0.20 * unit, 0.36 * unit, 0.12 * unit)
    into = UPPER_EDGE - y / unit
    image = _teeth(light, _UPPER, np.abs(x) / unit, into, unit * texels)
    return Sprite(image, (float(x[0, 0]), float(y[0, 0])))


def lower_teeth(light: Light, unit: float, texels: float) -> Sprite:
    """Seen from the front, at rest behind the lower lip, darker than the upper ones."""
    x, y = _canvas(texels, -0.36 * unit, -0.20 * unit, 0.36 * unit, 0.12 * unit)
    dimmer = Light(0.88 * light.level, light.tint)
    image = _teeth(dimmer, _LOWER, np.abs(x) / unit, y / unit - LOWER_EDGE, unit * texels)
    return Sprite(image, (float(x[0, 0]), float(y[0, 0])))


def _teeth(
    light: Light,
    kinds: Sequence[tuple[float, float]],
    aside: Floats,
    into: Floats,
    texels_per_unit: float,
) -> Rgba:
    # The arch: teeth farther back stand farther from the middle of the opening.
    arched = into - 0.30 * aside**2
    shape = aside.shape
    row = _Row(
        aside,
        arched,
        1.2 / texels_per_unit,
        np.zeros((*shape, 3)),
        np.zeros(shape),
        np.full(shape, 0.07),
    )
    start = 0.0
    for width, tall in kinds:
        row.add(light.of(_ENAMEL), start, width, tall)
        start += width
    row.add_gum(light.of(_GUM), start)
    return _image(row.rgb, row.alpha)


def tongue(light: Light, size: float, texels: float) -> Sprite:
    """The tongue's back, its tip towards the lower teeth."""
    x, y = _canvas(texels, -0.24 * size, -0.12 * size, 0.24 * size, 0.14 * size)
    across, along = x / (0.195 * size), y / (0.088 * size)
    distance = np.hypot(across, along)
    groove = np.exp(-((x / (0.018 * size)) ** 2)) * smoothstep(-1.2, 0.2, along)
    shade = (1.02 - 0.42 * distance**2) * (1 - 0.14 * groove)
    shade += 0.10 * np.exp(-(((np.abs(across) - 0.35) / 0.25) ** 2) - ((along + 0.35) / 0.35) ** 2)
    rgb = light.of(_TONGUE) * np.clip(shade, 0.2, 1.2)[..., None]
    return Sprite(_image(rgb, 1 - smoothstep(0.72, 1.08, distance)), (-0.24 * size, -0.12 * size))


def cavity(light: Light) -> Floats:
    """The colour of the dark, 0..255."""
    return light.of(_CAVITY) * 0.8


def own_teeth(face: Face, origin: Points, texels: float) -> Sprite | None:
    """The teeth that an open smile shows, continued upwards behind the lip; None if it shows none.

    `origin` is that of mouth coordinates, in the frame.
    """
    opening = face.points[[*INNER_UPPER, *reversed(INNER_LOWER)], :2]
    size = (int(0.9 * texels), int(0.5 * texels))
    centre = np.array([size[0] / 2, size[1] / 2])
    turn = np.column_stack([face.axes.across, face.axes.down]) * face.axes.span / texels
    matrix = np.column_stack([turn, origin + face.margin - turn @ centre])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE
    taken = cv2.warpAffine(face.colours, matrix, size, flags=flags, borderMode=border)
    outline = np.linalg.solve(turn, (opening - origin).T).T + centre
    inside = np.zeros(size[::-1], np.uint8)
    cv2.fillPoly(inside, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    like = _teeth_like(np.asarray(taken, np.uint8), inside > 128)
    if like is None:
        return None
    reach = max(int(0.07 * texels), 1)
    above = cv2.dilate(like, np.ones((reach, 1), np.uint8), anchor=(0, 0))
    missing = ((above > 0) & (like == 0)).astype(np.uint8)
    whole = cv2.inpaint(np.asarray(taken), missing, 3, cv2.INPAINT_TELEA)
    alpha = cv2.GaussianBlur(above.astype(np.float32), (0, 0), max(1.0, 0.014 * texels))
    image = _image(whole.astype(np.float64), smoothstep(0.25, 0.7, alpha))
    return Sprite(image, (float(-centre[0] / texels), float(-centre[1] / texels)))


def _teeth_like(taken: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.uint8] | None:
    """Bright pixels of little colour, as 0 and 1; None where those aren't teeth."""
    if inside.sum() < 40:
        return None
    value = taken.max(axis=2)
    # Enamel is bright and less red than lips, gums and tongue.
    red = cv2.cvtColor(taken, cv2.COLOR_RGB2LAB)[..., 1].astype(np.float32)
    plain = float(np.percentile(red[inside], 20))
    if np.median(value[inside]) < 110 or plain > 150:
        return None
    bright = 0.60 * np.percentile(value[inside], 85)
    like = (inside & (value > bright) & (red < plain + 9)).astype(np.uint8)
    like = cv2.morphologyEx(like, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    like = cv2.morphologyEx(like, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.asarray(like, np.uint8) if like.sum() > 0.2 * inside.sum() else None
