"""What was said in a conversation, as both sides heard it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from charafy.engines.language import Message

_MOST_MESSAGES: Final = 24
_MOST_CHARS: Final = 4_000
"""What a small model still reads quickly; older turns are forgotten first."""


@dataclass(slots=True)
class History:
    """Of one session. The character's turns hold what was heard of them, nothing more."""

    _messages: list[Message] = field(default_factory=list)

    def user(self, text: str) -> None:
        self._add("user", text)

    def assistant(self, heard: str) -> None:
        if heard:
            self._add("assistant", heard)

    def recent(self) -> tuple[Message, ...]:
        """The last turns, oldest first, beginning with the user's."""
        kept = list(self._messages)
        while kept and kept[0].role != "user":
            kept.pop(0)
        return tuple(kept)

    def supposing(self, heard: str, asked: str) -> tuple[Message, ...]:
        """`recent` as it would be had the character's `heard` ended and this been asked."""
        supposed = History(list(self._messages))
        supposed.assistant(heard)
        supposed.user(asked)
        return supposed.recent()

    def _add(self, role: str, text: str) -> None:
        last = self._messages[-1] if self._messages else None
        if last is not None and last.role == role:
            self._messages[-1] = Message(last.role, f"{last.content} {text}")
        else:
            self._messages.append(Message("user" if role == "user" else "assistant", text))
        if len(self._messages) > _MOST_MESSAGES or self._chars() > _MOST_CHARS:
            # Half at once: what is left is read anew by a model, not again in every turn.
            del self._messages[: min((len(self._messages) + 1) // 2, len(self._messages) - 1)]
            newest = self._messages[-1]
            self._messages[-1] = Message(newest.role, newest.content[-_MOST_CHARS:])

    def _chars(self) -> int:
        return sum(len(message.content) for message in self._messages)
