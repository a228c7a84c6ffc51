"""Letters of other alphabets written in Latin ones, so that they can at least be pronounced."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from .wordlists import words

_GREEK = (
    "α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch "
    "ψ ps ω o"
)
_CYRILLIC = (
    "а a б b в v г g д d е e ё yo ж zh з z и i й y к k л l м m н n о o п p р r с s т t у u ф f "
    "х kh ц ts ч ch ш sh щ shch ы y э e ю yu я ya і i ї yi є ye ґ g ў w ђ dj ј y љ ly њ ny ћ ch "
    "џ dzh"
)
_LATIN = "ß ss ø o æ ae œ oe ł l đ d ð th þ th ı i ħ h ŋ ng ŧ t ə e ɛ e ɔ o ĸ k ſ s"
_CHOSEONG = words("g kk n d tt r m b pp s ss - j jj ch k t p h")
_JUNGSEONG = words("a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i")
_JONGSEONG = words("- k k ks n nj nh t l lk lm lp ls lt lp lh m p ps t t ng t t k t p t")


def _table(*rows: str) -> Mapping[str, str]:
    pairs: dict[str, str] = {"ь": "", "ъ": ""}
    for row in rows:
        pair = words(row)
        pairs |= dict(zip(pair[::2], pair[1::2], strict=True))
    return MappingProxyType(pairs)


_LETTERS = _table(_GREEK, _CYRILLIC, _LATIN)


def latin(letter: str) -> str | None:
    """ASCII letters for one letter of Latin, Greek, Cyrillic or Hangul; None for other scripts."""
    if letter.isascii():
        return letter
    if "가" <= letter <= "힣":
        return _hangul(letter)
    small = letter.lower()
    found = _LETTERS.get(small)
    if found is None:
        bare = unicodedata.normalize("NFD", small)[0]
        found = bare if bare.isascii() and bare.isalpha() else _LETTERS.get(bare)
    if found is None:
        return None
    return found.capitalize() if letter != small else found


def _hangul(syllable: str) -> str:
    first, rest = divmod(ord(syllable) - 0xAC00, 588)
    middle, last = divmod(rest, 28)
    return (_CHOSEONG[first] + _JUNGSEONG[middle] + _JONGSEONG[last]).replace("-", "")
