"""What small models should not say aloud: clauses in, clauses a character can say out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from charafy.engines.language import Language

MOST_CHARS: Final[Mapping[Language, int]] = MappingProxyType({"en": 420, "ja": 180})
"""Of one reply: whoever talks for longer is not talking with somebody."""
FALLBACK: Final[Mapping[Language, str]] = MappingProxyType(
    {
        "en": "Hmm, I'd rather hear more about you. What's on your mind?",
        "ja": "うーん、それより、あなたのことをもっと聞かせてください。",
    }
)
"""What is said where nothing else is left."""

_DIRECTIONS: Final = re.compile(
    r"(?<!\*)\*(?!\*)[^*]{1,80}\*(?!\*)|\([^)]{1,80}\)|（[^）]{1,80}）|\[[^\]]{1,80}\]|<[^>]{0,80}>"
)
_MARKDOWN: Final = re.compile(r"[*_#`~|>]+|^\s*(?:[-•]|\d+[.)])\s+", re.MULTILINE)
_PICTURES: Final = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]+")
_SPEAKER: Final = re.compile(r"^\s*[\w .'’\-ぁ-んァ-ヶ一-龠々]{1,30}[:：]\s*")
_OTHERS: Final = re.compile(
    r"^\s*(?:user|human|visitor|assistant|system|ユーザー|お客さん|質問|回答)\s*[:：]",
    re.IGNORECASE,
)
_CODE: Final = re.compile(
    r"```|\bdef \w+\(|\bimport \w+|\bfunction\s*\("
    r"|[{}]\s*$|[)\]}\"']\s*;\s*$|=[^;]*;\s*$|</?\w+>"
)
_INTRODUCES: Final = re.compile(
    r"\bhere(?:'s| is| are)\b[^.!?]*:$|\b(?:following|below)\b[^.!?]*:$|(?:以下|次)[^。]*[：:]$",
    re.IGNORECASE,
)
"""A list or code, neither of which can be listened to."""
_FOREIGN: Final = re.compile(
    r"^[^ぁ-ゖァ-ヺ一-龯]*[A-Za-z][^ぁ-ゖァ-ヺ一-龯]{20,}$|[们这说还给为对时过请谢乐东见语问间让应务气没个从节]"
)
"""English, or simplified signs that Japanese is not written with: small models change over."""
_ASSISTANT: Final = re.compile(
    r"\bas an? (?:ai|artificial|language model)|\blanguage model\b"
    r"|\bartificial intelligence\b|\b(?:openai|alibaba|anthropic)\b"
    r"|\bhow (?:can|may) i (?:help|assist)|\bi(?:'m| am) here to (?:help|assist)"
    r"|\b(?:help|assist) you with (?:today|anything)|\banything else (?:i can|you)\b"
    r"|\b(?:ai|virtual|simple|helpful|digital) assistant\b|\blike humans? do\b"
    r"|\bphysical (?:senses|body|form)\b|\bability to (?:experience|feel)\b"
    r"|\bpersonal preferences\b|\b(?:preferences|feelings) or emotions\b|\bmy purpose is\b"
    r"|\blet me know if|\bfeel free to|\bi(?:'m| am) an? ai\b"
    r"|\bsystem prompt\b|\bmy instructions\b"
    r"|お手伝いでき|お手伝いしま|何かお困り|ご質問|言語モデル|AIアシスタント|人工知能です|プロンプト",
    re.IGNORECASE,
)
_ENDED: Final = re.compile(r"[.!?…~〜。！？][\"'”’)」』）*\s]*$")
_HUMAN: Final = re.compile(
    r"\b(?:i'm|i am) not (?:an? )?(?:ai|artificial|robot|computer|machine|bot|program)\b"
    r"|\b(?:i'm|i am) (?:an? )?(?:real |actual )?(?:human|person)\b"
    r"|(?:AI|ロボット|機械)(?:では|じゃ|とは)(?:あり|ない|言え)|私は人間(?:です|だ|なので|であ)",
    re.IGNORECASE,
)
"""No character passes itself off as a person to somebody who asks."""
_SAYABLE: Final = re.compile(r"[^\W_]", re.UNICODE)


class Guard:
    """For one reply. `clean` each clause in order until `over`."""

    def __init__(self, language: Language) -> None:
        self._language: Language = language
        self._left = MOST_CHARS[language]
        self._said: set[str] = set()
        self.over = False
        """Nothing of what follows is to be said: the model may stop."""

    @property
    def said(self) -> bool:
        """Whether anything came through."""
        return bool(self._said)

    def clean(self, clause: str) -> str:
        """What of `clause` can be said; "" for nothing."""
        if self.over:
            return ""
        if any(pattern.search(clause) for pattern in (_CODE, _OTHERS, _INTRODUCES)):
            self.over = True
            return ""
        if (
            _ASSISTANT.search(clause)
            or _HUMAN.search(clause)
            or (self._language == "ja" and _FOREIGN.search(clause))
        ):
            return ""
        text = _PICTURES.sub("", _DIRECTIONS.sub("", clause))
        text = _MARKDOWN.sub("", text)
        if not self._said:
            text = _SPEAKER.sub("", text)
        text = " ".join(text.split())
        if not _SAYABLE.search(text):
            return ""
        return self._bounded(text)

    def finish(self, clause: str) -> str:
        """`clean` for what is left at the end: half a sentence only where nothing else was said.

        A model that runs out of room stops in the middle of one.
        """
        if self._said and not _ENDED.search(clause):
            return ""
        return self.clean(clause)

    def _bounded(self, text: str) -> str:
        known = re.sub(r"\W+", "", text.lower())
        self._left -= len(text)
        if known in self._said or (self._left < 0 and self._said):
            self.over = True
            return ""
        self._said.add(known)
        return text[: MOST_CHARS[self._language]]
