"""How well mouth shapes are heard from audio alone, beside those that are known exactly."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.heard_corpus import Speech, to_judge
from charafy.engines.portrait import CHANNELS
from charafy.engines.portrait.motion import track
from charafy.engines.voice import SAMPLE_RATE
from charafy.engines.voice.heard import Network, heard, shipped
from charafy.engines.voice.visemes import SHAPES, Viseme, trim_to_sound

OPEN = CHANNELS.index("open")
_NEAR_S = 0.05


def run() -> dict[str, Any]:
    """Figures by language, on voices and sentences that training never heard."""
    speeches = list(to_judge())
    return {
        language: figures([s for s in speeches if s.language == language], shipped())
        for language in ("en", "ja")
    }


def figures(speeches: Sequence[Speech], network: Network) -> dict[str, Any]:
    """`frame_accuracy` over 15 shapes, closures of p b m found within 50 ms (`closure_recall`) and
    closures that were none (`closure_false`), correlation of openings, CPU."""
    right: list[bool] = []
    found = wanted = invented = claimed = 0
    ours, exact = [], []
    spent = seconds = 0.0
    for speech in speeches:
        began = time.process_time()
        guess = heard(speech.pcm, SAMPLE_RATE, network=network)
        spent += time.process_time() - began
        truth = trim_to_sound(speech.visemes, speech.pcm, SAMPLE_RATE)
        duration_s = len(speech.pcm) / SAMPLE_RATE
        seconds += duration_s
        right += [a == b for a, b in zip(_frames(guess), _frames(truth), strict=False)]
        found += _matched(truth, guess)
        wanted += _closures(truth)
        invented += _closures(guess) - _matched(guess, truth)
        claimed += _closures(guess)
        ours.append(track(guess, duration_s).table(100)[:, OPEN])
        exact.append(track(truth, duration_s).table(100)[:, OPEN])
    together = np.corrcoef(np.concatenate(ours), np.concatenate(exact))[0, 1]
    return {
        "frame_accuracy": float(np.mean(right)),
        "closure_recall": found / max(wanted, 1),
        "closure_false": invented / max(claimed, 1),
        "opening_correlation": float(together),
        "cpu_s_per_audio_s": spent / seconds,
    }


def _frames(visemes: Sequence[Viseme]) -> list[int]:
    return [
        SHAPES.index(viseme.shape)
        for viseme in visemes
        for _ in range(round(viseme.start_s * 100), round(viseme.end_s * 100))
    ]


def _closures(visemes: Sequence[Viseme]) -> int:
    return sum(viseme.shape == "PP" for viseme in visemes)


def _matched(wanted: Sequence[Viseme], given: Sequence[Viseme]) -> int:
    """Closures of `wanted` that have one of `given` within `_NEAR_S`."""
    closed = [(v.start_s - _NEAR_S, v.end_s + _NEAR_S) for v in given if v.shape == "PP"]
    return sum(
        any(start <= (v.start_s + v.end_s) / 2 <= end for start, end in closed)
        for v in wanted
        if v.shape == "PP"
    )
