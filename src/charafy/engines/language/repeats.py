"""Small models fall into saying again what they said before: a clause in, whether it was. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from charafy.engines.language import Language, Message
from charafy.engines.language.clauses import Clauses
from charafy.engines.language.guards import FALLBACK

_LAST: Final = 6
"""Replies that a listener still has in the ear."""
_LEAST: Final[Mapping[Language, int]] = MappingProxyType({"en": 14, "ja": 7})
"""Letters of a clause below which people say the same again, too: "I see." """
_WISHED: Final = re.compile(
    r"\b(?:again|repeat|pardon|say that|come again|what did you (?:say|mean)|didn't (?:hear|catch)"
    r"|word for word)\b|^\s*(?:what|sorry|huh)\s*[?.!]*\s*$"
    r"|もう一度|もういちど|もう一回|繰り返|聞こえな|聞き取れ|なんて言|何て言|何と言|えっ[？?]?$",
    re.IGNORECASE,
)

HINT: Final[Mapping[Language, str]] = MappingProxyType(
    {
        "en": "(Say something new, which you have not said before.)",
        "ja": "（さっきと同じことは言わずに、別のことを話してください。）",
    }
)
"""Put behind what the visitor said when a model is asked once more."""
INSTEAD: Final[Mapping[Language, tuple[str, ...]]] = MappingProxyType(
    {
        "en": (
            FALLBACK["en"],
            "But enough of that. What else have you been up to lately?",
            "I keep coming back to the same thought! Let's talk about something else.",
        ),
        "ja": (
            FALLBACK["ja"],
            "ところで、最近ほかに何かありましたか。",
            "同じことばかり考えてしまいますね。別の話をしましょうか。",
        ),
    }
)
"""What a character says that has nothing new to say."""


class Repeats:
    """What was said in the last replies, where it isn't to be said again."""

    def __init__(self, turns: Sequence[Message], language: Language) -> None:
        """`turns` end with what is to be answered.

        Who asks for the same again gets it: by saying so, or by the same question.
        """
        self._language: Language = language
        self._known: set[str] = set()
        replies = [turn.content for turn in turns if turn.role == "assistant"][-_LAST:]
        asked = [_letters(turn.content) for turn in turns if turn.role == "user"]
        self._wished = bool(
            turns and asked and (_WISHED.search(turns[-1].content) or asked[-1] in asked[:-1])
        )
        for reply in replies:
            clauses = Clauses(language)
            for clause in (*clauses.feed(reply), *clauses.rest()):
                self._known.add(_letters(clause))

    def has(self, clause: str) -> bool:
        """Whether this was said before and nobody asked for it."""
        letters = _letters(clause)
        return (
            not self._wished and len(letters) >= _LEAST[self._language] and letters in self._known
        )

    def instead(self) -> str:
        """Something to say that was not said lately, as long as there is any."""
        lines = INSTEAD[self._language]
        return next((line for line in lines if not self._said(line)), lines[0])

    def _said(self, line: str) -> bool:
        clauses = Clauses(self._language)
        return any(_letters(c) in self._known for c in (*clauses.feed(line), *clauses.rest()))


def hinted(turns: Sequence[Message], language: Language) -> tuple[Message, ...]:
    """`turns` with a hint at their end: what a model has read of them stays the same."""
    *before, last = turns
    return (*before, Message(last.role, f"{last.content} {HINT[language]}"))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())
