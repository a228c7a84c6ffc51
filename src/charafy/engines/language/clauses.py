"""A reply as it comes -> clauses that can be spoken one by one, the first one short. Pure."""

from __future__ import annotations

import re
from typing import Final

from charafy.engines.language import Language

_ENDS_EN: Final = re.compile(r"[.!?…]+[\"'”’)]*(?=\s)")
_PAUSES_EN: Final = re.compile(r"[,;:—][\"'”’)]*(?=\s)")
_ENDS_JA: Final = re.compile(r"[。！？!?…]+[」』）]*")
_PAUSES_JA: Final = re.compile(r"、")
_ABBREVIATED: Final = re.compile(r"\b(?:mr|mrs|ms|dr|st|vs|etc|e\.g|i\.e|[a-z])\.$", re.IGNORECASE)
_FIRST: Final[dict[Language, int]] = {"en": 8, "ja": 4}
"""Characters before a pause at which the first clause may end."""
_JOINTS_EN: Final = re.compile(
    r"\s(?=(?:and|but|or|because|so|that|which|who|when|while|where|if|than|as"
    r"|with|for|from|about|during|after|before|through|in|on|at|by|to)\s)"
)
_JOINTS_JA: Final = re.compile(r"(?:は|ので|から|けど|が|を)(?=[^\u3041-\u309fー、。！？」』]{2})")
_LONG: Final[dict[Language, int]] = {"en": 26, "ja": 14}
"""Characters after which a first clause without a pause is cut where people take breath: whoever
listens would wait for the rest of it."""
_LATER: Final[dict[Language, int]] = {"en": 70, "ja": 25}
_MOST: Final[dict[Language, int]] = {"en": 160, "ja": 70}
"""A clause is cut here even in its middle: a voice that waits longer is late."""


class Clauses:
    """Of one reply: `feed` what came, take what can be spoken, `rest` at the end.

    Joined, the clauses are what was fed, but for white space.
    """

    def __init__(self, language: Language) -> None:
        self._language: Language = language
        self._text = ""
        self._first = True

    def feed(self, delta: str) -> list[str]:
        """The clauses that are complete now."""
        text, at, clauses = self._text + delta, 0, []
        while True:
            at = _after_space(text, at)
            end = self._end(text[at : at + _MOST[self._language] + 1])
            if end is None:
                break
            clauses.append(text[at : at + end].strip())
            at += end
            self._first = False
        self._text = text[at:]
        return clauses

    def rest(self) -> list[str]:
        """What is left once nothing more comes."""
        left, self._text = self._text.strip(), ""
        return [left] if left else []

    def _end(self, text: str) -> int | None:
        """Where the first clause ends of what is left, of which `text` is the beginning."""
        language = self._language
        ends, pauses = (_ENDS_EN, _PAUSES_EN) if language == "en" else (_ENDS_JA, _PAUSES_JA)
        cuts = [m.end() for m in ends.finditer(text) if not _ABBREVIATED.search(text[: m.end()])]
        least = _FIRST[language] if self._first else _LATER[language]
        cuts += [m.end() for m in pauses.finditer(text) if m.start() >= least]
        # A mark at the very end may be followed by more of its kind.
        cuts = [cut for cut in cuts if cut < len(text)]
        if self._first:
            joints = _JOINTS_EN if language == "en" else _JOINTS_JA
            cuts += [m.end() for m in joints.finditer(text, _LONG[language])]
        if cuts:
            return min(cuts)
        if len(text) > _MOST[language]:
            space = text.rfind(" ", 1, _MOST[language])
            return space if space > 0 else _MOST[language]
        return None


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
