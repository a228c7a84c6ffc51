"""Lids by the iris model, which looks at each eye from near.

The mesh knows where eyes are but hardly sees that they are half or wholly closed; the iris model
does (measured on closed eyes: 0.06 to 0.18 of their width open, by the mesh 0.19 to 0.29).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from charafy.engines.portrait.finding import mesh
from charafy.engines.portrait.finding.faces import Rgb
from charafy.engines.portrait.finding.networks import Floats, Network

SIDE: Final = 64
MARGIN: Final = 2.3
"""Side of the square that the network sees, by the eye's width between its corners."""
FARTHEST: Final = 0.3
"""Eye widths by which the network's eye may stand off the mesh's: more is another thing."""

# The network's points in its order, as numbers of the mesh: lower lid from the outer corner to the
# inner, upper lid, and the ring around them. It knows left eyes; right ones are shown mirrored.
LEFT: Final = (
    *(33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173),
    *(130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27, 28, 56, 190),
)
RIGHT: Final = (
    *(263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398),
    *(359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414),
)


def refine(network: Network, picture: Rgb, points: Floats) -> tuple[Floats, tuple[float, float]]:
    """The points with lids refined, and how far the left and the right eye are open.

    Open is the distance between the lids' middles over the eye's width: 0.2 to 0.45, closed 0.1.
    """
    refined = points.copy()
    openness = []
    for numbers, mirrored in ((LEFT, False), (RIGHT, True)):
        eye = _look(network, picture, points, numbers, mirrored)
        outer, inner = points[numbers[0], :2], points[numbers[8], :2]
        width = float(np.linalg.norm(inner - outer))
        astray = float(np.linalg.norm(eye[:16].mean(0) - points[list(numbers[:16]), :2].mean(0)))
        if np.isfinite(eye).all() and astray < FARTHEST * max(width, 1.0):
            refined[list(numbers), :2] = eye
        openness.append(_openness(refined[list(numbers), :2]))
    return refined, (openness[0], openness[1])


def _look(
    network: Network, picture: Rgb, points: Floats, numbers: tuple[int, ...], mirrored: bool
) -> Floats:
    """[32, 2] in pixels of the picture."""
    import cv2

    outer, inner = points[numbers[0], :2], points[numbers[8], :2]
    x, y = (outer + inner) / 2
    zoom = SIDE / max(float(np.linalg.norm(inner - outer)) * MARGIN, 1.0)
    roll, flip = mesh.roll(points), -1.0 if mirrored else 1.0
    cos, sin = np.cos(roll) * zoom, np.sin(roll) * zoom
    middle = (SIDE - 1) / 2
    to_square = np.array(
        [
            [flip * cos, flip * sin, middle - flip * (cos * x + sin * y)],
            [-sin, cos, middle + sin * x - cos * y],
        ]
    )
    seen = cv2.warpAffine(
        picture, to_square, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    contour = network.run(np.asarray(seen, np.float32) / np.float32(255))[0].reshape(-1, 3)
    back = np.asarray(cv2.invertAffineTransform(to_square))
    return np.asarray(contour[: len(numbers), :2] @ back[:, :2].T + back[:, 2], np.float32)


def _openness(eye: Floats) -> float:
    lower, upper = eye[3:6].mean(0), eye[11:14].mean(0)
    width = float(np.linalg.norm(eye[8] - eye[0]))
    return float(np.linalg.norm(upper - lower)) / max(width, 1e-3)
