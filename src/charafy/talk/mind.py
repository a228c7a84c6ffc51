"""What the character thinks: the conversation in, clauses to be spoken out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace

from charafy.engines.language import Asked, Message
from charafy.engines.language.clauses import Clauses
from charafy.engines.language.guards import FALLBACK, Guard
from charafy.engines.language.persona import Persona, told
from charafy.talk.crew import Thinker


class Mind:
    """One session's. What it knows of the visitor is in its persona."""

    def __init__(self, thinker: Thinker, persona: Persona) -> None:
        self._thinker = thinker
        self._persona = persona

    def meet(self, visitor: str | None) -> None:
        """Learn what the visitor is called."""
        self._persona = replace(self._persona, visitor=visitor)

    async def wake(self) -> None:
        """Have the model read the persona before it is asked. Raises what the model raises."""
        await self._thinker.warm(Asked(told(self._persona, ()), self._persona.language))

    async def answer(self, turns: tuple[Message, ...]) -> AsyncGenerator[str, None]:
        """What is to be said after `turns`, clause by clause, at least one; joined, it is text.

        Raises what the model raises. Closing it stops the model.
        """
        language = self._persona.language
        space = " " if language == "en" else ""
        clauses, guard = Clauses(language), Guard(language)
        asked = Asked(told(self._persona, turns), language)
        async with contextlib.aclosing(self._thinker.think(asked)) as deltas:
            async for delta in deltas:
                for clause in clauses.feed(delta):
                    if text := guard.clean(clause):
                        yield text + space
                if guard.over:
                    break
        for clause in clauses.rest():
            if text := guard.finish(clause):
                yield text + space
        if not guard.said:
            yield FALLBACK[language] + space
