"""What the demo characters say on the player's page: spoken once by the server's own voice.

The page needs no key, so nobody chooses what is said: strangers can make the voice busy once for
each line, one at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from charafy.demo.recordings import Recordings
from charafy.engines.voice import Language
from charafy.kernel.errors import NotFound
from charafy.speech.service import Speaker


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    """As it stands in addresses."""
    person: str
    engine_voice: str
    language: Language
    text: str


LINES: Final[Sequence[Line]] = (
    Line(
        "emma-hello",
        "Emma",
        "af_heart",
        "en",
        "Hello, I'm Emma. I keep a small bookshop by the sea, and I love a rainy morning. "
        "What are you reading at the moment?",
    ),
    Line(
        "emma-peppers",
        "Emma",
        "af_heart",
        "en",
        "Peter Piper picked a peck of pickled peppers. Did you see my lips meet every time?",
    ),
    Line(
        "hana-hello",
        "Hana",
        "jf_alpha",
        "ja",
        "こんにちは、ハナです。京都の小さな和菓子屋を手伝っています。"
        "今日は、どんな甘いものが食べたいですか？",
    ),
    Line(
        "hana-eggs",
        "Hana",
        "jf_alpha",
        "ja",
        "なまむぎ、なまごめ、なまたまご。早口ことば、ちゃんと言えましたか？",
    ),
    Line(
        "leo-hello",
        "Leo",
        "am_michael",
        "en",
        "Hi, I'm Leo. I record birds at dawn and bands at night. "
        "What does your favourite morning sound like?",
    ),
    Line(
        "leo-photo",
        "Leo",
        "am_michael",
        "en",
        "One picture, one voice, and a few words about who I am. That was all it took.",
    ),
)


class Lines:
    """The lines as they were spoken, once."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    def cues(self, name: str) -> bytes:
        """JSON: duration_s, words and visemes, with loudness as weights. As `audio_key`."""
        return self._recordings.about(self._ready(name))

    def audio_key(self, name: str) -> str:
        """Where the line's MP3 is stored; it is there when this returns.

        Takes seconds the first time. Raises `NotFound` for what is no line, `TooManyRequests`
        when too many lines are wanted at once, and whatever the voice raises.
        """
        return self._recordings.sound_key(self._ready(name))

    def _ready(self, name: str) -> str:
        line = next((line for line in LINES if line.name == name), None)
        if line is None:
            raise NotFound("There is no such line.")
        speaker = Speaker(line.engine_voice, line.language)
        return self._recordings.ready(f"player/{line.name}", line.text, speaker)
