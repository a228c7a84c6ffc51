"""What words say about a turn: whether more will follow, and whether it is one at all."""

from __future__ import annotations

import re
from typing import Final


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_OPEN_EN: Final = _words(
    "a an the and or but because if when while which who of to in on at for with from by about "
    "into my your his our their its is are was were am be i'm it's very um uh er hmm like than as"
)
"""Words after which an English speaker goes on."""
_ANSWER_EN: Final = re.compile(r"\b(it|he|she|that|this|there|they|we|you|i) (is|are|was|were|am)$")
"""An end all the same: "Yes, it is." """
_SURE_EN: Final = re.compile(r"[.!?]['\")\]]*$")
_CONDITION_EN: Final = re.compile(
    r"(^|[.!?] )(and |but |so |well, )?"
    r"(if|when|while|because|although|though|since|unless|until|after|before|whenever)\b[^,]*$",
    re.IGNORECASE,
)
"""A sentence that began with a condition and has not come to its comma yet."""
_WHOLE_EN: Final = _words(
    "yes yeah yep no nope okay ok hello hi hey thanks bye goodbye sorry please sure"
)
_WHOLE_JA: Final = re.compile(
    r"(はい|いいえ|いや|うん|ううん|ええ|こんにちは|こんばんは|では|じゃあね|ありがとう|おはよう|"
    r"さようなら|もしもし|ごめん|おやすみ|大丈夫|だめ|お願い|了解)[。]*$"
)
"""Whole turns that end like something which goes on, or in nothing that shows an end."""
_SURE_JA: Final = re.compile(
    r"(です|ます|ません|ください|下さい|た|だ|る|い|う|ね|よ|な|か|かしら|わ|さ|ぞ|ん)[。！？!?]*$"
)
_OPEN_JA: Final = re.compile(
    r"(けど|けれど|から|ので|のに|たら|れば|なら|とか|って|て|で|が|を|に|は|も|と|の|へ|や|"
    r"えっと|えーと|あの|その|なんか|まあ)[、。.…]*$"
)
_BACK_EN: Final = _words(
    "mm mhm mmhm mm-hm mm-hmm mhmm hm hmm uh-huh uhhuh huh yeah yes yep ok okay right sure ah oh "
    "aha uh wow i see really"
)
_BACK_JA: Final = _words(
    "うん うんうん うう ええ はい はいはい へ へえ ほう ほお ふん ふうん なるほど そう そうそう "
    "そうですね そうなんだ そうですか あ ああ お おお ん んん"
)
"""Without lengthening marks, which are written as anybody likes."""
_NOT_WORDS: Final = re.compile(r"[^\w'\-ー]+")
_SOUNDS: Final = re.compile(r"\([^)]*\)|\[[^\]]*\]|\*[^*]*\*|（[^）]*）|［[^］]*］|【[^】]*】")
"""What recognisers write for what is no word: "(coughing)", "[音楽]"."""


def is_complete(text: str, language: str) -> bool:
    """Whether a sentence may well end here. Nothing is certain: it only shortens a wait."""
    text = text.strip()
    if text.endswith(("...", "…", ",", "、", "-")) or not said(text):
        return False
    if text.endswith(("？", "?", "！", "!")):
        return True
    return _complete_ja(text) if language == "ja" else _complete_en(text)


def _complete_ja(text: str) -> bool:
    if _WHOLE_JA.search(text):
        return True
    return bool(_SURE_JA.search(text)) and not _OPEN_JA.search(text)


def _complete_en(text: str) -> bool:
    words = _in(text)
    if len(words) == 1 and words[0] in _WHOLE_EN:
        return True
    if not _SURE_EN.search(text) or _CONDITION_EN.search(text[:-1]):
        return False
    return words[-1] not in _OPEN_EN or bool(_ANSWER_EN.search(" ".join(words)))


def is_backchannel(text: str, language: str) -> bool:
    """Whether somebody only lets the other know that they listen; also where nothing was said."""
    words = _in(said(text))
    if language == "ja":
        return all(word.replace("ー", "") in _BACK_JA for word in words)
    return len(words) <= 3 and all(word in _BACK_EN for word in words)


def said(text: str) -> str:
    """`text` without the sounds that are written in brackets; "" where no word is left."""
    words = _SOUNDS.sub(" ", text).strip()
    return words if _in(words) else ""


def _in(text: str) -> list[str]:
    return _NOT_WORDS.sub(" ", text.lower()).split()
