"""The movements that a photo's skin is made of: displacements of every vertex per channel.

Amplitudes are fractions of `unit`, the distance between the eyes' outer corners corrected for the
mouth's size; they were set by eye on frontal photos.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from charafy.engines.portrait.photo.landmarks import (
    BROWS,
    CHIN,
    CHIN_TIP,
    EYES,
    FOREHEAD_TOP,
    INNER_LOWER,
    INNER_UPPER,
    MOUTH_CORNERS,
    NOSE_BASE,
    NOSE_BRIDGE,
    NOSE_ROOT,
    OUTER_LOWER,
    OUTER_UPPER,
    OVAL,
    Axes,
    Eye,
    Points,
)
from charafy.engines.portrait.photo.mesh import FACE, Mesh, eyeball_points
from charafy.engines.portrait.photo.mouth import Mouth
from charafy.engines.portrait.photo.spread import Given, Offsets, Skin

DROP: Final = 0.20
"""How far the jaw opens at most, in units."""
_LIPS: Final = (*INNER_UPPER, *INNER_LOWER, *OUTER_UPPER, *OUTER_LOWER)
_LID_TRAVEL: Final = 0.94
"""Of the opening, by the upper lid; the lower one comes to meet it."""
_LOWER_LID_TRAVEL: Final = 0.08


@dataclass(frozen=True, slots=True)
class Basis:
    """A movement that happens as far as the product of its channels says."""

    drivers: tuple[str, ...]
    offsets: Offsets
    """[n, 2], frame pixels at weight 1."""


def bases(mesh: Mesh, points: Points, axes: Axes, mouth: Mouth) -> list[Basis]:
    """Every movement of the face; head, breath and hair are in `body`."""
    skin = Skin(mesh.vertices, mesh.skin)
    spans = axes.of(mesh.vertices[: mesh.eyes_from], points[NOSE_ROOT])
    still = _still(spans, mouth)
    made = [
        *_jaw(skin, still, mouth),
        *_lips(skin, still, mouth, spans),
        *_lids(skin, points, axes, spans),
        *_brows(skin, spans),
    ]
    return [Basis(basis.drivers, _in_pixels(basis.offsets, mesh, axes)) for basis in made]


def _in_pixels(offsets: Offsets, mesh: Mesh, axes: Axes) -> Offsets:
    """Spans along the face's axes -> frame pixels, eyeballs moved along with their lids."""
    pixels = (offsets[:, :1] * axes.across + offsets[:, 1:] * axes.down) * axes.span
    at = mesh.eyes_from
    for eye in EYES:
        rim, inner = eyeball_points(pixels, eye)
        pixels[at : at + 16], pixels[at + 16 : at + 32] = rim, inner
        at += 32
    return pixels


def _still(spans: Points, mouth: Mouth) -> Given:
    """What no mouth movement reaches: the upper face, and all that is far away."""
    across, down = spans[:, 0], spans[:, 1]
    lips = (down[13] + down[14]) / 2
    upper = [i for i in range(FACE) if down[i] < down[NOSE_BASE] + 0.02 and i not in _LIPS]
    sides = [i for i in OVAL if down[i] < lips]
    far = [
        i
        for i in range(FACE, len(spans))
        if down[i] < lips or down[i] > down[CHIN_TIP] + 0.75 or abs(across[i]) > 1.15
    ]
    return dict.fromkeys((*upper, *sides, *far), (0.0, 0.0))


def _jaw(skin: Skin, still: Given, mouth: Mouth) -> list[Basis]:
    unit = mouth.unit
    opened: dict[int, tuple[float, float]] = dict(still)
    for i in (*OUTER_UPPER, *INNER_UPPER):
        opened[i] = (0, -0.012 * unit * mouth.bow(i))
    for i in (*INNER_LOWER, *OUTER_LOWER):
        across = -0.022 * mouth.half * mouth.lateral[i]
        opened[i] = (across, 0.21 * unit * (0.20 + 0.80 * mouth.arch(i)))
    for left, right in (MOUTH_CORNERS, (INNER_UPPER[0], INNER_UPPER[-1])):
        opened[left], opened[right] = (0.018 * unit, 0.045 * unit), (-0.018 * unit, 0.045 * unit)
    for i in CHIN:
        aside = mouth.lateral[i] * mouth.half / 0.62
        opened[i] = (0, (DROP - 0.01) * unit * max(0.0, 1 - aside**2))
    # Sealed lips while the jaw is down: the same jaw without what it did to the lips.
    sealed = {i: opened[i] for i in opened}
    for i in _LIPS:
        sealed[i] = (0.3 * opened[MOUTH_CORNERS[0]][0] * -mouth.lateral[i], 0.03 * unit)
    jaw, held = skin.settle([opened, sealed])
    return [
        Basis(("open",), jaw),
        Basis(("open", "press"), held - jaw),
        Basis(("open", "bite"), 0.6 * (held - jaw)),
    ]


@dataclass(frozen=True, slots=True)
class _Lips:
    """A movement of the lips: (across, down) for each of the four contours, in units."""

    inner_upper: tuple[float, float]
    inner_lower: tuple[float, float]
    outer_upper: tuple[float, float]
    outer_lower: tuple[float, float]
    corner: tuple[float, float]
    """Outwards and down, of the corners."""
    inner_corner: float | None = None
    """Outwards, of the inner corners when they don't keep to the outer ones."""
    curl: float = 0.0
    """Down, growing with the square of the distance from the middle."""


_SHAPES: Final[tuple[tuple[str, _Lips], ...]] = (
    (
        "wide",
        _Lips((0.055, -0.006), (0.055, -0.004), (0.055, 0.004), (0.055, -0.012), (0.055, -0.008)),
    ),
    (
        "round",
        _Lips(
            (-0.085, -0.012),
            (-0.085, 0.022),
            (-0.068, -0.026),
            (-0.062, 0.030),
            (-0.078, 0.002),
            -0.088,
        ),
    ),
    ("upper", _Lips((0, -0.045), (0, 0), (0, -0.038), (0, 0), (0, -0.004))),
    ("lower", _Lips((0, 0), (0, 0.050), (0, 0), (0, 0.042), (0, 0.003))),
    ("press", _Lips((0, 0.004), (0, -0.004), (0, 0.016), (0, -0.020), (0.006, 0))),
    ("bite", _Lips((0, -0.018), (0, -0.030), (0, -0.012), (0, -0.012), (0, 0))),
    ("smile", _Lips((0.05, 0), (0.05, 0), (0.05, 0), (0.05, 0), (0.05, -0.05), curl=-0.05)),
)


def _lips(skin: Skin, still: Given, mouth: Mouth, spans: Points) -> list[Basis]:
    held = {**still, **dict.fromkeys((152, 148, 377, 176, 400), (0.0, 0.0))}
    names = [name for name, _ in _SHAPES]
    given = [{**held, **_moved(lips, mouth)} for _, lips in _SHAPES]
    given += [{**held, **_at_ease(mouth, spans)}, {**held, **_closed(mouth)}]
    settled = skin.settle(given)
    by_name = dict(zip(names, settled, strict=False))
    made = [Basis((name,), by_name[name]) for name in names]
    unmade = [Basis((name, "press"), -by_name[name]) for name in ("upper", "lower")]
    return [*made, *unmade, Basis(("ease",), settled[-2]), Basis(("work",), settled[-1])]


def _moved(lips: _Lips, mouth: Mouth) -> Given:
    moves: dict[int, tuple[float, float]] = {}
    for chain, (across, down) in (
        (OUTER_UPPER, lips.outer_upper),
        (OUTER_LOWER, lips.outer_lower),
        (INNER_UPPER, lips.inner_upper),
        (INNER_LOWER, lips.inner_lower),
    ):
        for i in chain:
            aside = float(mouth.lateral[i])
            moves[i] = (
                across * mouth.stretch * aside,
                mouth.unit * (down * mouth.bow(i) + lips.curl * aside**2),
            )
    out, down = lips.corner
    inner = out if lips.inner_corner is None else lips.inner_corner
    for (left, right), reach in ((MOUTH_CORNERS, out), ((78, 308), inner)):
        moves[left] = (-reach * mouth.stretch, down * mouth.unit)
        moves[right] = (reach * mouth.stretch, down * mouth.unit)
    return moves


def _smile(mouth: Mouth, spans: Points) -> tuple[float, float]:
    """How far corners must come down and in to end the smile of the picture, in spans."""
    corners = (spans[MOUTH_CORNERS[0], 1] + spans[MOUTH_CORNERS[1], 1]) / 2
    sag = float(np.clip((spans[13, 1] + spans[14, 1]) / 2 - corners - 0.012, -0.02, 0.2))
    return sag, float(np.clip(mouth.half - 0.285, 0, 0.09))


def smiling(points: Points, axes: Axes, mouth: Mouth) -> float:
    """How much of a smile the picture shows, 0..1."""
    sag, narrower = _smile(mouth, axes.of(points, points[NOSE_ROOT]))
    return float(np.clip(sag / 0.09 + narrower / 0.12 + mouth.gap / 0.3 - 0.25, 0, 1))


def _at_ease(mouth: Mouth, spans: Points) -> Given:
    """A smile let go: corners come down and in."""
    sag, narrower = _smile(mouth, spans)
    moves = {}
    for i in _LIPS:
        aside = float(np.clip(mouth.lateral[i], -1, 1))
        moves[i] = (-0.8 * narrower * aside, 0.8 * sag * (0.75 * aside**2 - 0.12))
    return moves


def _closed(mouth: Mouth) -> Given:
    """Lips that are open at rest brought together."""
    moves: dict[int, tuple[float, float]] = {}
    for pairs, shares in (
        (zip(OUTER_UPPER, OUTER_LOWER, strict=True), (0.48, -0.34)),
        (zip(INNER_UPPER, INNER_LOWER, strict=True), (0.60, -0.40)),
    ):
        for (upper, lower), gap in zip(pairs, np.maximum(mouth.gaps, 0), strict=True):
            if upper == lower:
                moves[upper] = (0, 0)
            else:
                moves[upper], moves[lower] = (0, shares[0] * gap), (0, shares[1] * gap)
    return moves


def _lids(skin: Skin, points: Points, axes: Axes, spans: Points) -> list[Basis]:
    return [
        Basis((f"blink_{side}",), _lid(skin, points, axes, spans, eye))
        for side, eye in zip(("left", "right"), EYES, strict=True)
    ]


def _lid(skin: Skin, points: Points, axes: Axes, spans: Points, eye: Eye) -> Offsets:
    top, bottom = spans[eye.upper[3], 1] - 0.35, spans[eye.lower[3], 1] + 0.2
    moves: dict[int, tuple[float, float]] = {
        i: (0.0, 0.0) for i in range(len(spans)) if i >= FACE or not top < spans[i, 1] < bottom
    }
    moves.update(dict.fromkeys((*eye.corners, *BROWS, *NOSE_BRIDGE), (0.0, 0.0)))
    for upper, lower, fold in zip(eye.upper, eye.lower, eye.fold, strict=True):
        opening = spans[lower] - spans[upper]
        moves[upper] = (_LID_TRAVEL * opening[0], _LID_TRAVEL * opening[1])
        moves[lower] = (-_LOWER_LID_TRAVEL * opening[0], -_LOWER_LID_TRAVEL * opening[1])
        moves[fold] = (0.55 * opening[0], 0.55 * opening[1])
    return skin.settle([moves])[0]


def _brows(skin: Skin, spans: Points) -> list[Basis]:
    moves: dict[int, tuple[float, float]] = {
        i: (0.0, 0.0) for i in range(len(spans)) if i >= FACE or spans[i, 1] > -0.02
    }
    for eye in EYES:
        moves.update(dict.fromkeys(eye.ring, (0.0, 0.0)))
        moves.update(dict.fromkeys(eye.fold, (0.0, -0.012)))
    moves.update(dict.fromkeys(BROWS, (0.0, -0.05)))
    moves[FOREHEAD_TOP] = (0.0, -0.008)
    return [Basis(("brow",), skin.settle([moves])[0])]
