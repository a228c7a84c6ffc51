"""Voices that were matched to a recording: how their files read, and as styles to speak with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import LANGUAGES, Language
from charafy.engines.voice.cloning.clonefile import BadClone, is_clone, pack, unpack
from charafy.engines.voice.kokoro.equaliser import minimum_phase
from charafy.engines.voice.kokoro.styles import WIDTH, Style

ENGINE: Final = "kokoro"
TIMBRE: Final = WIDTH // 2
_FURTHEST: Final = 20.0
"""No number of a timbre is further from 0; those of voices are within 2 or so."""
_MOST_DB: Final = 60.0
_PITCHES: Final = (0.2, 5.0)
"""What a file may ask for: far beyond what sounds well, and nothing that overflows."""
_KEPT: Final = 32
"""Styles that are kept ready: 1 MB each."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a clone speaks one language: it has the prosody of a stock voice."""

    stock: str
    """Name of the stock voice."""
    pitch: float
    """Factor on that voice's pitch."""


@dataclass(frozen=True, slots=True)
class Match:
    """A voice that Kokoro can speak with, found for a recording."""

    timbre: NDArray[np.float32]
    """[`TIMBRE`]: the vocoder's half of the style, the same for clauses of every length."""
    manners: Mapping[Language, Manner]
    language: Language
    """That of the recording."""
    pitch_hz: float
    """Median pitch of the recording."""
    hertz: NDArray[np.float64]
    gains_db: NDArray[np.float64]
    """What the sound is shaped by behind the vocoder, at `hertz` (ascending)."""

    def style(self, stock: Mapping[str, Style]) -> Style:
        """Raises `BadClone` when it builds on a voice that isn't in `stock`."""
        taps = minimum_phase(self.hertz, self.gains_db) if self.gains_db.any() else None
        try:
            styles = {
                language: self._spoken(stock[manner.stock], manner, taps)
                for language, manner in self.manners.items()
            }
        except KeyError:
            raise BadClone("it builds on a voice that is not here") from None
        return replace(styles[self.language], elsewhere=MappingProxyType(styles))

    def _spoken(self, base: Style, manner: Manner, taps: NDArray[np.float32] | None) -> Style:
        table = np.array(base.table, np.float32)
        table[:, :TIMBRE] = self.timbre
        return Style(table, base.pitch * manner.pitch, taps)

    def pack(self) -> bytes:
        """The clone's file. Raises `BadClone` for what could not be spoken with."""
        data = pack(
            ENGINE,
            {
                "timbre": _rounded(self.timbre, 5),
                "manners": {
                    language: {"stock": manner.stock, "pitch": round(manner.pitch, 4)}
                    for language, manner in self.manners.items()
                },
                "language": self.language,
                "pitch_hz": round(self.pitch_hz, 1),
                "equaliser": {
                    "hertz": _rounded(self.hertz, 1),
                    "gains_db": _rounded(self.gains_db, 2),
                },
            },
        )
        match_of(unpack(data)[1])
        return data


def match_of(fields: Mapping[str, Any]) -> Match:
    """What the fields of a clone file say. Raises `BadClone`."""
    try:
        equaliser = fields["equaliser"]
        match = Match(
            np.array(fields["timbre"], np.float32),
            {
                language: Manner(str(manner["stock"]), float(manner["pitch"]))
                for language, manner in fields["manners"].items()
            },
            fields["language"],
            float(fields["pitch_hz"]),
            np.array(equaliser["hertz"], np.float64),
            np.array(equaliser["gains_db"], np.float64),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise BadClone("fields of a matched voice are missing") from None
    if match.timbre.shape != (TIMBRE,) or match.hertz.shape != match.gains_db.shape:
        raise BadClone("a matched voice of another size")
    if match.language not in LANGUAGES or match.language not in match.manners:
        raise BadClone("a matched voice without a language")
    if not _is_sane(match):
        raise BadClone("a matched voice beyond all voices")
    return match


def _is_sane(match: Match) -> bool:
    """Whether speaking with it stays within numbers."""
    pitches = [manner.pitch for manner in match.manners.values()]
    low, high = _PITCHES
    return bool(
        np.isfinite([match.pitch_hz, *match.hertz]).all()
        and (np.abs(match.timbre) <= _FURTHEST).all()
        and (np.abs(match.gains_db) <= _MOST_DB).all()
        and all(low <= pitch <= high for pitch in pitches)
    )


class CloneStyles(Mapping[str, Style]):
    """Stock styles by name and those of clones by the names of their files. Thread-safe."""

    def __init__(
        self, stock: Mapping[str, Style], read: Callable[[str], tuple[str, Mapping[str, Any]]]
    ) -> None:
        """`read`: (engine, fields) of a clone's file, by its name; see `CloneShelf.read`."""
        self._stock = stock
        self._read = read
        self._lock = Lock()
        self._kept: OrderedDict[str, Style] = OrderedDict()

    def __getitem__(self, name: str, /) -> Style:
        """Raises `KeyError` for a name that isn't there, `BadClone` for a file that won't do."""
        if not is_clone(name):
            return self._stock[name]
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        engine, fields = self._read(name)
        if engine != ENGINE:
            raise BadClone(f"a clone of the engine {engine}")
        style = match_of(fields).style(self._stock)
        with self._lock:
            self._kept[name] = style
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return style

    def forget(self, name: str) -> None:
        """Keep the style of a clone no longer: its voice was removed."""
        with self._lock:
            self._kept.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        """The stock voices: clones belong to accounts, which know theirs."""
        return iter(self._stock)

    def __len__(self) -> int:
        return len(self._stock)


def _rounded(numbers: NDArray[Any], digits: int) -> list[float]:
    return [round(float(number), digits) for number in numbers]
