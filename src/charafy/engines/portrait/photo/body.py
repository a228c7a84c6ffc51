"""What moves beside the face: the head as a whole, breath, hair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.photo.bases import Basis
from charafy.engines.portrait.photo.landmarks import CHIN_TIP, Axes, Points, smoothstep
from charafy.engines.portrait.photo.mesh import FACE, Mesh

Weights = NDArray[np.float64]
"""[n], 0..1 per vertex."""


def away_from_border(mesh: Mesh) -> Weights:
    """0 at the border, 1 well inside and on the face: for a background that bends too."""
    grid = mesh.vertices[FACE : mesh.eyes_from, :2]
    low, high = grid.min(axis=0), grid.max(axis=0)
    near = np.minimum(mesh.vertices[:, :2] - low, high - mesh.vertices[:, :2]).min(axis=1)
    weights = smoothstep(0.11, 0.27, near / min(high - low))
    weights[:FACE] = weights[mesh.eyes_from :] = 1
    return weights


def head_weights(mesh: Mesh, points: Points, axes: Axes, still: Weights) -> Weights:
    """How far each vertex turns with the head: 1 on the head, 0 on the shoulders.

    Nothing turns where `still` is 0.
    """
    below = axes.of(mesh.vertices, points[CHIN_TIP])[:, 1] * axes.span / axes.height
    weights = 1 - smoothstep(-0.02, 0.62, below)
    weights[:FACE] = weights[mesh.eyes_from :] = 1
    return weights * still


def movements(mesh: Mesh, points: Points, axes: Axes, still: Weights) -> list[Basis]:
    """Breath and hair; nothing moves where `still` is 0."""
    spans = axes.of(mesh.vertices, points[CHIN_TIP])
    below = spans[:, 1] * axes.span / axes.height
    grid = still.copy()
    grid[:FACE] = grid[mesh.eyes_from :] = 0
    lift = grid * smoothstep(-0.1, 0.5, below)
    breath = np.column_stack([np.zeros_like(lift), -0.015 * axes.height * lift])
    aside = smoothstep(0.70, 1.05, np.abs(spans[:, 0]))
    hanging = smoothstep(-0.9, -0.2, below) * (1 - smoothstep(0.15, 0.6, below))
    sway = (grid * aside * hanging)[:, None] * axes.across * axes.span
    return [Basis(("breath",), breath), Basis(("sway",), sway)]
