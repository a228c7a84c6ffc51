"""Gradient descent on a timbre (Adam: Kingma and Ba, 2015), crop by crop through a recording.

Imports JAX, an optional package (see `available`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice.cloning import Progress
from charafy.engines.voice.cloning.match.refine.alignment import Aligned, Unalignable
from charafy.engines.voice.cloning.match.refine.decoder import decode
from charafy.engines.voice.cloning.match.refine.losses import Network, losses
from charafy.engines.voice.cloning.match.refine.weights import Weights

Array = jax.Array
Floats = NDArray[np.floating[Any]]

CROP: Final = 48
"""Frames (1.2 s) that a step listens to: CAM++ knows a speaker by then."""
_RATE: Final = 0.2
"""Of the first step, in standard deviations of the stock voices."""
_SLOWER: Final = 0.85
"""Share of the rate that is lost on the way to the last step."""
_PRIOR: Final = 0.006
"""Weight of |z|^2: of two timbres that sound alike, the one that is more like a voice.
A third of it lets |z|^2 grow to twice that of stock voices, which only CAM++ hears as nearer."""
_MEAN, _SQUARE = 0.8, 0.95
"""Adam's memory. Short, as there are few steps."""
_TINY: Final = 1e-8


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who is to be heard, and how that is told."""

    embedding: Floats
    network: Network
    parameters: Any


@dataclass(frozen=True, slots=True)
class Step:
    """What one step saw before it moved."""

    loss: float
    bands: float
    """See `losses.Losses`."""
    speaker: float


class Descent:
    """The compiled gradient, for any number of recordings. One thread at a time."""

    def __init__(
        self, weights: Weights, mean: Floats, basis: Floats, speaker: Speaker, cache: Path | None
    ) -> None:
        """`mean` [128] and `basis` [k, 128] span the timbres: mean + z @ basis.

        What is compiled is kept in the folder `cache` for the next process.
        """
        if cache is not None:
            # Of the whole process; nothing else in this house uses JAX.
            jax.config.update("jax_compilation_cache_dir", str(cache))  # type: ignore[no-untyped-call]
        # All that differs between recordings is an argument: what is compiled serves every one.
        self._given = jax.tree.map(
            lambda array: jnp.asarray(array, jnp.float32),
            (weights, speaker.parameters, speaker.embedding, mean, basis),
        )
        self._gradient = jax.jit(jax.value_and_grad(_loss(speaker.network), has_aux=True))

    def look(self, z: Floats, crop: Aligned) -> tuple[Step, NDArray[np.float64]]:
        """What is heard with the timbre at `z`, and the slope [k] of the loss there.

        Crops of another length than the last one's are compiled for anew.
        """
        (loss, (bands, cosine)), slope = self._gradient(np.float32(z), crop, self._given)
        return Step(float(loss), float(bands), float(cosine)), np.asarray(slope, np.float64)

    def run(
        self,
        start: Floats,
        speech: Aligned,
        progress: Progress,
        *,
        steps: int,
        seen: Callable[[Step], None] = lambda _step: None,
    ) -> NDArray[np.float64]:
        """[k]: the coordinates after `steps` from `start`. The same for the same input.

        `progress` is called before every step with the share that is done. Raises
        `Unalignable` when the speech is shorter than a crop.
        """
        z = np.asarray(start, np.float64)
        mean, square = np.zeros_like(z), np.zeros_like(z)
        for step, first in enumerate(_crops(speech.frames, steps)):
            progress(step / steps)
            crop = speech.crop(first, CROP)
            heard, slope = self.look(z, crop)
            seen(heard)
            if not np.isfinite(slope).all():
                continue  # one crop of silence shall not spoil what the others told
            mean = _MEAN * mean + (1.0 - _MEAN) * slope
            square = _SQUARE * square + (1.0 - _SQUARE) * slope**2
            likely = mean / (1.0 - _MEAN ** (step + 1))
            size = np.sqrt(square / (1.0 - _SQUARE ** (step + 1))) + _TINY
            z = z - _RATE * (1.0 - _SLOWER * step / steps) * likely / size
        return z


def _loss(network: Network) -> Callable[[Array, Any, Any], tuple[Array, tuple[Array, Array]]]:
    """(coordinates, crop, what is given) -> what is to become small, and what it is made of."""

    def loss(z: Array, crop: Any, given: Any) -> tuple[Array, tuple[Array, Array]]:
        weights, parameters, wanted, mean, basis = given
        told = {name: value for name, value in crop._asdict().items() if name != "pcm"}
        copy = decode(weights, **told, timbre=mean + z @ basis)
        heard = losses(copy, crop.pcm, wanted, network, parameters)
        return heard.total + _PRIOR * (z * z).sum(), (heard.bands, heard.speaker)

    return loss


def _crops(frames: int, steps: int) -> list[int]:
    """First frame of each step's crop: evenly through the whole recording, again and again."""
    if frames < CROP:
        raise Unalignable("There is too little speech in the recording.")
    count = math.ceil(frames / CROP)
    starts = np.linspace(0, frames - CROP, count).round().astype(int)
    return [int(starts[step % count]) for step in range(steps)]
