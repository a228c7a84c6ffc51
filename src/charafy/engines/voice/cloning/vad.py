"""Where in a recording somebody speaks."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.hearing import SAMPLE_RATE as HEARING_RATE
from charafy.engines.hearing import Vad
from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.cloning.rates import listened

Stretch = tuple[float, float]
"""Start and end in seconds."""

_BEGINS: Final = 0.5
"""Speech starts where it is at least so likely ..."""
_ENDS: Final = 0.35
"""... and goes on until it is less likely than this ..."""
_PAUSE_S: Final = 0.3
"""... for so long."""
_LEAST_S: Final = 0.2
"""Shorter stretches are coughs and clicks."""
_AROUND_S: Final = 0.06
"""Kept on either side: first and last consonants are less likely speech than vowels."""
_BESIDE_S: Final = 1.0
"""How far from where a long stretch would be cut a quiet place is looked for."""
_GAP_S: Final = 0.1
"""Of such a place: longer than most consonants that a word falls silent for."""
_LEVEL_DB: Final = -20.0
"""Loud parts are brought to it before listening: the model hears little below -60."""
_MOST_GAIN_DB: Final = 40.0
_SILENT_DB: Final = -75.0
"""Recordings without anything above it are silence: their noise isn't made loud to look in it."""


def likelihood(vad: Vad, pcm: Pcm) -> NDArray[np.float32]:
    """How likely each frame of `frame_of(vad)` samples holds speech, the last one filled up."""
    frame = frame_of(vad)
    count = -(-len(pcm) // frame)
    power = np.pad(np.square(pcm), (0, count * frame - len(pcm))).reshape(count, frame)
    level = 10.0 * np.log10(np.percentile(power.mean(axis=1), 95) + 1e-12) if count else -120.0
    if level < _SILENT_DB:
        return np.zeros(count, np.float32)
    gain = 10.0 ** (min(_LEVEL_DB - level, _MOST_GAIN_DB) / 20.0)
    heard = np.clip(listened(pcm * np.float32(gain)), -1.0, 1.0)
    likely = vad.listen().feed(np.pad(heard, (0, max(0, count * vad.frame - len(heard)))))
    return likely[:count]


def frame_of(vad: Vad) -> int:
    """Samples at `charafy.engines.voice.SAMPLE_RATE` for which the VAD gives one answer."""
    return vad.frame * SAMPLE_RATE // HEARING_RATE


def stretches(likely: NDArray[np.float32], step: float, length: float) -> list[Stretch]:
    """Stretches of speech in order, apart from each other; pauses within are short.

    `likely` has one value per `step` seconds; the recording is `length` seconds long.
    """
    around = _AROUND_S
    return [
        (max(0.0, begin * step - around), min(length, end * step + around))
        for begin, end in _runs(likely, round(_PAUSE_S / step))
        if (end - begin) * step >= _LEAST_S and begin * step < length
    ]


def _runs(likely: NDArray[np.float32], pause: int) -> list[tuple[int, int]]:
    """Frames from where speech begins to where it was last likely before a pause."""
    runs: list[tuple[int, int]] = []
    begin = last = -1
    for number, value in enumerate(likely.tolist()):
        if begin < 0 and value >= _BEGINS:
            begin = number
        if begin >= 0 and value >= _ENDS:
            last = number
        if begin >= 0 and number - last > pause:
            runs.append((begin, last + 1))
            begin = -1
    return [*runs, (begin, last + 1)] if begin >= 0 else runs


def best(pcm: Pcm, spoken: list[Stretch], most_s: float) -> list[Stretch]:
    """Of `spoken`, what is worth most: at most `most_s` seconds, in order.

    Preferred is what is as loud as most of it: neither mumbled nor shouted into the microphone.
    """
    if total(spoken) <= most_s:
        return spoken
    pieces = [piece for stretch in spoken for piece in _pieces(pcm, stretch)]
    levels = np.array([_level(pcm, piece) for piece in pieces])
    left, chosen = most_s, []
    for number in np.argsort(np.abs(levels - np.median(levels)), kind="stable"):
        begin, end = pieces[number]
        if left <= _GAP_S:
            break
        if end - begin > left:
            latest = begin + left
            chosen.append((begin, _quietest(pcm, max(begin, latest - 2 * _BESIDE_S), latest)))
            break
        chosen.append((begin, end))
        left -= end - begin
    return _joined(sorted(chosen))


def total(spoken: list[Stretch]) -> float:
    """Seconds in all."""
    return sum((end - begin for begin, end in spoken), 0.0)


def cut(pcm: Pcm, spoken: list[Stretch]) -> Pcm:
    """The stretches alone, one after the other."""
    parts = [pcm[round(b * SAMPLE_RATE) : round(e * SAMPLE_RATE)] for b, e in spoken]
    return np.concatenate(parts) if parts else pcm[:0]


def _pieces(pcm: Pcm, stretch: Stretch, about_s: float = 5.0) -> list[Stretch]:
    """A stretch in pieces of about that length, cut where it is quiet: between words, mostly."""
    begin, end = stretch
    edges = np.linspace(begin, end, max(1, round((end - begin) / about_s)) + 1).tolist()
    inner = [_quietest(pcm, edge - _BESIDE_S, edge + _BESIDE_S) for edge in edges[1:-1]]
    return list(pairwise([begin, *inner, end]))


def _quietest(pcm: Pcm, begin: float, end: float) -> float:
    """The middle of the quietest `_GAP_S` from `begin` to `end`, in seconds."""
    first = round(begin * SAMPLE_RATE)
    power = np.square(pcm[first : round(end * SAMPLE_RATE)], dtype=np.float64)
    gap = round(_GAP_S * SAMPLE_RATE)
    if len(power) <= gap:
        return end
    sums = np.concatenate([[0.0], np.cumsum(power)])
    return (first + int(np.argmin(sums[gap:] - sums[:-gap])) + gap / 2) / SAMPLE_RATE


def _level(pcm: Pcm, piece: Stretch) -> float:
    return float(10.0 * np.log10(np.mean(np.square(cut(pcm, [piece]))) + 1e-10))


def _joined(pieces: list[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for begin, end in pieces:
        if joined and begin - joined[-1][1] < 1e-6:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined
