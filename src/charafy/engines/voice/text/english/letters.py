"""Letter-to-sound: a pronunciation for words that no dictionary has.

The rules are learned from misaki's dictionary (Apache-2.0) by `bench/train_letters.py`: a letter
sounds as it most often does between these neighbours, the longest known context deciding.
"""

from __future__ import annotations

import gzip
import importlib.resources
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from .stress import PRIMARY, SECONDARY, VOWELS

WINDOWS = ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4), (5, 5))
"""Letters to the left and right that a rule may look at, from the most general."""

_ROMAJI = re.compile(
    r"(?:(?:[kgsznhbpmr]y|sh|ch|ts|[kgsztdnhfbpmyrwj])?[aiueo]|n(?![aiueoy])|([kstp])(?=\1)|t(?=ch))+"
)
_ROMAJI_PART = re.compile(r"[kgsznhbpmr]y|sh|ch|ts|[a-z]")
_ROMAJI_SOUNDS: Final = {
    "a": "ɑ", "i": "i", "u": "u", "e": "ɛ", "o": "O", "sh": "ʃ", "ch": "ʧ", "j": "ʤ", "y": "j",
    "r": "ɹ", "g": "ɡ", "c": "", "x": "ks",
}  # fmt: skip
_BRITISH: Final = {"O": "Q", "ɑ": "ɑː", "i": "iː", "u": "uː"}


def context(word: str, at: int, window: tuple[int, int]) -> str:
    """Key of a rule: the letters before, "|", the letter and those after; "#" is past the end."""
    left, right = window
    before = word[max(0, at - left) : at].rjust(left, "#")
    return f"{before}|{word[at : at + 1 + right].ljust(1 + right, '#')}"


class LetterSounds:
    """Immutable after construction."""

    def __init__(self, variety: Literal["american", "british"]) -> None:
        self._british = variety == "british"
        name = "gb" if self._british else "us"
        data = importlib.resources.files(__package__) / "data" / f"letters_{name}.tsv.gz"
        lines = gzip.decompress(data.read_bytes()).decode().splitlines()
        self._rules: Mapping[str, str] = MappingProxyType(
            {key: label for key, _, label in (line.partition("\t") for line in lines)}
        )

    def say(self, word: str) -> str:
        """Phonemes with one primary stress for a word of lower-case ASCII letters."""
        if _is_romaji(word):
            return self._romaji(word)
        sounds: list[str] = []
        for at in range(len(word)):
            sound = self._sound(word, at)
            if not (sounds and sound == sounds[-1] and sound not in VOWELS):
                sounds += [sound] if sound else []
        return _one_primary("".join(sounds))

    def _sound(self, word: str, at: int) -> str:
        for window in reversed(WINDOWS):
            found = self._rules.get(context(word, at, window))
            if found is not None:
                return found
        return ""

    def _romaji(self, word: str) -> str:
        """A Japanese name as English speakers say it: open vowels, stress on the last but one."""
        parts = _ROMAJI_PART.findall(re.sub(r"([a-z])\1", r"\1", word).replace("tch", "ch"))
        vowels = [at for at, part in enumerate(parts) if part in "aiueo"]
        stressed = vowels[-2:][0]
        out: list[str] = []
        for at, part in enumerate(parts):
            sound = _ROMAJI_SOUNDS.get(part) or "".join(_ROMAJI_SOUNDS.get(c, c) for c in part)
            if self._british:
                sound = "".join(_BRITISH.get(c, c) for c in sound)
            out.append(PRIMARY + sound if at == stressed else sound)
        return "".join(out)


def _is_romaji(word: str) -> bool:
    vowels = sum(letter in "aiueo" for letter in word)
    enough = vowels >= 3 or (vowels == 2 and word[-1] in "aiou")
    return enough and bool(_ROMAJI.fullmatch(word))


def _one_primary(phonemes: str) -> str:
    head, mark, tail = phonemes.partition(PRIMARY)
    if mark:
        return head + mark + tail.replace(PRIMARY, SECONDARY)
    if SECONDARY in phonemes:
        return phonemes.replace(SECONDARY, PRIMARY, 1)
    for at, symbol in enumerate(phonemes):
        if symbol in VOWELS:
            return phonemes[:at] + PRIMARY + phonemes[at:]
    return phonemes
