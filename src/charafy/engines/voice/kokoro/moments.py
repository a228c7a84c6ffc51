"""Mean and variance of every vocoder norm over a clause, foretold before any of it is decoded.

The vocoder normalises each channel over the whole clause. A window that used its own mean and
variance would sound like another clause (levels 4 dB off, other timbre), and waiting for the whole
clause would cost the early start. But these moments hardly depend on the words: the voice and how
much of the clause is silent tell most of them. A linear map fitted to decoded clauses foretells
them to about 5 % of a standard deviation, which is below what int8 rounding does to the sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice.kokoro.styles import WIDTH
from charafy.engines.voice.vocabulary import PUNCTUATION

_TIMBRE = WIDTH // 2


def summary(
    symbols: str,
    durations: NDArray[np.int64],
    source: NDArray[np.float32],
    style: NDArray[np.float32],
) -> NDArray[np.float32]:
    """What the moments are foretold from: shares of silence, excitation, length, timbre.

    `durations` count the pads, `source` is [1, samples], `style` [1, 256].
    """
    frames = int(durations.sum())
    pads = int(durations[0] + durations[-1])
    pauses = sum(
        int(n) for symbol, n in zip(symbols, durations[1:-1], strict=True) if _rests(symbol)
    )
    shape = [
        pads / frames,
        pauses / frames,
        10 * float(np.abs(source).mean()),
        10 * float(np.sqrt(np.square(source).mean())),
        float(np.log(frames)) / 2,
    ]
    return np.concatenate([np.array(shape, np.float32), style[0, :_TIMBRE]])


def _rests(symbol: str) -> bool:
    return symbol == " " or symbol in PUNCTUATION


@dataclass(frozen=True, slots=True)
class Foretold:
    """Moments of all norms, one channel after the other as the vocoder's inputs want them."""

    means: NDArray[np.float32]
    variances: NDArray[np.float32]


class Moments:
    """The fitted map: centre and scale the summary, project it, expand to all channels."""

    def __init__(self, folder: Traversable | None = None) -> None:
        """Read `kokoro-moments.npz`. Its `basis` is int8 with a step per row."""
        folder = folder or resources.files("charafy") / "assets" / "voices"
        with (folder / "kokoro-moments.npz").open("rb") as file, np.load(file) as fitted:
            self._centre = fitted["centre"].astype(np.float32)
            self._weights = fitted["weights"].astype(np.float32)
            self._basis = fitted["basis"]
            self._base = fitted["base"].astype(np.float32)
            self._spread = fitted["spread"].astype(np.float32)

    def foretell(self, summary: Sequence[float] | NDArray[np.float32]) -> Foretold:
        """Moments for a clause of that `summary`."""
        scores = (np.asarray(summary, np.float32) - self._centre) @ self._weights
        levels = scores @ self._basis.astype(np.float32) + self._base
        shifts, log_spreads = np.split(levels, 2)
        return Foretold(shifts * self._spread, np.exp(2 * log_spreads))
