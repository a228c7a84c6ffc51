"""What the character thinks: the conversation in, clauses to be spoken out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Final

from charafy.engines.language import Asked, Language, Message
from charafy.engines.language.clauses import Clauses
from charafy.engines.language.guards import Guard
from charafy.engines.language.persona import Persona, reminder, told
from charafy.engines.language.repeats import Repeats, hinted
from charafy.talk.crew import Thinker
from charafy.talk.history import Recalled

_PAUSES: Final = (",", ";", ":", "—", "、")
_MOST_REPEATED: Final = 2
"""Clauses of an earlier reply, after which the rest of it is likely to follow."""


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

    async def read_ahead(self, recalled: Recalled) -> None:
        """Have the model read what was said, so that it has only the next turn left to read.

        What it is busy with goes first. Raises what the model raises.
        """
        language = self._persona.language
        turns = _reminding(recalled, recalled.turns, language)
        await self._thinker.warm(Asked(told(self._persona, turns), language))

    async def answer(self, recalled: Recalled) -> AsyncGenerator[str, None]:
        """What is to be said next, clause by clause, at least one; joined, it is text.

        A model that says what it said before is asked once more. Raises what the model raises.
        Closing it stops the model.
        """
        language, turns = self._persona.language, recalled.turns
        space = " " if language == "en" else ""
        repeats, said = Repeats(turns, language), False
        for attempt in (turns, hinted(turns, language) if turns else ()):
            news = _News(repeats)
            async with contextlib.aclosing(
                self._thought(_reminding(recalled, attempt, language))
            ) as clauses:
                async for clause in clauses:
                    for text in news.of(clause):
                        said = True
                        yield text + space
                    if news.over:
                        break
            if said or not news.repeated:
                break
        if not said:
            yield repeats.instead() + space

    async def _thought(self, turns: tuple[Message, ...]) -> AsyncGenerator[str, None]:
        """What the model says of which a character can say it, clause by clause."""
        language = self._persona.language
        clauses, guard = Clauses(language), Guard(language)
        asked = Asked(told(self._persona, turns), language)
        async with contextlib.aclosing(self._thinker.think(asked)) as deltas:
            async for delta in deltas:
                for clause in clauses.feed(delta):
                    if text := guard.clean(clause):
                        yield text
                if guard.over:
                    break
        for clause in clauses.rest():
            if text := guard.finish(clause):
                yield text


def _reminding(
    recalled: Recalled, turns: tuple[Message, ...], language: Language
) -> tuple[Message, ...]:
    if not recalled.facts:
        return turns
    before, after = turns[: recalled.reminded], turns[recalled.reminded :]
    return (*before, reminder(recalled.facts, language), *after)


class _News:
    """What of a reply is new. Nothing waits for more than the clause that is doubted."""

    def __init__(self, repeats: Repeats) -> None:
        self._repeats = repeats
        self._held = ""
        """A beginning that was said before: it is left to what follows whether it is new."""
        self._any = False
        self.repeated = 0
        """Clauses that were said before."""

    @property
    def over(self) -> bool:
        """It is an earlier reply over again."""
        return not self._any and self.repeated >= _MOST_REPEATED

    def of(self, clause: str) -> list[str]:
        """What is to be said now that `clause` came."""
        if self._repeats.has(clause):
            self.repeated += 1
            # Half a sentence is needed by its other half.
            self._held = clause if clause.endswith(_PAUSES) and not self._any else ""
            return []
        held, self._held = self._held, ""
        self._any = True
        return [held, clause] if held else [clause]
