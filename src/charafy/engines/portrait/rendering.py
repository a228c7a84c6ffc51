"""Draws rigs of every kind."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Kind, Pose, Rgba, Rig

Rgb = NDArray[np.uint8]
"""[height, width, 3], red first."""

_KEPT: Final = 4
"""Rigs that stay prepared; each holds its textures once more, some megabytes."""


class Drawer(Protocol):
    """One rig made ready for drawing."""

    def frame(self, pose: Pose) -> Rgba:
        """The person at this pose; the array is reused by the next call."""
        ...

    def frame_over(self, pose: Pose, plate: Rgb) -> Rgb:
        """The person over an opaque plate of the frame's size."""
        ...

    def plate(self) -> Rgba:
        """What stands behind the person, opaque."""
        ...


class RigRenderer:
    """The `Renderer` of baked rigs. Not for several threads at once."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._drawers: OrderedDict[int, tuple[Rig, Drawer]] = OrderedDict()

    def frame(self, rig: Rig, pose: Pose) -> Rgba:
        """See `Renderer`."""
        return self.drawer(rig).frame(pose)

    def frame_over(self, rig: Rig, pose: Pose, plate: Rgb) -> Rgb:
        """[rig.height, rig.width, 3]: the face over an opaque plate of the same size.

        Raises `ValueError` for a plate of another size.
        """
        return self.drawer(rig).frame_over(pose, plate)

    def plate(self, rig: Rig) -> Rgba:
        """See `Renderer`."""
        return self.drawer(rig).plate()

    def drawer(self, rig: Rig) -> Drawer:
        """What draws this rig, prepared on first use; the same rig is recognised by identity."""
        known = self._drawers.get(id(rig))
        if known is not None:
            self._drawers.move_to_end(id(rig))
            return known[1]
        drawer = _drawer(rig)
        # The rig is kept alive with its drawer, so that its id stays its own.
        self._drawers[id(rig)] = (rig, drawer)
        while len(self._drawers) > self._kept:
            self._drawers.popitem(last=False)
        return drawer


def _drawer(rig: Rig) -> Drawer:
    if rig.kind is Kind.DRAWING:
        from charafy.engines.portrait import drawing

        return drawing.DrawingDrawer(rig)
    from charafy.engines.portrait import photo

    return photo.PhotoDrawer(rig)
