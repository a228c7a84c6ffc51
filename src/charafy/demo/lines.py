"""What the demo characters say on the player's page: spoken once by the server's own voice.

The page needs no key, so nobody chooses what is said: strangers can make the voice busy once for
each line, one at a time.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np

from charafy.engines.voice import Language
from charafy.engines.voice.visemes import trim_to_sound, visemes
from charafy.kernel.errors import NotFound, TooManyRequests
from charafy.kernel.media.audio import SAMPLE_RATE, encoder
from charafy.kernel.storage import Storage
from charafy.speech.service import Speaker, Speech

MAX_WAITING: Final = 4
WAIT_S: Final = 20.0


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
    """The lines of one voice engine (`engine`: its name, so that engines share no recordings)."""

    def __init__(self, storage: Storage, speech: Speech, engine: str) -> None:
        self._storage = storage
        self._speech = speech
        self._engine = engine
        self._queue = threading.BoundedSemaphore(MAX_WAITING + 1)
        self._synthesis = threading.Lock()

    def cues(self, name: str) -> bytes:
        """JSON: duration_s and visemes, with loudness as weights. As `audio_key`."""
        return self._storage.get(self._ready(name, "json"))[0]

    def audio_key(self, name: str) -> str:
        """Where the line's MP3 is stored; it is there when this returns.

        Takes seconds the first time. Raises `NotFound` for what is no line, `TooManyRequests`
        when too many lines are wanted at once, and whatever the voice raises.
        """
        return self._ready(name, "mp3")

    def _ready(self, name: str, ending: str) -> str:
        line = next((line for line in LINES if line.name == name), None)
        if line is None:
            raise NotFound("There is no such line.")
        # The cues are written last: where they are, the sound is too.
        if not self._storage.exists(self._key(line, "json")):
            with self._turn():
                if not self._storage.exists(self._key(line, "json")):
                    self._speak(line)
        return self._key(line, ending)

    def _speak(self, line: Line) -> None:
        speaker = Speaker(line.engine_voice, line.language)
        recording = self._speech.record(line.text, speaker, audio_format="pcm")
        samples = np.frombuffer(recording.data, "<i2")
        pcm = samples.astype(np.float32) / np.float32(32768)
        shapes = visemes(recording.marks, recording.audio_s)
        cues = [
            {
                "viseme": cue.shape,
                "start_s": round(cue.start_s, 4),
                "end_s": round(cue.end_s, 4),
                "weight": round(cue.weight, 3),
            }
            for cue in trim_to_sound(shapes, pcm, SAMPLE_RATE)
        ]
        written = encoder("mp3")
        sound = written.feed(pcm) + written.finish()
        self._storage.put(self._key(line, "mp3"), sound, "audio/mpeg")
        about = {"duration_s": round(recording.audio_s, 3), "visemes": cues}
        self._storage.put(self._key(line, "json"), json.dumps(about).encode(), "application/json")

    def _key(self, line: Line, ending: str) -> str:
        said = f"{self._engine}\n{line.engine_voice}\n{line.text}"
        digest = hashlib.sha256(said.encode()).hexdigest()[:16]
        return f"player/{line.name}-{digest}.{ending}"

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._queue.acquire(blocking=False):
            raise _busy()
        try:
            if not self._synthesis.acquire(timeout=WAIT_S):
                raise _busy()
            try:
                yield
            finally:
                self._synthesis.release()
        finally:
            self._queue.release()


def _busy() -> TooManyRequests:
    return TooManyRequests(
        "Other lines are being spoken: try again in a few seconds.",
        retry_after_s=5,
        code="lines_busy",
    )
