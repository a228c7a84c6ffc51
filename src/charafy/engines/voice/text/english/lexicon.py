"""The pronouncing dictionary of misaki (Apache-2.0) with its endings: -s, -ed, -ing.

Only the dictionary's data files are read; the package's code needs spaCy and is not imported.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from .stress import PRIMARY, SECONDARY, restressed

Variety = Literal["american", "british"]
Entry = str | Mapping[str, str | None]

_FILES: Final = {"american": "us", "british": "gb"}
_FLAPPING_VOWELS = frozenset("AIOWYiuæɑəɛɪɹʊʌ")
_DOUBLED = re.compile(r"([bcdgklmnprstvxz])\1$|ck$")


@dataclass(frozen=True, slots=True)
class Use:
    """How a word is used where it stands, which decides between its pronunciations."""

    tag: str = ""
    before_vowel: bool | None = None
    """Whether the next sound is a vowel; None before a pause."""
    before_to: bool = False


class Lexicon:
    """Immutable after construction. Takes about 0.1 s to build."""

    def __init__(self, variety: Variety, extra: Mapping[str, str]) -> None:
        self.variety = variety
        data = importlib.resources.files("misaki.data")
        name = _FILES[variety]
        gold: dict[str, Entry] = json.loads((data / f"{name}_gold.json").read_bytes())
        silver: dict[str, Entry] = json.loads((data / f"{name}_silver.json").read_bytes())
        self._words: Mapping[str, Entry] = MappingProxyType(silver | gold | dict(extra))
        self._common = frozenset(word for word in gold if word.islower())
        self._folded: Mapping[str, str] = MappingProxyType(
            {w.lower(): w for w in self._words if w != w.lower() and not w.isupper()}
        )
        self._unstressed = "ɪ" if variety == "british" else "ᵻ"

    def is_common(self, word: str) -> bool:
        """Whether a lower-case word is in the curated part, fit to be half of a compound."""
        return word in self._common

    def is_common_form(self, word: str) -> bool:
        """Whether a word or its stem before -s, -ed, -ing, -er is common."""
        return self.is_common(word) or any(
            word.endswith(ending) and self.is_common(word[: -len(ending)])
            for ending in ("s", "es", "ed", "d", "ing", "er")
        )

    def has(self, word: str) -> bool:
        return self._key(word) is not None

    def has_exactly(self, word: str) -> bool:
        """Whether the dictionary has the word in this very spelling, capitals included."""
        return word in self._words

    def letter(self, letter: str) -> str:
        """The name of a letter of the Latin alphabet."""
        return str(self._words[letter.upper()])

    def spelled(self, letters: str) -> str:
        """Letter names run together with the stress on the last, as in "USA"."""
        names = "".join(self.letter(c) for c in letters).replace(PRIMARY, SECONDARY)
        head, mark, tail = names.rpartition(SECONDARY)
        return head + (PRIMARY if mark else "") + tail

    def say(self, word: str, use: Use) -> str | None:
        """Phonemes of a word or of its stem and ending; None when the dictionary has neither."""
        found = self._look_up(word, use)
        if found is not None:
            return found
        if word.endswith("s'"):
            return self.say(word[:-1], use)
        return self._with_s(word, use) or self._with_ed(word, use) or self._with_ing(word, use)

    def _key(self, word: str) -> str | None:
        if word in self._words:
            return word
        lower = word.lower()
        return lower if lower in self._words else self._folded.get(lower)

    def _look_up(self, word: str, use: Use) -> str | None:
        key = self._key(word)
        if key is None:
            return None
        entry = self._words[key]
        if isinstance(entry, str):
            return entry
        if use.before_vowel is None and entry.get("None"):
            return entry["None"]
        if use.tag in entry:
            return entry[use.tag] or self.spelled(word)
        parent = "VERB" if use.tag.startswith("VB") else use.tag
        return entry.get(parent, entry["DEFAULT"]) or entry["DEFAULT"]

    def _stem(self, stems: list[str], use: Use) -> str | None:
        for stem in stems:
            found = self._look_up(stem, use)
            if found:
                return found
        return None

    def _with_s(self, word: str, use: Use) -> str | None:
        if len(word) < 3 or not word.endswith("s"):
            return None
        stems = [] if word.endswith("ss") else [word[:-1]]
        if word.endswith("'s"):
            stems = [word[:-2]]
        elif word.endswith("ies"):
            stems.append(word[:-3] + "y")
        elif word.endswith("es"):
            stems.append(word[:-2])
        stem = self._stem([s for s in stems if len(s) > 1], use)
        return self.plural(stem) if stem else None

    def plural(self, stem: str) -> str:
        """A pronunciation with the ending -s or 's."""
        if stem.endswith(tuple("ptkfθ")):
            return stem + "s"
        if stem.endswith(tuple("szʃʒʧʤ")):
            return stem + self._unstressed + "z"
        return stem + "z"

    def _with_ed(self, word: str, use: Use) -> str | None:
        if len(word) < 4 or not word.endswith("ed") or word.endswith("eed"):
            return None
        stems = [word[:-1], word[:-2]]
        if word.endswith("ied"):
            stems.append(word[:-3] + "y")
        if _DOUBLED.search(word[:-2]):
            stems.append(word[:-3])
        stem = self._stem(stems, Use("VERB", False))
        if not stem:
            return None
        if stem[-1] in "pkfθʃsʧ":
            return stem + "t"
        if stem[-1] == "d":
            return stem + self._unstressed + "d"
        if stem[-1] != "t":
            return stem + "d"
        return self._flapped(stem) + self._unstressed + "d"

    def _with_ing(self, word: str, use: Use) -> str | None:
        if len(word) < 5 or not word.endswith("ing"):
            return None
        stems = [word[:-3], word[:-3] + "e"]
        if _DOUBLED.search(word[:-3]):
            stems.append(word[:-4])
        stem = self._stem([s for s in stems if len(s) > 1], Use("VERB", False))
        if not stem or (self.variety == "british" and stem[-1] in "əː"):
            return None
        return restressed(self._flapped(stem), 0.5) + "ɪŋ"

    def _flapped(self, stem: str) -> str:
        flaps = self.variety == "american" and stem[-1] == "t" and stem[-2:-1]
        return stem[:-1] + "ɾ" if flaps and stem[-2] in _FLAPPING_VOWELS else stem
