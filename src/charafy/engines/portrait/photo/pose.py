"""A pose to positions of vertices: steps 0 to 3 of what `rig` describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import CHANNELS, Pose
from charafy.engines.portrait.rigfile import unpack_array

Floats = NDArray[np.float32]
_UNIT = frozenset({"press", "bite", "speaking", "blink_left", "blink_right"})
_FREE = frozenset({"yaw", "pitch", "roll"})


def values(pose: Pose) -> dict[str, float]:
    """Every channel within its range, and `work` and `ease`."""
    channels = {}
    for name in CHANNELS:
        low = 0.0 if name in _UNIT else -1.5
        high = 1.0 if name in _UNIT else 1.5
        channels[name] = min(max(float(getattr(pose, name)), low), high)
    moved = max(
        channels["open"],
        channels["round"],
        abs(channels["wide"]),
        channels["upper"],
        channels["lower"],
        channels["tongue"],
    )
    work = max(channels["speaking"], channels["press"], channels["bite"], 3 * moved)
    channels["work"] = min(max(work, 0.0), 1.0)
    channels["ease"] = channels["work"] * (1 - min(max(channels["smile"], 0.0), 1.0))
    return channels


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a pose puts the vertices, float32 [n, 2] each."""

    local: Floats
    """Before the head turns."""
    posed: Floats
    uv: Floats
    """Frame pixels of the picture at rest."""


class Skeleton:
    """The numbers of a rig's data, ready to be multiplied."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.rest: Floats = unpack_array(data["vertices"])
        self.span = float(data["span"])
        self.across = np.array(data["across"], np.float32)
        self.down = np.array(data["down"], np.float32)
        self._head: Floats = unpack_array(data["head"])
        self._pivot = np.array(data["pivot"], np.float32)
        self._depth = self.rest[:, 2] - np.float32(data["pivot_depth"])
        self._eyes_from = int(data["eyes_from"])
        self._gaze: Floats = unpack_array(data["gaze"])[:, None]
        self._reach = data["gaze_reach"]
        self._drivers = [tuple(basis["drivers"]) for basis in data["bases"]]
        self._bases = np.zeros((len(self._drivers), self.rest.shape[0] * 2), np.float32)
        for row, basis in zip(self._bases, data["bases"], strict=True):
            moved = unpack_array(basis["indices"])
            row.reshape(-1, 2)[moved] = unpack_array(basis["offsets"]) / np.float32(64)

    def place(self, channels: Mapping[str, float]) -> Placed:
        """Vertices for `values` of a pose."""
        weights = np.ones(len(self._drivers), np.float32)
        for i, drivers in enumerate(self._drivers):
            for driver in drivers:
                weights[i] *= channels[driver]
        moved = (weights @ self._bases).reshape(-1, 2)
        rest = self.rest[:, :2]
        local = rest + moved
        uv = rest.copy()
        glance = (
            channels["gaze_x"] * self._reach[0] * self.across
            + channels["gaze_y"] * self._reach[1] * self.down
        )
        uv[self._eyes_from :] = local[self._eyes_from :] - self._gaze * glance.astype(np.float32)
        return Placed(local, self._turned(local, channels), uv)

    def _turned(self, local: Floats, channels: Mapping[str, float]) -> Floats:
        x, y, z = local[:, 0] - self._pivot[0], local[:, 1] - self._pivot[1], self._depth
        angle = self._head * np.float32(channels["yaw"])
        sin, cos = np.sin(angle), np.cos(angle)
        x, z = x * cos - z * sin, x * sin + z * cos
        angle = self._head * np.float32(channels["pitch"])
        sin, cos = np.sin(angle), np.cos(angle)
        y = y * cos - z * sin
        angle = self._head * np.float32(channels["roll"])
        sin, cos = np.sin(angle), np.cos(angle)
        shift = self._head * np.float32(self.span)
        posed = np.empty_like(local)
        posed[:, 0] = x * cos - y * sin + self._pivot[0] + shift * np.float32(channels["shift_x"])
        posed[:, 1] = x * sin + y * cos + self._pivot[1] + shift * np.float32(channels["shift_y"])
        return posed
