"""What was said in a conversation, as both sides heard it, and what is remembered of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from charafy.engines.language import Language, Message
from charafy.engines.language.memory import Fact, remembered

_MOST_MESSAGES: Final = 24
MOST_BYTES: Final = 3_400
"""Of UTF-8: what a small model still reads quickly, and a little less than the embedded one is
shown; older turns are forgotten first."""
_ROOM_BYTES: Final = 400
"""For what the user says next: turns are forgotten when the character has spoken, while there is
time to read what is left, rather than when somebody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What an answer is made of."""

    turns: tuple[Message, ...]
    """The last ones, oldest first, beginning with the user's."""
    facts: tuple[str, ...] = ()
    """What the user told of themselves in turns that were forgotten."""
    reminded: int = 0
    """How many of the turns stand before the place where the model is reminded of the facts."""


@dataclass(slots=True)
class History:
    """Of one session. The character's turns hold what was heard of them, nothing more."""

    language: Language
    _messages: list[Message] = field(default_factory=list)
    _facts: tuple[Fact, ...] = ()
    _reminded: int = 0

    def user(self, text: str) -> None:
        self._add("user", text)

    def assistant(self, heard: str) -> None:
        if heard:
            self._add("assistant", heard)
            if len(self._messages) > _MOST_MESSAGES - 2 or self._bytes() > MOST_BYTES - _ROOM_BYTES:
                self._forget()

    def recent(self) -> Recalled:
        """As it is now."""
        kept = list(self._messages)
        while kept and kept[0].role != "user":
            kept.pop(0)
        reminded = max(0, self._reminded - (len(self._messages) - len(kept)))
        return Recalled(tuple(kept), tuple(fact.text for fact in self._facts), reminded)

    def supposing(self, heard: str, asked: str) -> Recalled:
        """`recent` as it would be had the character's `heard` ended and this been asked."""
        supposed = History(self.language, list(self._messages), self._facts, self._reminded)
        supposed.assistant(heard)
        supposed.user(asked)
        return supposed.recent()

    def _add(self, role: str, text: str) -> None:
        last = self._messages[-1] if self._messages else None
        if last is not None and last.role == role:
            self._messages[-1] = Message(last.role, f"{last.content} {text}")
        else:
            self._messages.append(Message("user" if role == "user" else "assistant", text))
        if len(self._messages) > _MOST_MESSAGES or self._bytes() > MOST_BYTES:
            self._forget()

    def _forget(self) -> None:
        """Half at once: then a model's cache is moved once in many turns.

        What is remembered changes only then, and is told after the turns that are left: what was
        read of these stays as it is.
        """
        half = min((len(self._messages) + 1) // 2, len(self._messages) - 1)
        for gone in self._messages[:half]:
            if gone.role == "user":
                self._facts = remembered(self._facts, gone.content, self.language)
        del self._messages[:half]
        self._reminded = len(self._messages) - (self._messages[-1].role == "user")
        if self._bytes() > MOST_BYTES:
            newest = self._messages[-1]
            end = newest.content.encode()[-MOST_BYTES:].decode(errors="ignore")
            self._messages, self._reminded = [Message(newest.role, end)], 0

    def _bytes(self) -> int:
        return sum(len(message.content.encode()) for message in self._messages)
