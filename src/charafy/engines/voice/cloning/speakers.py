"""Who speaks: a recording as one direction, near that of other recordings of the same person."""

from __future__ import annotations

import threading
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import Pcm
from charafy.engines.voice.cloning.rates import LISTENING_RATE, listened

if TYPE_CHECKING:
    import onnxruntime as ort

Floats = NDArray[np.float32]

WIDTH: Final = 256
"""Numbers of an embedding."""

_WINDOW: Final = 400
_HOP: Final = 160
"""Samples per frame (10 ms)."""
_BANDS: Final = 40
_PARTIAL: Final = 160
"""Frames that the model sees at once (1.6 s): what it was trained with."""
_STEP: Final = 77
"""Frames from one partial to the next, 1.3 in a second: its authors' choice."""
_BATCH: Final = 32
_LOG_STEP: Final = float(np.log(6.4)) / 27.0
"""Of the mel scale above 1 kHz."""
_LEVEL_DB: Final = -22.0
"""Every recording is brought to it, because the features are power and no logarithm: one that is
10 dB louder looks like somebody else (cosine 0.91 with itself). Its authors only raised what was
below -30; people were told apart worse, and far worse at -30 than here."""


class SpeakerEncoder(Protocol):
    """Safe to call from many threads."""

    def embed(self, pcm: Pcm) -> Floats:
        """A unit vector for the speaker in `pcm`, mono at `charafy.engines.voice.SAMPLE_RATE`.

        The cosine of two of them tells how alike two speakers sound. Zeros for a recording in
        which there is nothing.
        """
        ...


class Resemblyzer:
    """Resemblyzer 0.1.4 (Resemble AI, Apache-2.0): `WIDTH` numbers, none below zero.

    Two parts of one recording come to a cosine of 0.79-0.95, two people to 0.40-0.71 (0.55 in the
    mean), whatever is said and how loud it is. Noise at 20 dB moves it by as much as another day
    does (0.85). Takes about 0.005 CPU-seconds per second of speech.
    """

    def __init__(self, threads: int = 1) -> None:
        """Nothing is loaded before the first recording."""
        self._threads = threads
        self._lock = threading.Lock()
        self._session: ort.InferenceSession | None = None

    def embed(self, pcm: Pcm) -> Floats:
        sounding = _sounding(listened(pcm))
        level = float(np.sqrt(np.mean(np.square(sounding, dtype=np.float64)))) if pcm.size else 0.0
        if not np.isfinite(level) or level < 1e-6:
            return np.zeros(WIDTH, np.float32)
        mel = _mel(sounding * np.float32(10.0 ** (_LEVEL_DB / 20.0) / level))
        starts = range(0, max(1, len(mel) - _PARTIAL + 1), _STEP)
        partials = np.stack([mel[start : start + _PARTIAL] for start in starts])
        session = self._ready()
        batches = (partials[at : at + _BATCH] for at in range(0, len(partials), _BATCH))
        seen = np.concatenate([session.run(["embeds"], {"mels": batch})[0] for batch in batches])
        mean: Floats = seen.mean(axis=0)
        unit: Floats = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return unit

    def _ready(self) -> ort.InferenceSession:
        with self._lock:
            if self._session is None:
                import onnxruntime as ort

                options = ort.SessionOptions()
                options.intra_op_num_threads = self._threads
                options.inter_op_num_threads = 1
                model = resources.files("charafy") / "assets" / "speakers" / "resemblyzer.onnx"
                self._session = ort.InferenceSession(
                    model.read_bytes(), options, providers=["CPUExecutionProvider"]
                )
            return self._session


def _sounding(samples: Floats) -> Floats:
    """Without what is silent, but at least as long as one partial."""
    size = round(0.03 * LISTENING_RATE)
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    level = np.sqrt(np.mean(np.square(blocks, dtype=np.float64), axis=1))
    loud = level > 0.03 * level.max(initial=0.0)
    near = np.convolve(loud, np.ones(7))[3 : 3 + len(loud)] > 0 if len(loud) else loud
    kept = blocks[near].reshape(-1)
    return np.pad(kept, (0, max(0, (_PARTIAL + 10) * _HOP - len(kept))))


def _mel(samples: Floats) -> Floats:
    """[frames, `_BANDS`]: power, not its logarithm."""
    padded = np.pad(samples, _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    taper = (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)
    spectrum = np.fft.rfft(frames * taper, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    mel: Floats = power.astype(np.float32) @ _filters()
    return mel


@cache
def _filters() -> Floats:
    """[bins, `_BANDS`]: Slaney's triangles, each of area 1."""
    highest = 15.0 + np.log(LISTENING_RATE / 2 / 1000.0) / _LOG_STEP
    edges = _hertz(np.linspace(0.0, highest, _BANDS + 2))
    hertz = np.arange(_WINDOW // 2 + 1)[:, None] * (LISTENING_RATE / _WINDOW)
    rise = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0.0, np.minimum(rise, fall)) * 2.0 / (edges[2:] - edges[:-2])
    return triangles.astype(np.float32)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: 15 mel per kHz up to 1 kHz, logarithmic from there."""
    straight = mel * (1000.0 / 15.0)
    bent = 1000.0 * np.exp((mel - 15.0) * _LOG_STEP)
    return np.where(mel < 15.0, straight, bent)
