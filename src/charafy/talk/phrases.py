"""Short things that are said at once because they were made ready: openers and apologies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from charafy.engines.voice import SAMPLE_RATE, Language, SpeechChunk
from charafy.talk.crew import Crew
from charafy.talk.playout import Playout
from charafy.talk.reply import Speaker

OPENERS: Final[Mapping[Language, tuple[str, ...]]] = MappingProxyType(
    {
        "en": ("Hmm.", "Well,", "Let me see.", "Hmm, let's see.", "Well, let me think."),
        "ja": (
            "うーん。",
            "えっと。",
            "そうですね。",
            "うーん、そうですね。",
            "ええと、そうですねえ。",
        ),
    }
)
"""Short and longer ones, two about as long as each other: none is said twice running."""
APOLOGY: Final[Mapping[Language, str]] = MappingProxyType(
    {
        "en": "I'm sorry, I lost my train of thought. Could you say that again?",
        "ja": "ごめんなさい、うまく考えがまとまりませんでした。もう一度言ってもらえますか。",
    }
)
_MOST: Final = 72
"""Phrases that are kept, of all voices of a process: some megabytes."""
_PAUSE_S: Final = 0.25
"""Between an opener and the answer nobody notices so much silence beyond what both bring."""
_MAKE_S: Final = 30.0

Speech = tuple[SpeechChunk, ...]


class Phrases:
    """Kept per voice for all sessions of a process; made once. Belongs to one event loop."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._kept: dict[tuple[Speaker, str], Speech] = {}
        self._making = asyncio.Lock()

    async def prepare(self, speaker: Speaker) -> None:
        """Make what this speaker may need. Raises what the voice raises."""
        language = speaker.language
        for text in (*OPENERS[language], APOLOGY[language]):
            async with self._making, asyncio.timeout(_MAKE_S):
                if (speaker, text) not in self._kept:
                    self._keep(speaker, text, await self._made(speaker, text))

    def opener(
        self, speaker: Speaker, wait_s: float, last: str | None
    ) -> tuple[str, Playout] | None:
        """The one that best fills `wait_s`, not `last`; None while there is none.

        An answer that is put off is as bad as silence that is as long.
        """
        lengths = {
            text: sum(len(chunk.pcm) for chunk in speech) / SAMPLE_RATE
            for text in OPENERS[speaker.language]
            if text != last and (speech := self._kept.get((speaker, text)))
        }
        if not lengths:
            return None
        text = min(lengths, key=lambda text: _misfit(wait_s - lengths[text]))
        playout = self._playout(speaker, text)
        return None if playout is None else (text, playout)

    def apology(self, speaker: Speaker) -> Playout | None:
        return self._playout(speaker, APOLOGY[speaker.language])

    async def _made(self, speaker: Speaker, text: str) -> Speech:
        pieces = self._crew.speak(text, speaker.voice, speaker.language)
        async with contextlib.aclosing(pieces) as source:
            return tuple([chunk async for chunk in source])

    def _keep(self, speaker: Speaker, text: str, speech: Speech) -> None:
        self._kept[speaker, text] = speech
        while len(self._kept) > _MOST:
            self._kept.pop(next(iter(self._kept)))

    def _playout(self, speaker: Speaker, text: str) -> Playout | None:
        speech = self._kept.get((speaker, text))
        if not speech:
            return None
        playout = Playout()
        playout.begin_clause(text)
        for chunk in speech:
            playout.add(chunk, 0.0)
        playout.complete = True
        return playout


def _misfit(left_s: float) -> float:
    """How ill a phrase fits that leaves so much silence, or puts the answer off."""
    return max(-left_s, left_s - _PAUSE_S, 0.0)
