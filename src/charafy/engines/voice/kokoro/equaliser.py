"""A clone's spectrum is shaped behind the vocoder, stretch by stretch, without delay."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, Pcm

TAPS: Final = 256
_SIZE: Final = 4096


class Equaliser:
    """One speech's way through a filter; remembers the end of each stretch for the next."""

    def __init__(self, taps: NDArray[np.float32] | None) -> None:
        """Without `taps` everything passes as it is."""
        self._taps = taps
        self._before = np.zeros(0 if taps is None else len(taps) - 1, np.float32)

    def feed(self, pcm: Pcm) -> Pcm:
        """As many samples as are given."""
        if self._taps is None or not len(pcm):
            return pcm
        known = np.concatenate([self._before, pcm])
        self._before = known[len(known) - len(self._before) :]
        shaped: Pcm = np.convolve(known, self._taps, "valid").astype(np.float32)
        return shaped


def minimum_phase(hertz: NDArray[np.floating], gains_db: NDArray[np.floating]) -> Pcm:
    """[`TAPS`]: a filter with these gains at these frequencies (ascending, straight between).

    The phase follows from the gains by the Hilbert transform of their logarithm (the cepstrum
    folded to one side: Oppenheim and Schafer, Discrete-Time Signal Processing), so that the sound
    comes as early as such gains allow: a linear phase would delay it by 5 ms.
    """
    grid = np.fft.rfftfreq(_SIZE, 1 / SAMPLE_RATE)
    logarithm = np.interp(grid, hertz, gains_db) * (np.log(10.0) / 20.0)
    cepstrum = np.fft.irfft(logarithm, _SIZE)
    cepstrum[1 : _SIZE // 2] *= 2.0
    cepstrum[_SIZE // 2 + 1 :] = 0.0
    taps = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), _SIZE)[:TAPS]
    taps[TAPS // 2 :] *= np.cos(np.linspace(0.0, np.pi / 2, TAPS // 2))
    return taps.astype(np.float32)
