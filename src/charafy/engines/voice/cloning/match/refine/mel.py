"""Mel bands as StyleTTS 2 was trained with: energies that its vocoder is given are told by them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import Pcm

Floats = NDArray[np.float32]

HOP: Final = 300
"""Samples per row (12.5 ms): half an acoustic frame."""
_LABELLED_HZ: Final = 16_000
"""The training code left its library's default sample rate in place, so bands are placed as if
24 kHz were 16. Kept, because the model knows no other energy."""
_FLOOR: Final = 1e-5


@dataclass(frozen=True, slots=True)
class MelScale:
    size: int
    """Samples of the transform."""
    window: int
    """Samples of it that hold sound, a multiple of `HOP`."""
    bands: int

    def taper(self) -> Floats:
        at = np.arange(self.window)
        return (0.5 - 0.5 * np.cos(2.0 * np.pi * at / self.window)).astype(np.float32)


SCALE: Final = MelScale(2048, 1200, 80)
"""What energies and coefficients are computed from."""


@cache
def mel_filters(scale: MelScale) -> Floats:
    """[bins, bands]: triangles on the HTK scale."""
    highest = 2595.0 * np.log10(1.0 + _LABELLED_HZ / 2 / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, highest, scale.bands + 2) / 2595.0) - 1.0)
    hertz = np.linspace(0.0, _LABELLED_HZ / 2, scale.size // 2 + 1)[:, np.newaxis]
    rise = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)


def mel(pcm: Pcm) -> Floats:
    """[1 + len(pcm) // `HOP`, 80]: power per band. `pcm` has 600 samples at least."""
    padded = np.pad(pcm, SCALE.window // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, SCALE.window)[::HOP]
    spectrum = np.fft.rfft(frames * SCALE.taper(), SCALE.size, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    out: Floats = power.astype(np.float32) @ mel_filters(SCALE)
    return out


def energy(bands: Floats) -> Floats:
    """[rows]: the loudness that Kokoro's vocoder takes. Speech is about 3, silence below -5."""
    loudness: Floats = np.log(np.linalg.norm(_FLOOR + bands, axis=1))
    return loudness


def cepstra(bands: Floats) -> Floats:
    """[rows, 14]: cepstral coefficients, each with mean 0 and deviation 1 over the recording."""
    count = bands.shape[1]
    at, number = np.arange(count), np.arange(14)[:, np.newaxis]
    cosines = np.cos(np.pi * number * (2 * at + 1) / (2 * count))
    coefficients = np.log(_FLOOR + bands) @ cosines.T
    centred = coefficients - coefficients.mean(axis=0)
    out: Floats = (centred / (centred.std(axis=0) + 1e-5)).astype(np.float32)
    return out
