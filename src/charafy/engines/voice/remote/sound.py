"""What services answer -> samples at our rate; and back, for what they are sent."""

from __future__ import annotations

import io
import re
import wave
from fractions import Fraction
from typing import Final

import numpy as np

from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.loudness import levels, runs, silent
from charafy.engines.voice.remote.service import Answer, ServiceFailed
from charafy.kernel.errors import BadRequest
from charafy.kernel.media.audio import encode
from charafy.kernel.media.recordings import MAX_RATE, MIN_RATE, read_recording

_FILES: Final = (b"RIFF", b"fLaC", b"OggS", b"ID3")
"""How files begin that can't be mistaken for raw samples."""
_FILE_TYPES: Final = ("wav", "wave", "flac", "ogg", "opus", "mpeg", "mp3", "aac", "mp4", "webm")
_RAW_TYPES: Final = ("", "application/octet-stream", "audio/pcm", "audio/l16", "audio/raw")
_RATE: Final = re.compile(r"\brate=(\d{4,6})\b")
_LEAD_S, _TAIL_S = 0.05, 0.1
"""Silence that is kept around speech."""


def heard(answer: Answer, raw_rate: int, max_s: float, *, wants_raw: bool = False) -> Pcm:
    """Mono samples at `SAMPLE_RATE` of a WAV or other sound file, or of raw 16-bit samples.

    `raw_rate`: Hz of raw samples whose type doesn't name it. `wants_raw`: such were asked for, so
    an answer that only claims to be a sound file holds them all the same. Raises `ServiceFailed`
    for what is no sound, breaks off, or is longer than `max_s` seconds.
    """
    kind = answer.content_type.partition(";")[0].strip()
    data = answer.body
    family, _, name = kind.partition("/")
    claims = name.removeprefix("x-") in _FILE_TYPES
    is_file = data.startswith(_FILES) or (claims and not wants_raw)
    if not is_file and kind not in _RAW_TYPES and not (wants_raw and family == "audio"):
        raise ServiceFailed("The voice service sent something other than sound.")
    if not is_file:
        named = _RATE.search(answer.content_type)
        data = _as_file(data, int(named[1]) if named else raw_rate)
    elif _breaks_off(data):
        raise ServiceFailed("The voice service broke off in the middle.")
    try:
        return read_recording(data, max_bytes=len(data), max_s=max_s)
    except BadRequest as error:
        if error.code == "audio_too_long":
            raise ServiceFailed("The voice service sent far more than the text needs.") from None
        raise ServiceFailed("The voice service sent no sound that can be read.") from None


def samples(raw: bytes) -> Pcm:
    """Raw 16-bit little-endian samples, already mono and at `SAMPLE_RATE`."""
    whole = np.frombuffer(raw[: len(raw) // 2 * 2], "<i2")
    return whole.astype(np.float32) / np.float32(32768.0)


def trimmed(pcm: Pcm) -> tuple[Pcm, float]:
    """The speech with a little of the silence around it, and the seconds left out before it.

    Raises `ServiceFailed` when nothing is heard at all.
    """
    spoken = list(runs(~silent(levels(pcm, SAMPLE_RATE))))
    if not spoken:
        raise ServiceFailed("The voice service sent silence.")
    begin = max(0, round((spoken[0][0] - _LEAD_S) * SAMPLE_RATE))
    end_s = min(spoken[-1][1] + _TAIL_S, len(pcm) / SAMPLE_RATE)
    return pcm[begin : round(end_s * SAMPLE_RATE)], begin / SAMPLE_RATE


def at_speed(pcm: Pcm, speed: float) -> Pcm:
    """The same speech `speed` times as fast (0.5..2), at the same pitch."""
    if speed == 1.0 or not len(pcm):
        return pcm
    import av

    graph = av.filter.Graph()
    source = graph.add_abuffer(
        format="flt", sample_rate=SAMPLE_RATE, layout="mono", time_base=Fraction(1, SAMPLE_RATE)
    )
    tempo, sink = graph.add("atempo", f"{speed:.4f}"), graph.add("abuffersink")
    source.link_to(tempo)
    tempo.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(pcm[np.newaxis, :], format="flt", layout="mono")
    frame.sample_rate, frame.pts = SAMPLE_RATE, 0
    graph.push(frame)
    graph.push(None)
    parts: list[Pcm] = []
    while True:
        try:
            pulled = graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            break
        assert isinstance(pulled, av.AudioFrame)
        parts.append(pulled.to_ndarray()[0].astype(np.float32))
    return np.concatenate(parts) if parts else pcm


def as_wav(pcm: Pcm) -> bytes:
    """A recording as every service takes it."""
    return encode("wav", pcm)


def as_flac(pcm: Pcm) -> bytes:
    """The same, about half as large, for what is kept and sent again and again."""
    return encode("flac", pcm)


def _as_file(raw: bytes, rate: int) -> bytes:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise ServiceFailed("The voice service sent sound at a rate that nobody uses.")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(raw[: len(raw) // 2 * 2])
    return out.getvalue()


def _breaks_off(data: bytes) -> bool:
    """Whether a WAV is shorter than it says; streams, which can't know, name absurd sizes."""
    if not data.startswith(b"RIFF"):
        return False
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"data":
            return at + 8 + size > len(data) and size < 100 * max(len(data), 100_000)
        at += 8 + size + size % 2
    return True
