"""Kokoro's decoder (StyleTTS 2 with the iSTFTNet generator) as a function with gradients.

Imports JAX, an optional package: import this module only where `available()` said so. The
arithmetic is float32 on dequantised weights, so it differs from the int8 graph by the latter's
rounding (correlation 0.98). Everything is [time, channels], which XLA needs not turn around.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from charafy.engines.voice.cloning.match.refine.weights import Weights

Array = jax.Array


class _Step(NamedTuple):
    """Stride and edge of what makes more rows, and of what brings the harmonics to as many."""

    stride: int
    edge: int
    thinned: int
    reach: int


_EPSILON: Final = 1e-5
_DILATIONS: Final = (1, 3, 5)
_STEPS: Final = (_Step(10, 5, 6, 3), _Step(6, 3, 1, 0))
"""From 80 to 800 to 4,800 rows per second."""
_SINE: Final = (-2.3889859e-08, 2.7525562e-06, -0.00019840874, 0.0083333310, -0.16666667, 1.0)
"""sin(a) / a in powers of a^2, the highest first; to 1e-7 where |a| <= pi / 2."""
_BINS: Final = 11
_HOP: Final = 5


def decode(
    weights: Weights, *, asr: Array, f0: Array, energy: Array, harmonics: Array, timbre: Array
) -> Array:
    """Audio [600 * frames] of a stretch of speech.

    `asr` [frames, 512], `f0` [2 * frames] in Hz, `energy` [2 * frames], `harmonics`
    [120 * frames + 1, 22], `timbre` [128].
    """
    features = _front(weights, asr, f0, energy, timbre)
    return _generate(weights, features, harmonics, timbre)


def _front(weights: Weights, asr: Array, f0: Array, energy: Array, timbre: Array) -> Array:
    """[2 * frames, 512]"""
    pitch = _conv(f0[:, np.newaxis], weights["f0"], stride=2)
    loudness = _conv(energy[:, np.newaxis], weights["energy"], stride=2)
    x = _narrow(weights["encode"], jnp.concatenate([asr, pitch, loudness], axis=1), timbre)
    sounds = _conv(asr, weights["asr"])
    for block in weights["decode"]:
        x = jnp.concatenate([x, sounds, pitch, loudness], axis=1)
        x = _narrow(block, x, timbre)
    return x


def _generate(weights: Weights, x: Array, harmonics: Array, timbre: Array) -> Array:
    for i, step in enumerate(_STEPS):
        source = _conv(harmonics, weights["source"][i], stride=step.thinned, edge=step.reach)
        source = _wide(weights["source_blocks"][i], source, timbre)
        x = _upsampled(_leaky(x, 0.1), weights["ups"][i], step.stride, step.edge)
        if i == 1:
            x = jnp.pad(x, ((1, 0), (0, 0)), mode="reflect")
        x = x + source
        first, second, third = (_wide(b, x, timbre) for b in weights["blocks"][3 * i : 3 * i + 3])
        x = (first + second + third) / 3.0
    x = _conv(_leaky(x, 0.01), weights["post"])
    return _spoken(jnp.exp(x[:, :_BINS]), jnp.sin(x[:, _BINS:]), weights["inverse"])


def _narrow(block: Any, x: Array, timbre: Array) -> Array:
    inner = _leaky(_styled(x, block["norms"][0], timbre), 0.2)
    if "pool" in block:
        inner = _doubled(inner, block["pool"])
        x = jnp.repeat(x, 2, axis=0)
    inner = _conv(inner, block["convs"][0])
    inner = _conv(_leaky(_styled(inner, block["norms"][1], timbre), 0.2), block["convs"][1])
    return (inner + jnp.matmul(x, block["shortcut"][0])) / np.float32(np.sqrt(2.0))


def _wide(block: Any, x: Array, timbre: Array) -> Array:
    for pair, dilation in zip(block, _DILATIONS, strict=True):
        inner = _snake(_styled(x, pair["norms"][0], timbre), pair["rates"][0])
        inner = _conv(inner, pair["convs"][0], dilation=dilation)
        inner = _snake(_styled(inner, pair["norms"][1], timbre), pair["rates"][1])
        x = x + _conv(inner, pair["convs"][1])
    return x


def _styled(x: Array, projection: Any, timbre: Array) -> Array:
    """Instance norm whose gains and shifts come from the timbre (AdaIN)."""
    weight, bias = projection
    gain, shift = jnp.split(timbre @ weight + bias, 2)
    centred = x - x.mean(axis=0)
    spread = jax.lax.rsqrt((centred * centred).mean(axis=0) + _EPSILON)
    return centred * ((1.0 + gain) * spread) + shift


def _leaky(x: Array, slope: float) -> Array:
    return jnp.where(x >= 0, x, slope * x)


def _snake(x: Array, rate: Array) -> Array:
    """x + sin(rate x)^2 / rate"""
    angle = rate * x
    # The square has the period pi, so a polynomial will do, three times as fast as XLA's sine.
    angle = angle - jnp.round(angle * (1.0 / np.float32(np.pi))) * np.float32(np.pi)
    square = angle * angle
    sine = jnp.zeros_like(angle)
    for coefficient in _SINE:
        sine = sine * square + coefficient
    return x + square * sine * sine / rate


def _conv(
    x: Array, convolution: Any, *, dilation: int = 1, stride: int = 1, edge: int | None = None
) -> Array:
    """Over [time, channels]; keeps the length by default (but for `stride`)."""
    weight, bias = convolution
    edge = (weight.shape[0] - 1) // 2 * dilation if edge is None else edge
    # One call for all taps: five times as fast as a product per tap, and far fewer to compile.
    out = jax.lax.conv_general_dilated(
        x[np.newaxis],
        weight,
        window_strides=(stride,),
        padding=((edge, edge),),
        rhs_dilation=(dilation,),
        dimension_numbers=("NHC", "HIO", "NHC"),
    )
    return jnp.add(out[0], bias)


def _upsampled(x: Array, convolution: Any, stride: int, edge: int) -> Array:
    """Transposed convolution whose kernel is twice its stride: every output has two inputs."""
    weight, bias = convolution  # [kernel, inputs, outputs]
    length, inputs = x.shape
    parts = [
        (x @ weight[at : at + stride].swapaxes(0, 1).reshape(inputs, -1)).reshape(
            length * stride, -1
        )
        for at in (0, stride)
    ]
    joined = jnp.pad(parts[0], ((0, stride), (0, 0))) + jnp.pad(parts[1], ((stride, 0), (0, 0)))
    return jnp.add(joined[edge : edge + length * stride], bias)


def _doubled(x: Array, convolution: Any) -> Array:
    """Twice as many columns by a transposed convolution of each channel (kernel 3, stride 2)."""
    weight, bias = convolution
    first, middle, last = weight.reshape(3, -1)
    following = jnp.pad(x[1:], ((0, 1), (0, 0)))
    even, odd = middle * x, last * x + first * following
    return jnp.add(jnp.stack([even, odd], axis=1).reshape(-1, x.shape[1]), bias)


def _spoken(size: Array, phase: Array, inverse: Array) -> Array:
    """Inverse STFT: frames of 20 samples, added up every 5, without their outer halves."""
    spectrum = jnp.concatenate([size * jnp.cos(phase), size * jnp.sin(phase)], axis=1)
    frames = spectrum @ inverse
    parts = frames.shape[1] // _HOP
    pieces = frames.reshape(frames.shape[0], parts, _HOP)
    total = jnp.zeros((frames.shape[0] + parts - 1, _HOP))
    for part in range(parts):
        total = total + jnp.pad(pieces[:, part], ((part, parts - 1 - part), (0, 0)))
    outer = frames.shape[1] // 2
    return total.reshape(-1)[outer:-outer]
