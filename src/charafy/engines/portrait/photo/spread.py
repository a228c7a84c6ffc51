"""How movement given at a few vertices spreads over the skin between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.photo.landmarks import Points
from charafy.engines.portrait.photo.mesh import Triangles

Offsets = NDArray[np.float64]
"""[n, 2], pixels."""
Given = Mapping[int, tuple[float, float]]
"""Movement of some vertices, (across, down) in any unit."""


class Skin:
    """A net of springs, shorter ones stiffer; its equilibrium is the movement of free vertices."""

    def __init__(self, vertices: Points, triangles: Triangles) -> None:
        count = int(triangles.max()) + 1
        edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        length = np.hypot(*(vertices[edges[:, 0], :2] - vertices[edges[:, 1], :2]).T)
        stiffness = 1 / np.maximum(length, 1.0)
        net = np.zeros((count, count))
        np.add.at(net, (edges[:, 0], edges[:, 1]), -stiffness)
        np.add.at(net, (edges[:, 1], edges[:, 0]), -stiffness)
        # Vertices that no triangle uses stay where they are.
        net[np.diag_indices(count)] = -net.sum(axis=1) + 1e-9
        self._net = net
        self._count = len(vertices)

    def settle(self, movements: Sequence[Given]) -> list[Offsets]:
        """Each movement spread over all vertices; all of them must be given at the same ones."""
        given = np.array(sorted(movements[0]))
        values = np.stack([[moves[i] for i in given] for moves in movements], axis=1)
        free = np.setdiff1d(np.arange(len(self._net)), given)
        spread = np.zeros((self._count, len(movements), 2))
        spread[given] = values
        if len(free):
            pull = -self._net[np.ix_(free, given)] @ values.reshape(len(given), -1)
            solved = np.linalg.solve(self._net[np.ix_(free, free)], pull)
            spread[free] = solved.reshape(len(free), len(movements), 2)
        return [spread[:, k] for k in range(len(movements))]
