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


@dataclass(frozen=True, slots=True)
class Recalled:
    """What an answer is made of."""

    turns: tuple[Message, ...]
    """The last ones, oldest first, beginning with the user's."""
    facts: tuple[str, ...]
    """What the user told of themselves in turns that were forgotten."""


@dataclass(slots=True)
class History:
    """Of one session. The character's turns hold what was heard of them, nothing more."""

    language: Language
    _messages: list[Message] = field(default_factory=list)
    _facts: tuple[Fact, ...] = ()

    def user(self, text: str) -> None:
        self._add("user", text)

    def assistant(self, heard: str) -> None:
        if heard:
            self._add("assistant", heard)

    def recent(self) -> Recalled:
        """As it is now."""
        kept = list(self._messages)
        while kept and kept[0].role != "user":
            kept.pop(0)
        return Recalled(tuple(kept), tuple(fact.text for fact in self._facts))

    def supposing(self, heard: str, asked: str) -> Recalled:
        """`recent` as it would be had the character's `heard` ended and this been asked."""
        supposed = History(self.language, list(self._messages), self._facts)
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
        """Half at once: what is left is read anew by a model, not again in every turn.

        What is remembered changes only then, for the same reason: it stands before the turns.
        """
        half = min((len(self._messages) + 1) // 2, len(self._messages) - 1)
        for gone in self._messages[:half]:
            if gone.role == "user":
                self._facts = remembered(self._facts, gone.content, self.language)
        del self._messages[:half]
        if self._bytes() > MOST_BYTES:
            newest = self._messages[-1]
            end = newest.content.encode()[-MOST_BYTES:].decode(errors="ignore")
            self._messages = [Message(newest.role, end)]

    def _bytes(self) -> int:
        return sum(len(message.content.encode()) for message in self._messages)
