"""What can be read off the sound itself: noise, loudness, clipping and how high it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, Pcm

Floats = NDArray[np.float64]

_SPEECH: Final = 0.5
"""Frames at least so likely are speech ..."""
_PAUSE: Final = 0.1
"""... and those below are pauses."""
_LEAST_FRAMES: Final = 8
"""Fewer pauses than this (a quarter of a second) tell nothing."""
_SILENCE: Final = 1e-10
"""Power below is digital silence: put there by a gate or an editor, so no pause of the room."""
_MOST_DB: Final = 80.0
_DIP_DB: Final = 8.0
"""Noise has no dips deeper than this below its usual level. Pauses that are louder hold something
else: a hoarse voice that the VAD took for none, a chair."""
_LOW_HZ: Final = 90.0
_HIGH_HZ: Final = 8000.0
"""Rumble below and hiss above say little about a voice."""
_BAND_HZ: Final = 250
_REACH_DB: Final = 50.0
"""What is further below the strongest band isn't there (or is a filter's slope)."""
_ABOVE_DB: Final = 6.0
"""Bands must rise so far above the pauses to count."""
_CHUNK: Final = 512


@dataclass(frozen=True, slots=True)
class Measures:
    """Of one recording; see `Quality` for what its fields mean."""

    snr_db: float | None
    clear_db: float | None
    """`snr_db`, or, where nobody pauses, the speech above its own quietest moments, which says as
    much when there is noise (and less than the truth when there is none). None without speech."""
    worst_db: float | None
    """Speech above the louder ones among the pauses: far below `snr_db` when noise comes and goes.
    None as for `snr_db`."""
    level_db: float
    bandwidth_hz: int
    loud_s: float
    """Seconds that are no speech, but as loud as speech is (or would be)."""


def measure(pcm: Pcm, likely: NDArray[np.float32], frame: int) -> Measures:
    """`likely` has one value for every `frame` samples of `pcm`: how sure they are speech."""
    count = len(pcm) // frame
    likely = likely[:count]
    bands = _bands(pcm, count, frame)
    power = bands[:, : round(_HIGH_HZ / _BAND_HZ)].sum(axis=1)
    whole = pcm[: count * frame].reshape(count, frame).var(axis=1, dtype=np.float64)
    natural = whole > _SILENCE
    speech = (likely > _SPEECH) & natural
    pause = (likely < _PAUSE) & natural
    level = _db(whole[speech].mean()) if speech.any() else _db(whole.mean() if count else 0.0)
    loud = ~speech & (10.0 * np.log10(whole + 1e-12) > max(-50.0, level - 15.0))
    loud &= likely < _PAUSE
    enough = speech.sum() >= _LEAST_FRAMES
    snr = clear = worst = None
    if enough:
        mean = float(power[speech].mean())
        clear = _above(mean, float(np.percentile(power[natural], 5)))
        if pause.sum() >= _LEAST_FRAMES:
            snr = _above(mean, float(np.median(power[pause])))
            snr = clear = max(snr, clear - _DIP_DB)
            worst = _above(mean, float(np.percentile(power[pause], 80)))
    reach = (
        _bandwidth(bands[natural], speech[natural], pause[natural]) if enough else SAMPLE_RATE // 2
    )
    return Measures(snr, clear, worst, level, reach, float(loud.sum()) * frame / SAMPLE_RATE)


def _bands(pcm: Pcm, count: int, frame: int) -> Floats:
    """[count, bands of `_BAND_HZ`]: power, without rumble."""
    taper = np.hanning(frame).astype(np.float32)
    rumble = round(_LOW_HZ * frame / SAMPLE_RATE)
    bins = round(_BAND_HZ * frame / SAMPLE_RATE)
    number = (frame // 2) // bins
    out = np.empty((count, number))
    frames = pcm[: count * frame].reshape(count, frame)
    for begin in range(0, count, _CHUNK):
        spectrum = np.fft.rfft(frames[begin : begin + _CHUNK] * taper, axis=1)
        power = np.square(np.abs(spectrum[:, : number * bins]))
        power[:, :rumble] = 0.0
        out[begin : begin + _CHUNK] = power.reshape(len(power), number, bins).sum(axis=2)
    return out


def _bandwidth(bands: Floats, speech: NDArray[np.bool_], pause: NDArray[np.bool_]) -> int:
    """Hz up to which the loudest moments of each band are speech's own."""
    loud = np.percentile(bands[speech], 95, axis=0)
    if pause.sum() >= _LEAST_FRAMES:
        floor = np.percentile(bands[pause], 90, axis=0)
    else:
        floor = 4.0 * np.percentile(bands, 5, axis=0)
    heard = loud > np.maximum(
        loud.max() * 10.0 ** (-_REACH_DB / 10), floor * 10 ** (_ABOVE_DB / 10)
    )
    heard[1:] &= heard[:-1]
    return int((np.flatnonzero(heard).max(initial=0) + 1) * _BAND_HZ)


def _above(speech: float, noise: float) -> float:
    """dB of the speech alone, when `speech` was measured together with the noise."""
    clean = max(speech - noise, noise * 1e-2)
    return min(_MOST_DB, _db(clean / max(noise, 1e-12)))


def _db(power: float) -> float:
    return float(10.0 * np.log10(power + 1e-12))
