"""Looking for the timbre that is heard as a speaker, by speaking and listening a few times.

Broyden's method (1965): a linear guess of how embeddings move with the timbre says where to look
next, and every look corrects the guess.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOOKS: Final = 4
"""Speeches that are made and listened to beyond the first. Six gain 0.001 of similarity more."""
_DAMPING: Final = 0.02
_FAR: Final = 1.3
"""Greatest mean square of the coordinates that are moved: about as far out as stock voices."""
_FIRST: Final = 0.8
"""Share of the first step that is taken, because the guess is not yet corrected."""

Embed = Callable[[Floats], Floats]
"""Speaks with the timbre at these coordinates and tells whom it is heard as."""


@dataclass(frozen=True, slots=True)
class Look:
    z: Floats
    embedding: Floats
    likeness: float
    """Cosine with the speaker's embedding."""


def look(z: Floats, wanted: Floats, embed: Embed) -> Look:
    """Speak with the timbre at `z`, listen, and compare with the speaker's embedding `wanted`."""
    embedding = np.asarray(embed(z), np.float64)
    return Look(z, embedding, float(embedding @ wanted))


def seek(
    wanted: Floats,
    start: Look,
    slopes: Floats,
    embed: Embed,
    *,
    looks: int = LOOKS,
    done: Callable[[int], None] = lambda _count: None,
) -> Look:
    """The best of `looks` timbres and `start`. `slopes` [k, embedding]: of the first k coordinates.

    `done` is called with how many looks were taken.
    """
    slopes = slopes.copy()
    moved = len(slopes)
    best = start
    for count in range(1, looks + 1):
        z = best.z.copy()
        step = _towards(wanted - best.embedding, slopes)
        z[:moved] += step * (_FIRST if count == 1 else 1.0)
        far = float(np.square(z[:moved]).sum())
        if far > _FAR * moved:
            z[:moved] *= np.sqrt(_FAR * moved / far)
        seen = look(z, wanted, embed)
        done(count)
        gone = seen.z[:moved] - best.z[:moved]
        surprise = seen.embedding - best.embedding - gone @ slopes
        slopes += np.outer(gone, surprise) / (float(gone @ gone) + 1e-9)
        best = max(best, seen, key=lambda found: found.likeness)
    return best


def _towards(missing: Floats, slopes: Floats) -> Floats:
    """The least change of coordinates that is foretold to bring what is missing (ridge)."""
    square = slopes @ slopes.T + _DAMPING * np.eye(len(slopes))
    step: Floats = np.linalg.solve(square, slopes @ missing).astype(np.float64)
    return step
