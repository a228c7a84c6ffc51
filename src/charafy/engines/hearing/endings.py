"""What words say about a turn: whether more will follow, and whether it is one at all."""

from __future__ import annotations

import re
from typing import Final


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_OPEN_EN: Final = _words(
    "a an the and or but so because if when while that which who of to in on at for with from by "
    "about into my your his her its our their this these those is are was were am be i'm it's "
    "very really um uh er hmm like"
)
"""Words after which an English speaker goes on."""
_SURE_EN: Final = re.compile(r"[.!?]['\")\]]*$")
_SURE_JA: Final = re.compile(
    r"(です|ます|ました|ません|でした|でしょう|ください|下さい|だよ|だね|だよね|だった|"
    r"ないよ|かな|かしら|のか|ですか|ますか|った|した|ない|たい|ね|よ|か|わ|さ|ぞ|"
    r"さい|ろう|よう)[。！？!?]*$"
)
_OPEN_JA: Final = re.compile(
    r"(けど|けれど|から|ので|のに|たら|れば|なら|とか|って|て|で|が|を|に|は|も|と|の|へ|や|"
    r"えっと|えーと|あの|その|なんか|まあ)[、。.…]*$"
)
_BACK_EN: Final = _words(
    "mm mhm mmhm mm-hm mm-hmm mhmm hm hmm uh-huh uhhuh huh yeah yes yep ok okay right sure ah oh "
    "aha wow i see really"
)
_BACK_JA: Final = _words(
    "うん うんうん ええ はい はいはい へえ へー ほう ふーん ふうん なるほど そう そうそう "
    "そうですね そうなんだ そうですか ああ あー おお おー んー ん"
)
_NOT_WORDS: Final = re.compile(r"[^\w'\-ー]+", re.UNICODE)


def is_complete(text: str, language: str) -> bool:
    """Whether a sentence may well end here. Nothing is certain: it only shortens a wait."""
    text = text.strip()
    if not text:
        return False
    if language == "ja":
        if text.endswith(("？", "！", "?", "!")):
            return True
        return bool(_SURE_JA.search(text)) and not _OPEN_JA.search(text)
    if text.endswith(("...", "…", ",", "-")):
        return False
    words = _NOT_WORDS.sub(" ", text.lower()).split()
    return bool(_SURE_EN.search(text)) and bool(words) and words[-1] not in _OPEN_EN


def is_backchannel(text: str, language: str) -> bool:
    """Whether somebody only lets the other know that they listen; also where nothing was said."""
    words = _NOT_WORDS.sub(" ", text.lower()).split()
    if language == "ja":
        return "".join(words) in _BACK_JA or not words
    return len(words) <= 3 and all(word in _BACK_EN for word in words)
