"""The sound of a video and its timeline as files, for the steps that come after the speaking."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Sequence

import numpy as np

from charafy.engines.voice import Mark
from charafy.kernel.media.audio import SAMPLE_RATE, Pcm

_FULL_SCALE = 32_767


def to_wav(pcm: Pcm) -> bytes:
    """16 bit, mono, `SAMPLE_RATE`."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        scaled = np.clip(pcm, -1.0, 1.0) * _FULL_SCALE
        file.writeframes(np.rint(scaled).astype("<i2").tobytes())
    return written.getvalue()


def from_wav(data: bytes) -> Pcm:
    """What `to_wav` wrote."""
    with wave.open(io.BytesIO(data), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    pcm: Pcm = samples.astype(np.float32)
    pcm /= _FULL_SCALE
    return pcm


def to_json(marks: Sequence[Mark]) -> bytes:
    rows = [(mark.kind, mark.text, mark.start_s, mark.end_s) for mark in marks]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()


def from_json(data: bytes) -> tuple[Mark, ...]:
    """What `to_json` wrote."""
    return tuple(Mark(*row) for row in json.loads(data))
