"""A small part-of-speech tagger: just enough to choose between two pronunciations of a word.

Tags: DT determiner, PRP pronoun, NOUN, VERB (base form), VBD past, VBN participle, ADJ, ADV, IN
preposition, TO, "" unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from ..wordlists import words

_CLOSED: Final = {
    "DT": "a an the these those every each some any no another both all",
    "POS": "my your his her its our their whose",
    "PRP": "i you he she it we they me him us them who everyone someone anybody nobody people",
    "IN": "of in on at by for with from into about over under between against during without as "
    "near like through around after before since than per via",
    "MD": "will would can could shall should may might must cannot can't couldn't won't wouldn't "
    "shouldn't don't doesn't didn't do does did let's please to i'll you'll we'll they'll he'll "
    "she'll it'll i'd you'd we'd they'd he'd she'd never always gonna wanna",
    "BE": "am is are was were be been being i'm you're we're they're he's she's it's that's isn't "
    "aren't wasn't weren't get gets got getting",
    "HAVE": "have has had having i've you've we've they've hasn't haven't hadn't",
    "ADV": "very too so quite really well here there now then just not also more most less still "
    "only even already often usually sometimes",
    "WDT": "that this which what",
}
_CLASS: Mapping[str, str] = MappingProxyType(
    {word: tag for tag, words in _CLOSED.items() for word in words.split()}
)
_OPENS_CLAUSE = frozenset(words(", ; . ! ? — : and or then"))
_OBJECTS = frozenset(words("me him us them it"))
_PAST_TIME = frozenset(words("yesterday ago last earlier once already just was were had did"))
_ADJ_LIVE_NEXT = frozenset(
    words(
        "music show stream streams streaming broadcast concert performance chat "
        "event events video coverage audience demo wire support band"
    )
)
_METALS = frozenset(words("pipe pipes paint poisoning free acid battery weight bullet bullets"))


def tag(words: Sequence[str]) -> list[str]:
    """One tag per spoken word of a sentence; punctuation marks are words here."""
    lower = [word.lower() for word in words]
    tags = [_tag(lower, at) for at in range(len(lower))]
    for at, word in enumerate(words):
        if word == "A" and at and words[at - 1][-1:].isalnum():
            tags[at] = "NOUN"  # "vitamin A": the letter, not the article
    return tags


def _tag(words: list[str], at: int) -> str:
    word = words[at]
    if word in _SPECIAL:
        return _SPECIAL[word](words, at)
    following = words[at + 1] if at + 1 < len(words) else ""
    known = _CLASS.get(word)
    if known:
        return _closed(known, word, following)
    previous = words[at - 1] if at else ""
    if not at or previous in _OPENS_CLAUSE:
        return "VERB" if _CLASS.get(following) in ("DT", "POS", "PRP") else ""
    return _after(words, at, _CLASS.get(previous, ""))


def _after(words: list[str], at: int, before: str) -> str:
    """The tag of an open-class word from the class of the word before it."""
    word, previous = words[at], words[at - 1]
    if before in ("DT", "POS", "IN") and previous not in ("all", "both"):
        return "NOUN"
    if before == "MD" or (before == "PRP" and previous not in _OBJECTS):
        return "VERB"
    if before in ("BE", "HAVE"):
        participle = before == "HAVE" or word.endswith(("ed", "en"))
        return "VBN" if participle else "ADJ"
    if before == "ADV" and at > 1 and _CLASS.get(words[at - 2]) == "BE":
        return "ADJ"
    return ""


def _closed(known: str, word: str, following: str) -> str:
    if known == "WDT":
        determines = following and following not in _CLASS and following.isalpha()
        return "DT" if word == "this" and determines else ""
    return {"POS": "DT", "MD": "VERB", "BE": "VERB", "HAVE": "VERB"}.get(known, known)


def _used(words: list[str], at: int) -> str:
    helped = at and _CLASS.get(words[at - 1]) == "BE" and words[at - 1] not in ("get", "got")
    to_next = words[at + 1 : at + 2] == ["to"]
    person = any(w in _CLASS and _CLASS[w] == "PRP" for w in words[max(0, at - 3) : at])
    return "VBD" if to_next and (not helped or person) else "VBN"


def _read(words: list[str], at: int) -> str:
    before = words[at - 1] if at else ""
    around = words[max(0, at - 6) : at] + words[at + 1 : at + 10]
    if _CLASS.get(before) in ("BE", "HAVE") or before in ("well", "already"):
        return "VBN"
    asked = at > 1 and _CLASS.get(words[at - 2]) == "MD"
    if asked or _CLASS.get(before) == "MD" or not at:
        return "VERB"
    if before in ("he", "she", "it"):
        return "VBD"
    return "VBD" if _PAST_TIME.intersection(around) else "VERB"


def _live(words: list[str], at: int) -> str:
    before = words[at - 1] if at else ""
    following = words[at + 1] if at + 1 < len(words) else ""
    heard = before in ("go", "going", "goes", "went", "broadcast", "streamed", "perform", "watch")
    if following in _ADJ_LIVE_NEXT or heard or _CLASS.get(before) in ("DT", "POS"):
        return "ADJ"
    return "ADJ" if before in ("is", "are", "was", "were", "be", "i'm", "we're") else "VERB"


def _lives(words: list[str], at: int) -> str:
    before = words[at - 1] if at else ""
    counted = _CLASS.get(before) in ("DT", "POS", "IN") or before in (
        "many",
        "two",
        "saved",
        "save",
    )
    return "NOUN" if counted else "VERB"


def _lead(words: list[str], at: int) -> str:
    following = words[at + 1] if at + 1 < len(words) else ""
    return "NOUN" if following in _METALS else "VERB"


def _close(words: list[str], at: int) -> str:
    before = words[at - 1] if at else ""
    following = words[at + 1] if at + 1 < len(words) else ""
    if _CLASS.get(before) in ("MD", "PRP") and following != "to":
        return "VERB"
    opens = not at or before in _OPENS_CLAUSE
    if opens and _CLASS.get(following) in ("DT", "POS", "WDT", "PRP"):
        return "VERB"
    return "VERB" if before in ("and", "or") and _CLASS.get(following) in ("DT", "POS") else "ADJ"


def _wound(words: list[str], at: int) -> str:
    turned = at and _CLASS.get(words[at - 1]) in ("PRP", "BE") and words[at + 1 : at + 2]
    return "VBD" if turned else "NOUN"


_SPECIAL = MappingProxyType(
    {
        "used": _used,
        "read": _read,
        "live": _live,
        "lives": _lives,
        "lead": _lead,
        "close": _close,
        "wound": _wound,
    }
)
