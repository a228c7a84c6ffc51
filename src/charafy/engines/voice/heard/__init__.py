"""Mouth shapes heard from a recording alone, for speech that comes without a timeline.

A small network looks at each 10 ms with its surroundings; the likeliest sequence of shapes that
doesn't flicker wins; silence is told by loudness. It was trained on this package's own voices,
whose phonemes are known exactly (`bench/train_heard.py`), and knows English and Japanese. It runs
forwards only through a few thousand weights: no speech recognition, no words, no other runtime.
"""

from __future__ import annotations

import importlib.resources
import io
import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice.heard.features import HOP_S, Floats, log_mel, normalised, with_context
from charafy.engines.voice.visemes import SHAPES, Viseme, trim_to_sound

__all__ = ["MAX_SAMPLE_RATE", "MIN_SAMPLE_RATE", "Network", "heard"]

MIN_SAMPLE_RATE: Final = 8_000
MAX_SAMPLE_RATE: Final = 192_000
_WEIGHTS: Final = "weights.npz"
_CHANGE: Final = 3.0
"""What a change of shape costs, in natural logarithms of probability."""
_SHORTEST_REST_S: Final = 0.08
_CHUNK: Final = 6000
"""Frames classified at once, which bounds memory for long recordings."""


@dataclass(frozen=True, slots=True)
class Network:
    """Two hidden layers; `weights` and `biases` from the first to the last."""

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    leanings: Floats
    """[shapes]: added to the logarithms. A missed closure shows more than a wrong vowel."""

    def logits(self, frames: Floats) -> Floats:
        """[n, shapes]: logarithms of probability, from normalised frames."""
        out = []
        for begin in range(0, len(frames), _CHUNK):
            wide = frames[max(0, begin - 20) : begin + _CHUNK + 20]
            lead = min(begin, 20)
            value = with_context(wide)[lead : lead + min(_CHUNK, len(frames) - begin)]
            for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
                value = np.maximum(value @ weight + bias, np.float32(0))
            value = value @ self.weights[-1] + self.biases[-1]
            value -= value.max(axis=1, keepdims=True)
            out.append(value - np.log(np.exp(value).sum(axis=1, keepdims=True)))
        return np.concatenate(out) if out else np.empty((0, len(SHAPES)), np.float32)


def heard(pcm: Floats, sample_rate: int, *, network: Network | None = None) -> tuple[Viseme, ...]:
    """Mouth shapes from 0 to the end of `pcm`, mono in [-1, 1], with weights by loudness.

    Without `network` the shipped one is read from the package (some ms). Raises `ValueError` for
    a rate outside `MIN_SAMPLE_RATE`..`MAX_SAMPLE_RATE`; higher than 16 kHz adds nothing.
    """
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise ValueError(f"speech at {sample_rate} Hz can't be heard; use 8 to 192 kHz")
    duration_s = len(pcm) / sample_rate
    if not duration_s:
        return ()
    clean = np.nan_to_num(np.asarray(pcm, np.float32), posinf=0.0, neginf=0.0)
    network = network or shipped()
    logits = network.logits(normalised(log_mel(clean, sample_rate))) + network.leanings
    shapes = _segments(_smoothed(logits), duration_s)
    return trim_to_sound(shapes, clean, sample_rate)


def shipped() -> Network:
    """The network of this package."""
    raw = (importlib.resources.files(__name__) / _WEIGHTS).read_bytes()
    with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
        layers = sorted(name for name in arrays if name.startswith("weight"))
        weights = tuple(arrays[name].astype(np.float32) for name in layers)
        biases = tuple(arrays[n.replace("weight", "bias")].astype(np.float32) for n in layers)
        return Network(weights, biases, arrays["leanings"].astype(np.float32))


def _smoothed(logits: Floats) -> NDArray[np.intp]:
    """The likeliest sequence of shapes where every change costs `_CHANGE` (Viterbi)."""
    frames, shapes = logits.shape
    score = np.zeros(shapes, np.float32)
    came_from = np.empty((frames, shapes), np.int8)
    own = np.arange(shapes, dtype=np.int8)
    for frame in range(frames):
        best = int(score.argmax())
        changed = score[best] - _CHANGE
        came_from[frame] = np.where(score >= changed, own, best)
        score = np.maximum(score, changed) + logits[frame]
        score -= score.max()
    path = np.empty(frames, np.intp)
    at = int(score.argmax())
    for frame in range(frames - 1, -1, -1):
        path[frame] = at
        at = came_from[frame, at]
    return path


def _segments(path: NDArray[np.intp], duration_s: float) -> tuple[Viseme, ...]:
    """Stretches of one shape; rests too short to show belong to the shape before."""
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    out: list[Viseme] = []
    for begin, end in itertools.pairwise(edges):
        shape = SHAPES[int(path[begin])] if len(path) else "sil"
        start_s, end_s = begin * HOP_S, duration_s if end == len(path) else end * HOP_S
        short = shape == "sil" and end_s - start_s < _SHORTEST_REST_S
        if out and (short or out[-1].shape == shape):
            out[-1] = Viseme(out[-1].shape, out[-1].start_s, end_s)
        else:
            out.append(Viseme(shape, start_s, end_s))
    return tuple(out)
