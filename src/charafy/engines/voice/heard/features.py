"""Sound as the classifier sees it: loudness per band and 10 ms, beside the speech's own level."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

HOP_S: Final = 0.01
WINDOW_S: Final = 0.025
BANDS: Final = 28
LOW_HZ: Final = 80.0
HIGH_HZ: Final = 7600.0
CONTEXT: Final = (-8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8)
"""Frames that decide about one. Wider ones learned the training's sentences by heart."""
_CHUNK: Final = 4096
_RANGE: Final = (-7.0, 2.0)
"""Natural logarithm of power beside the loud parts: quieter and louder is cut off."""


def log_mel(pcm: Floats, sample_rate: int) -> Floats:
    """[frames, `BANDS`], one frame per 10 ms; any rate from 8 kHz (upper bands stay empty)."""
    window = round(WINDOW_S * sample_rate)
    size = 1 << (window - 1).bit_length()
    frames = int(len(pcm) / sample_rate / HOP_S)
    if frames == 0:
        return np.empty((0, BANDS), np.float32)
    padded = np.pad(pcm, (window // 2, window))
    weights = _filters(size, sample_rate)
    taper = np.hanning(window).astype(np.float32) / np.float32(window)
    out = np.empty((frames, BANDS), np.float32)
    for begin in range(0, frames, _CHUNK):
        number = np.arange(begin, min(begin + _CHUNK, frames))
        starts = np.round((number + 0.5) * HOP_S * sample_rate).astype(np.intp)
        pieces = padded[starts[:, None] + np.arange(window)] * taper
        power = np.square(np.abs(np.fft.rfft(pieces, size, axis=1))).astype(np.float32)
        out[number] = np.log(power @ weights + 1e-10)
    return out


def _filters(size: int, sample_rate: int) -> Floats:
    """[bins, `BANDS`]: triangles evenly spaced on the mel scale."""
    low, high = (2595.0 * np.log10(1.0 + hertz / 700.0) for hertz in (LOW_HZ, HIGH_HZ))
    edges = 700.0 * (10.0 ** (np.linspace(low, high, BANDS + 2) / 2595.0) - 1.0)
    hertz = np.fft.rfftfreq(size, 1.0 / sample_rate)[:, None]
    rise = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)


def normalised(mel: Floats) -> Floats:
    """Scaled to about -1..1, free of the recording's gain and of half of its colour.

    All of the colour would take the speaker's vowels with it.
    """
    if not len(mel):
        return mel
    loudness = np.log(np.exp(mel).sum(axis=1) + 1e-9)
    heard = loudness[loudness > loudness.max() - 11.0]
    level = np.float32(np.percentile(heard, 85)) - np.float32(np.log(BANDS))
    low, high = _RANGE
    middle, half = (low + high) / 2, (high - low) / 2
    scaled: Floats = (np.clip(mel - level, low, high) - middle) / half
    louder = scaled.mean(axis=1)
    colour: Floats = scaled[louder >= np.percentile(louder, 40)].mean(axis=0)
    plain: Floats = scaled - 0.5 * colour
    return plain.astype(np.float32)


def with_context(frames: Floats) -> Floats:
    """[n, `CONTEXT` x `BANDS`]: each frame with its neighbours; the ends repeat."""
    index = np.arange(len(frames))[:, None] + np.array(CONTEXT)
    wide: Floats = frames[np.clip(index, 0, len(frames) - 1)]
    return wide.reshape(len(frames), -1)
