"""Voice styles, and the 33 that come with the package."""

from __future__ import annotations

import lzma
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import Language
from charafy.engines.voice.vocabulary import MAX_SYMBOLS

WIDTH: Final = 256
"""Numbers per style: the first half is timbre (vocoder), the second prosody."""

_LANGUAGES: Final[dict[str, Language]] = {"a": "en", "b": "en", "j": "ja"}


@dataclass(frozen=True, slots=True)
class Style:
    """One voice: a row of `WIDTH` numbers for every length of clause in symbols."""

    table: NDArray[np.floating[Any]]
    """[510, 256]; row n - 1 speaks a clause of n symbols."""
    pitch: float = 1.0
    """Factor on the F0 that the model predicts."""
    equaliser: NDArray[np.float32] | None = None
    """Taps of a filter that everything said goes through; minimum phase, so that it delays
    nothing that can be heard."""
    elsewhere: Mapping[Language, Style] = field(default_factory=lambda: MappingProxyType({}))
    """How the voice speaks languages in which it speaks otherwise."""

    def speaking(self, language: Language) -> Style:
        """The style of this voice in `language`."""
        return self.elsewhere.get(language, self)

    def row(self, symbols: int) -> NDArray[np.float32]:
        """[1, 256] for a clause of that many symbols (at least 1)."""
        index = min(symbols, len(self.table)) - 1
        return np.asarray(self.table[index : index + 1], np.float32)


def stock_styles(folder: Traversable | None = None) -> dict[str, Style]:
    """The styles of Kokoro v1.0 for English and Japanese, by name (`af_heart`, `jf_alpha`, ...).

    `folder` holds `kokoro.txt` (names) and `kokoro.xz`: float16 [name, number, row] as
    little-endian differences between neighbouring rows, so that they compress without loss.
    """
    folder = folder or _folder()
    names = stock_names(folder)
    steps = np.frombuffer(lzma.decompress((folder / "kokoro.xz").read_bytes()), "<u2")
    bits = np.cumsum(steps.reshape(len(names), WIDTH, MAX_SYMBOLS), axis=2, dtype="<u2")
    tables = bits.view("<f2").transpose(0, 2, 1)
    return {name: Style(table) for name, table in zip(names, tables, strict=True)}


def stock_names(folder: Traversable | None = None) -> tuple[str, ...]:
    """Names of the stock styles, known without unpacking the styles themselves."""
    text = ((folder or _folder()) / "kokoro.txt").read_text("ascii")
    return tuple(text.split())


def _folder() -> Traversable:
    return resources.files("charafy") / "assets" / "voices"


def language_of(name: str) -> Language:
    """Language of a stock voice, told by the first letter (a, b: English; j: Japanese)."""
    return _LANGUAGES[name[0]]


def is_british(name: str) -> bool:
    """Whether a stock voice speaks British English (`bf_`, `bm_`)."""
    return name.startswith(("bf_", "bm_"))
