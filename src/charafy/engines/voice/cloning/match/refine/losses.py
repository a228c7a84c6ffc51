"""How far a copy is from what was recorded: its sound band by band, and whom it is heard as.

Imports JAX, an optional package (see `available`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from charafy.engines.voice.cloning.match import campplus
from charafy.engines.voice.cloning.match.refine.mel import HOP, MelScale, mel_filters
from charafy.engines.voice.cloning.rates import resampling

Array = jax.Array

SCALES: Final = (MelScale(2048, 1200, 80), MelScale(1024, 600, 40))
_FLOOR: Final = 1e-3
_DEPTH: Final = 5.0
"""Frames that much below the loudest (natural logarithm, mean of the bands) are rooms and breath,
and don't count."""
SPEAKER: Final = 2.0
"""Weight of who is heard beside the bands."""

Network = Callable[[Any, Any, Any], Any]
"""`campplus.network` or one like it: (jax.numpy, parameters, features) -> unit vector."""


@dataclass(frozen=True, slots=True)
class Losses:
    bands: Array
    """Mean difference of the logarithms of the bands' powers, about 0.6 for a good copy."""
    speaker: Array
    """Cosine of the embeddings."""

    @property
    def total(self) -> Array:
        return self.bands + SPEAKER * (1.0 - self.speaker)


def losses(
    copy: Array, recorded: Array, wanted: Array, network: Network, parameters: Any
) -> Losses:
    """Of a copy of a stretch of speech, sample by sample at `charafy.engines.voice.SAMPLE_RATE`.

    `wanted`: the embedding of the speaker, of all that was recorded.
    """
    bands = sum((_difference(copy, recorded, scale) for scale in SCALES), jnp.zeros(()))
    heard = network(jnp, parameters, features(copy))
    return Losses(bands / len(SCALES), heard @ wanted)


def _difference(copy: Array, recorded: Array, scale: MelScale) -> Array:
    got, wanted = log_mel(copy, scale), log_mel(recorded, scale)
    level = wanted.mean(axis=1)
    counts = level > level.max() - _DEPTH
    return (jnp.abs(got - wanted).mean(axis=1) * counts).sum() / counts.sum()


def log_mel(samples: Array, scale: MelScale) -> Array:
    """[1 + samples // `HOP`, bands]"""
    padded = jnp.pad(samples, scale.window // 2, mode="reflect")
    frames = _framed(padded, HOP, scale.window // HOP) * scale.taper()
    power = jnp.square(jnp.abs(jnp.fft.rfft(frames, scale.size)))
    # Longer windows gather more power: the floor shall mean the same at every scale.
    return jnp.log(power @ (mel_filters(scale) * np.float32(2048 / scale.size)) + _FLOOR)


def features(samples: Array) -> Array:
    """What CAM++ takes (`campplus.fbank`), with gradients."""
    listened = _listened(samples) * campplus.SCALE
    half = campplus.HOP // 2
    frames = _framed(listened, half, campplus.WINDOW // half)[::2]
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = jnp.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    shaped = (frames - campplus.EMPHASIS * before) * campplus.taper()
    power = jnp.square(jnp.abs(jnp.fft.rfft(shaped, campplus.BINS)))
    # A floor far above the network's own: the gradient of a logarithm near nothing leads nowhere.
    mel = jnp.log(jnp.maximum(power @ campplus.filters(), 1.0))
    return mel - mel.mean(axis=0)


def _framed(samples: Array, hop: int, hops: int) -> Array:
    """[frames, hop * hops], one every `hop`. Joined from pieces: a gather is slow to undo."""
    count = samples.shape[0] // hop
    pieces = samples[: count * hop].reshape(count, hop)
    last = count - hops + 1
    return jnp.concatenate([pieces[at : at + last] for at in range(hops)], axis=1)


def _listened(samples: Array) -> Array:
    """At 16 kHz (`rates.listened`), with gradients."""
    taps, before, step = resampling()
    count = samples.shape[0] // step
    out = jax.lax.conv_general_dilated(
        samples[np.newaxis, :, np.newaxis],
        jnp.asarray(taps[:, np.newaxis]),
        window_strides=(step,),
        padding=((before, len(taps) - before - step),),
        dimension_numbers=("NHC", "HIO", "NHC"),
    )
    return out[0, :count].reshape(-1)
