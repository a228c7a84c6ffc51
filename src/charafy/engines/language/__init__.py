"""Language: a conversation in, what the character answers out, as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

Language = Literal["en", "ja"]
Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that was said, or that the model is told (`system`)."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is to go on from."""

    messages: tuple[Message, ...]
    language: Language
    max_tokens: int = 80


class ChatFailed(RuntimeError):
    """A model did not answer. The message is ours: no secret, no word of a provider or a person."""


class ChatStalled(ChatFailed):
    """It began, or was to begin, and nothing came for too long."""


class Chat(Protocol):
    """A language model, safe to call from many threads."""

    def reply(self, asked: Asked) -> Iterator[str]:
        """The answer piece by piece. Closing the iterator stops the model.

        Raises `ChatFailed`, also in the middle.
        """
        ...

    def warm(self, asked: Asked) -> None:
        """Read ahead what was told and said so far, up to where a person says something next."""
        ...
