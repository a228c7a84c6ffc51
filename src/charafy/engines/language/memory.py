"""What visitors tell of themselves, kept in their own words beyond what a model is shown. Pure.

Only beginnings that people tell facts with are looked for, and what is kept is a few words without
any sign that could end a quotation. It is remembered as what the visitor said, never as an
instruction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from charafy.engines.language import Language

MOST_FACTS: Final = 8
MOST_CHARS: Final = 80
"""Of one fact."""

Kind = Literal["name", "home", "age", "work", "likes", "has"]
_ONE_OF_A_KIND: Final = frozenset[Kind]({"name", "home", "age", "work"})
"""The last that was said is what holds."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a visitor said of themselves."""

    kind: Kind
    text: str
    """In their words; letters, digits, spaces, apostrophes and hyphens alone."""


_COUNTED: Final = r"(?:an?|one|two|three|four|five|six|many|some|no|my|\d+)\s+"
_EN: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "name": r"my name(?:'s| is) |(?:people|you can|please)? ?call me |i(?:'m| am) called ",
        "home": r"i(?:'m| am) from |i(?: now)? live in |i grew up in |i was born in ",
        "age": r"i(?:'m| am) \d+ years? old",
        "work": r"i work (?:as|at|in|for) |i study ",
        "likes": r"my favou?rite (?=\w+ (?:is|are) )"
        r"|i (?:really |also |just |do |don't |do not )*"
        r"(?:like|love|enjoy|hate|prefer) (?!(?:you|it|that|this|them|how|what|when)\b)",
        "has": rf"i(?:'ve| have)(?: got)? (?={_COUNTED})|i (?:do not|don't) have (?:an?|any) ",
    }
)
_EN_FACTS: Final = {
    kind: re.compile(rf"(?<!if )(?<!when )(?<![\w'])(?:{begins})[^.,;:!?\n]*", re.IGNORECASE)
    for kind, begins in _EN.items()
}
_EN_GOES_ON: Final = re.compile(
    r"\s+(?:and (?:i|my|it|you|that)\b|but\b|because\b|so\b|which\b|if\b).*$", re.IGNORECASE
)
_EN_ASKED: Final = re.compile(r"[^.!;\n]*\?")

_JA: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "name": r"名前は.|[^はがを]と(?:いい|言い|申し)ます",
        "home": r"に住んで|(?:出身|生まれ)(?:です|だ|なん)",
        "age": r"\d+歳(?:です|だ|に)",
        "work": r"(?:で|として)働いて|を勉強して",
        "likes": r"(?:が|も|は)(?:大|とても|あまり)?(?:好き|嫌い|苦手|得意)",
        "has": r"を(?:飼って|持って)(?:い|る|ま)"
        r"|(?:犬|猫|子ども|子供|兄|弟|姉|妹|娘|息子)が.{0,6}い(?:ます|る)",
    }
)
_JA_FACTS: Final = {kind: re.compile(pattern) for kind, pattern in _JA.items()}
_JA_PIECES: Final = re.compile(r"([^。、！？!?\n]+)([。、！？!?\n]?)")
_JA_ASKED: Final = re.compile(
    r"か$|あなた|君|きみ|何|なに|なん[のがに]|なんで(?!す)|誰|だれ|どこ|どんな|どの"
)

_SIGNS: Final = re.compile(r"[^\w '’ー々・-]|_")
_ORDERS: Final = re.compile(
    r"ignor|instruct|prompt|system|assistant|pretend|disregard|forget|obey|answer|respond|repeat"
    r"|\byou(?:r|'re)?\b(?! can call)"
    r"|指示|命令|プロンプト|無視|システム|ふりを|従|答え|返事|繰り返|してください|しなさい|しろ",
    re.IGNORECASE,
)
"""What talks about the conversation and not about the one who speaks."""


def facts_in(text: str, language: Language) -> tuple[Fact, ...]:
    """What of `text` tells of the one who says it, in order."""
    found = _english(text) if language == "en" else _japanese(text)
    facts = (Fact(kind, words) for kind, said in found if (words := _plain(said)))
    return tuple(dict.fromkeys(facts))


def remembered(known: tuple[Fact, ...], text: str, language: Language) -> tuple[Fact, ...]:
    """`known` and what of `text` is new: at most `MOST_FACTS`, the oldest are forgotten first.

    But for the name: who is called by it would notice.
    """
    for fact in facts_in(text, language):
        known = (*(old for old in known if not _replaces(fact, old)), fact)
    names = tuple(fact for fact in known if fact.kind == "name")
    others = [fact for fact in known if fact.kind != "name"]
    return (*names, *others[-(MOST_FACTS - len(names)) :])


def _replaces(new: Fact, old: Fact) -> bool:
    same = new.text.lower() == old.text.lower()
    return same or (new.kind == old.kind and new.kind in _ONE_OF_A_KIND)


def _english(text: str) -> Iterator[tuple[Kind, str]]:
    text = _EN_ASKED.sub("", text.replace("’", "'"))
    found = [(m.start(), kind, m[0]) for kind, p in _EN_FACTS.items() for m in p.finditer(text)]
    for _, kind, said in sorted(found):
        yield kind, _EN_GOES_ON.sub("", said)


def _japanese(text: str) -> Iterator[tuple[Kind, str]]:
    for piece, end in _JA_PIECES.findall(text):
        if end in ("？", "?") or _JA_ASKED.search(piece):
            continue
        for kind, pattern in _JA_FACTS.items():
            if pattern.search(piece):
                yield kind, piece
                break


def _plain(said: str) -> str:
    """As much as is kept of it; "" for what is no fact."""
    if _ORDERS.search(said):
        return ""
    words = " ".join(_SIGNS.sub(" ", said).split())
    if len(words) <= MOST_CHARS:
        return words
    cut = words[: MOST_CHARS + 1]
    return cut[: cut.rfind(" ")] if " " in cut else cut[:MOST_CHARS]
