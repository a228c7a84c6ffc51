"""Where voices lie: the timbres that the vocoder can take, and which speaker each is heard as.

Fitted by `bench/fit_timbres.py` to the stock voices and to 1,500 speeches in timbres drawn between
and around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import Language

Floats = NDArray[np.float64]

TIMBRE: Final = 128
"""Numbers of a timbre: the half of a style that the vocoder takes."""
REGISTER: Final = 0.35
"""How far a stock voice's pitch may be from the speaker's, as a natural logarithm, for its manner
of speaking to be taken on. A third, musically."""


@dataclass(frozen=True, slots=True)
class Stock:
    """A stock voice as it is heard."""

    name: str
    language: Language
    embedding: Floats
    pitch_hz: float
    """Median of what it says in its own language."""


@dataclass(frozen=True, slots=True)
class Space:
    """Coordinates are in standard deviations of the stock voices: theirs have |z|^2 of about 60."""

    mean: Floats
    """[`TIMBRE`]"""
    basis: Floats
    """[`TIMBRE`, `TIMBRE`]: one direction in each row, the widest first."""
    slopes: Floats
    """[k, embedding]: how an embedding moves with each of the first k coordinates."""
    stock: tuple[Stock, ...]

    def timbre(self, z: Floats) -> NDArray[np.float32]:
        """[`TIMBRE`] at the coordinates `z`, [`TIMBRE`] or fewer."""
        return np.asarray(self.mean + z @ self.basis[: len(z)], np.float32)

    def coordinates(self, timbre: NDArray[np.floating]) -> Floats:
        """[`TIMBRE`]: where a timbre lies."""
        away = np.asarray(timbre, np.float64) - self.mean
        z: Floats = np.linalg.solve(self.basis.T, away).astype(np.float64)
        return z

    def nearest(
        self,
        embedding: NDArray[np.floating],
        pitch_hz: float,
        language: Language,
        count: int = 1,
    ) -> tuple[Stock, ...]:
        """The stock voices of that language which are heard as most alike, in the same register.

        The best first, at most `count`. Where no voice has that register, the one whose pitch is
        nearest.
        """
        speakers = [voice for voice in self.stock if voice.language == language]
        apart = {v.name: abs(float(np.log(v.pitch_hz / pitch_hz))) for v in speakers}
        near = [voice for voice in speakers if apart[voice.name] <= REGISTER]
        if not near:
            return (min(speakers, key=lambda voice: apart[voice.name]),)
        near.sort(key=lambda voice: -float(voice.embedding @ embedding))
        return tuple(near[:count])


def shipped(folder: Traversable | None = None) -> Space:
    """The space of Kokoro v1.0 (`assets/voices/kokoro-timbres.npz`, a tenth of a second)."""
    folder = folder or resources.files("charafy") / "assets" / "voices"
    with (folder / "kokoro-timbres.npz").open("rb") as file, np.load(file) as fitted:
        stock = tuple(
            Stock(str(name), "ja" if str(name).startswith("j") else "en", embedding, float(pitch))
            for name, embedding, pitch in zip(
                fitted["names"],
                fitted["embeddings"].astype(np.float64),
                fitted["pitches"],
                strict=True,
            )
        )
        mean, basis, slopes = (
            fitted[name].astype(np.float64) for name in ("mean", "basis", "slopes")
        )
        return Space(mean, basis, slopes, stock)
