"""What words say about a turn: whether more will follow, and whether it is one at all."""

from __future__ import annotations

import re
from typing import Final


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_OPEN_EN: Final = _words(
    "a an the and or but because if when while which who of to in on at for with from by about "
    "into my your his our their its is are was were am be i'm it's very um uh er hmm like than as "
    "i he she we they i'd i'll i've we'd we'll we've they'd they'll you'd you'll he'd she'd "
    "can could would will should must might may shall do does did don't doesn't didn't won't "
    "can't couldn't wouldn't shouldn't have has had haven't hasn't hadn't been being "
    "between without during until toward towards onto upon among despite except unless whether "
    "every each some any these those another several just even only quite rather also"
)
"""Words after which an English speaker goes on."""
_ANSWER_EN: Final = re.compile(
    r"\b(it|he|she|that|this|there|they|we|you|i) (is|are|was|were|am)$"
    r"|^((yes|yeah|no|nope|sure|of course|maybe|so|neither|nor) )?(it|he|she|they|we|you|i) "
    r"(can|could|would|will|should|must|might|may|do|does|did|have|has|had|"
    r"don't|doesn't|didn't|won't|can't|couldn't|wouldn't|haven't|hasn't|am|is)( too| also)?$"
    r"|^(so|neither|nor) \w+ (i|he|she|we|they)$|^i'd love to$"
    r"|^(come|go|(turn|put|switch) \w+) (in|on)$"
)
"""An end all the same: "Yes, it is.", "No, I don't.", "So do I.", "Turn it on." """
_QUESTION_EN: Final = re.compile(
    r"^(and |but |so |well |then )?(what|who|where|which|how|why|when)"
)
"""May end in a preposition: "What are you looking at?" """
_BEGUN_EN: Final = re.compile(
    r"^(and |but |so |well |actually )?("
    r"(can|could|would|will|shall|should|may) (you|i|we|they|he|she|it)"
    r"|(can|could|would|will) (you|i) (tell|show|give|explain|recommend)( me| us)?"
    r"|(i|we|you) (think|guess|mean|want|wanted|need|needed|said|wonder|wish|thought|heard)"
    r"|(my|his|her|our|their|the|a|an|this|that)( \w+){0,2} (of|that|who|which|is|was)"
    r"|(my|his|our|their|the|a|an) (favou?rite )?\w+"
    r")$"
)
"""No more than the beginning of a sentence: "Could you tell me.", "My favourite season." """
_THINKING_EN: Final = re.compile(
    r"(^|\b(well|so|hmm|um|uh|okay|ok|oh) )"
    r"(let me (see|think)|let's see|hold on|wait|just (a|one) (moment|second|minute)"
    r"|one (moment|second)|give me a (moment|second|minute)|how do i say|what's the word)"
    r"( about (it|that))?$"
)
_FILLERS_EN: Final = re.compile(
    r"^((well|so|actually|anyway|um|uh|er|hmm|like|and|but|or|then|i|i mean|you know) ?)+$"
)
_TRAILING_EN: Final = re.compile(r"\b(and|but|or|because) (then|so)$")
_LISTED_EN: Final = re.compile(
    r"^(?!.*\b(and|or|yes|no|please|hello|hi|thanks)\b).*\b\w+, (\w+ )?\w+, (\w+ )?\w+$"
)
"""Three things and no "and" before the last."""
_SURE_EN: Final = re.compile(r"[.!?]['\")\]]*$")
_LAST_EN: Final = re.compile(r"(?<=[.!?])\s+")
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
    r"えっと|えーと|ええと|あの|その|この|なんか|まあ|あなた|たくさん|とても|もっと|そして|それから|"
    r"(?:小さ|大き|好き|嫌い|きれい|みたい|よう|いろん|いろいろ|大切|大事|有名|変)な)[、。.…]*$"
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
    return _complete_ja(text) if language == "ja" else _complete_en(text)


def _complete_ja(text: str) -> bool:
    if text.endswith(("？", "?", "！", "!")) or _WHOLE_JA.search(text):
        return True
    return bool(_SURE_JA.search(text)) and not _OPEN_JA.search(text)


def _complete_en(text: str) -> bool:
    words = _in(text)
    if len(words) == 1 and words[0] in _WHOLE_EN:
        return True
    if not _SURE_EN.search(text) or text.endswith("!"):
        return text.endswith("!")
    last = _in(_LAST_EN.split(text)[-1]) or words
    sentence = " ".join(last)
    if _begun_en(text, sentence):
        return False
    if text.endswith("?") and _QUESTION_EN.search(sentence):
        return True
    return last[-1] not in _OPEN_EN or bool(_ANSWER_EN.search(sentence))


def _begun_en(text: str, sentence: str) -> bool:
    """Whether the last sentence is no more than its beginning."""
    if not text.endswith("?") and _CONDITION_EN.search(text[:-1]):
        return True
    patterns = (_BEGUN_EN, _FILLERS_EN, _THINKING_EN, _TRAILING_EN)
    if any(pattern.search(sentence) for pattern in patterns):
        return not _ANSWER_EN.search(sentence)
    return bool(_LISTED_EN.search(text.rstrip(".").lower()))


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
