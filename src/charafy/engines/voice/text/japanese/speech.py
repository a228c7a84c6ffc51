"""Japanese words -> readings by Open JTalk's dictionary -> phonemes of Kokoro's vocabulary."""

from __future__ import annotations

import importlib.resources
import re
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from .phonemes import katakana, phonemes

if TYPE_CHECKING:
    from pyopenjtalk.openjtalk import OpenJTalk

_MAX_GROUP = 16
_LOOK_AHEAD = 60
_MARKS: Final = {
    "、": ",",
    "，": ",",
    "。": ".",
    "．": ".",
    "！": "!",
    "？": "?",
    "…": "…",
    "：": ":",
    "；": ";",
    "「": "“",
    "」": "”",
    "『": "“",
    "』": "”",
    "“": "“",
    "”": "”",
    "（": ",",
    "）": ",",
    "—": "—",
}
_KANJI = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_PARTICLES = frozenset("をがはへ")
"""Never the start of a longer word, whatever the word list says ("をし" is a duck)."""

_KANA = re.compile(r"[ァ-ヺー]")


@dataclass(frozen=True, slots=True)
class SaidWord:
    """A word with its phonemes and its place in the text that was read; a mark has `is_mark`."""

    start: int
    end: int
    reading: str
    """Pronunciation in katakana, "" for a mark."""
    phonemes: str
    is_mark: bool = False


class JapaneseSpeech:
    """Reads Japanese aloud in phonemes. One dictionary, shared by threads one at a time."""

    def __init__(self) -> None:
        import pyopenjtalk
        from pyopenjtalk._unihan_readings_map import UNIHAN_READINGS
        from pyopenjtalk.openjtalk import OpenJTalk

        self._kanji: Mapping[str, str] = UNIHAN_READINGS
        self._openjtalk = pyopenjtalk
        self._dictionary: OpenJTalk = OpenJTalk(dn_mecab=pyopenjtalk.OPEN_JTALK_DICT_DIR)
        self._lock = threading.Lock()
        words = (importlib.resources.files("misaki.data") / "ja_words.txt").read_text("utf-8")
        self._words = frozenset(word for word in words.split() if len(word) <= _MAX_GROUP)

    def say(self, text: str) -> list[SaidWord]:
        """Words in order. `text` is at most a few hundred characters."""
        return self._grouped(text, _placed(text, self._features(text)))

    def _features(self, text: str) -> list[tuple[str, str]]:
        """Surface and pronunciation of each morpheme, marks with their own surface twice.

        Kanji that the dictionary lacks get their Chinese reading here: Open JTalk would ask
        Sudachi, whose dictionary (193 MB) is not installed with us.
        """
        run, jtalk = self._openjtalk.run_frontend, self._dictionary
        with self._lock:
            found = run(text, use_vanilla=True, jtalk=jtalk)
            unknown = any(f["pos"] == "記号" and _has_kanji(f["string"]) for f in found)
            if not unknown:
                found = run(text, use_sudachi_kanji_yomi=False, jtalk=jtalk)
        said = ((f["string"], f["pron"].replace("’", "")) for f in found)
        if not unknown:
            return list(said)
        return [(surface, self._single_kanji(surface, kana)) for surface, kana in said]

    def _single_kanji(self, surface: str, pronunciation: str) -> str:
        if _KANA.search(pronunciation) or not _has_kanji(surface):
            return pronunciation
        return "".join(self._kanji.get(char, "") for char in surface)

    def _grouped(self, text: str, words: list[SaidWord]) -> list[SaidWord]:
        """Join morphemes to the words between which Kokoro learned to leave a space."""
        out: list[SaidWord] = []
        at = 0
        while at < len(words):
            end = at + 1
            if not words[at].is_mark and text[words[at].start : words[at].end] not in _PARTICLES:
                for stop in range(at + 2, min(len(words), at + 8) + 1):
                    group = words[at:stop]
                    if any(w.is_mark for w in group) or not _adjacent(group):
                        break
                    if text[group[0].start : group[-1].end] in self._words:
                        end = stop
                while end < len(words) and words[end].reading[:1] in ("ー", "ッ", "ン"):
                    end += 1
            out.append(_joined(words[at:end]))
            at = end
        return [word for word in out if word.phonemes]


def _has_kanji(text: str) -> bool:
    return bool(_KANJI.search(text))


def _adjacent(words: list[SaidWord]) -> bool:
    return all(a.end == b.start for a, b in pairwise(words))


def _joined(words: list[SaidWord]) -> SaidWord:
    if len(words) == 1:
        return words[0]
    reading = "".join(word.reading for word in words)
    return SaidWord(words[0].start, words[-1].end, reading, phonemes(reading))


def _placed(text: str, features: list[tuple[str, str]]) -> list[SaidWord]:
    """Find each morpheme in the text; those that the dictionary rewrote (digits) share a place."""
    folded = "".join(_fold(char) for char in text)
    places: list[tuple[int, int] | None] = []
    at = 0
    for surface, _ in features:
        wanted = "".join(_fold(char) for char in surface)
        found = folded.find(wanted, at, at + _LOOK_AHEAD + len(wanted)) if wanted else -1
        if found >= 0 and not _skips_words(folded[at:found]):
            places.append((found, found + len(wanted)))
            at = found + len(wanted)
        else:
            places.append(None)
    return [
        _said(surface, pronunciation, start, end)
        for (surface, pronunciation), (start, end) in zip(
            features, _filled(places, len(text)), strict=True
        )
    ]


def _skips_words(between: str) -> bool:
    """Whether a place this far ahead would jump over anything but digits, spaces and marks."""
    return any(not c.isdigit() and unicodedata.category(c)[0] == "L" for c in between[:-3])


def _fold(char: str) -> str:
    folded = unicodedata.normalize("NFKC", char)
    return folded if len(folded) == 1 else char


def _filled(places: list[tuple[int, int] | None], size: int) -> list[tuple[int, int]]:
    """Give morphemes without a place the gap between their neighbours."""
    nexts: list[int] = []
    following = size
    for place in reversed(places):
        nexts.append(following)
        following = place[0] if place else following
    filled: list[tuple[int, int]] = []
    at = 0
    for place, following in zip(places, reversed(nexts), strict=True):
        filled.append(place or (at, max(at, following)))
        at = place[1] if place else at
    return filled


def _said(surface: str, pronunciation: str, start: int, end: int) -> SaidWord:
    kana = "".join(_KANA.findall(pronunciation))
    if not kana:
        mark = _MARKS.get(surface, _MARKS.get(pronunciation, "") if surface in "?!.,:;" else "")
        return SaidWord(start, end, "", mark, True)
    if surface and all("ぁ" <= c <= "ヺ" or c == "ー" for c in surface) and not pronunciation:
        kana = katakana(surface)
    return SaidWord(start, end, kana, phonemes(kana))
