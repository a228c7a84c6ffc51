"""Contact sheets: many poses of one face side by side, to look at."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from charafy.engines.portrait import Pose, Renderer, Rgba, Rig


def contact_sheet(
    renderer: Renderer, rig: Rig, poses: Iterable[Pose], *, columns: int = 8, width: int = 160
) -> Rgba:
    """Frames over the rig's own background, `width` pixels each, row by row, opaque.

    Raises `ValueError` when there are no poses.
    """
    plate = np.ascontiguousarray(renderer.plate(rig)[..., :3])
    size = (width, max(round(width * rig.height / rig.width), 1))
    tiles = [
        np.asarray(
            cv2.resize(renderer.frame_over(rig, pose, plate), size, interpolation=cv2.INTER_AREA),
            np.uint8,
        )
        for pose in poses
    ]
    if not tiles:
        raise ValueError("a sheet needs at least one pose")
    columns = min(columns, len(tiles))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    sheet = np.vstack(rows)
    return np.dstack([sheet, np.full(sheet.shape[:2], 255, np.uint8)])
