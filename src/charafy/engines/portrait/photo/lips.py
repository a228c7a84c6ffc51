"""The strip between the lips that shows the mouth's inside: columns of four points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.photo.pose import Placed
from charafy.engines.portrait.rigfile import unpack_array

Floats = NDArray[np.float32]
_ROWS: Final = 4


@dataclass(frozen=True, slots=True)
class Strip:
    """Vertices of the strip; its triangles are always the same."""

    at: Floats
    """[4 * columns, 2], row after row."""
    values: Floats
    """[4 * columns, 6]: a, below, height, side, X, Y."""


class Opening:
    """The mouth of one rig."""

    def __init__(self, mouth: Mapping[str, Any], across: Floats, down: Floats, span: float) -> None:
        self._upper = unpack_array(mouth["upper"]).astype(np.intp)
        self._lower = unpack_array(mouth["lower"]).astype(np.intp)
        self._origin = np.array(mouth["origin"], np.float32)
        self._edge = float(mouth["edge"])
        self._contact = float(mouth["contact"])
        self._frame = np.column_stack([across, down])
        self._down = down
        self._span = span
        self._spline = _catmull_rom(len(self._upper), int(mouth["columns"]))
        columns = len(self._spline)
        self._side = (2 * np.arange(columns, dtype=np.float32) / (columns - 1)) - 1
        self.triangles = _cells(columns)

    def strip(self, placed: Placed, work: float) -> Strip:
        """For vertices placed by a pose."""
        upper, lower = (
            self._spline @ placed.posed[self._upper],
            self._spline @ placed.posed[self._lower],
        )
        inner_u = self._spline @ placed.local[self._upper]
        inner_l = self._spline @ placed.local[self._lower]
        between = lower - upper
        length = np.hypot(between[:, 0], between[:, 1])
        wide = ((inner_l - inner_u) @ self._down >= 0.01 * self._span) & (length > 0)
        normal = np.where(
            wide[:, None], between / np.maximum(length, 1e-6)[:, None], self._down[None, :]
        )
        gap = np.maximum((between * normal).sum(axis=1), 0).astype(np.float32)
        edge = np.float32(self._edge)
        out_u, out_l = edge * _slant(upper, normal), edge * _slant(lower, normal)
        in_u, in_l = np.minimum(out_u, gap / 2), np.minimum(out_l, gap / 2)
        away = np.stack([-out_u, in_u, gap - in_l, gap + out_l])
        at = upper[None] + away[..., None] * normal[None]
        middle = np.maximum(
            np.minimum(gap / (2 * edge), 1), self._contact * work * (1 - self._side**4)
        )
        # Along the line between the local points as along the one between the posed ones.
        full = np.maximum(gap, 2 * edge)
        share = np.stack([-out_u / full, in_u / full, 1 - in_l / full, 1 + out_l / full])
        local = inner_u[None] + (inner_l - inner_u)[None] * share[..., None]
        values = np.empty((_ROWS, len(gap), 6), np.float32)
        values[..., 0] = np.stack([np.zeros_like(gap), middle, middle, np.zeros_like(gap)])
        values[..., 1] = away / self._span
        values[..., 2] = gap / self._span
        values[..., 3] = self._side
        values[..., 4:] = (local - self._origin) @ self._frame / self._span
        return Strip(np.ascontiguousarray(at.reshape(-1, 2), np.float32), values.reshape(-1, 6))


def _slant(line: Floats, normal: Floats) -> Floats:
    """How much longer an edge across the line is when measured along `normal`; at most 4."""
    ends = np.pad(line, ((1, 1), (0, 0)), mode="edge")
    along = ends[2:] - ends[:-2]
    across = np.abs(along[:, 0] * normal[:, 1] - along[:, 1] * normal[:, 0])
    ratio = np.hypot(along[:, 0], along[:, 1]) / np.maximum(across, 1e-6)
    return np.asarray(np.minimum(ratio, 4), dtype=np.float32)


def _catmull_rom(points: int, per_segment: int) -> Floats:
    """[columns, points]: weights of a contour's points in each resampled one."""
    weights = np.zeros(((points - 1) * per_segment + 1, points))
    for column in range(len(weights)):
        segment, step = divmod(column, per_segment)
        if segment == points - 1:
            weights[column, -1] = 1
            continue
        t = step / per_segment
        cubic = (
            0.5 * (-t + 2 * t**2 - t**3),
            0.5 * (2 - 5 * t**2 + 3 * t**3),
            0.5 * (t + 4 * t**2 - 3 * t**3),
            0.5 * (-(t**2) + t**3),
        )
        for offset, weight in zip((-1, 0, 1, 2), cubic, strict=True):
            point = segment + offset
            if point < 0:
                weights[column, 0] += 2 * weight
                weights[column, 1] -= weight
            elif point >= points:
                weights[column, -1] += 2 * weight
                weights[column, -2] -= weight
            else:
                weights[column, point] += weight
    return weights.astype(np.float32)


def _cells(columns: int) -> NDArray[np.int32]:
    triangles = []
    for row in range(_ROWS - 1):
        for column in range(columns - 1):
            a = row * columns + column
            triangles += [(a, a + 1, a + columns + 1), (a, a + columns + 1, a + columns)]
    return np.array(triangles, np.int32)
