"""What is spoken for strangers: each text once, one at a time, few waiting."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import numpy as np

from charafy.engines.voice.visemes import trim_to_sound, visemes
from charafy.kernel.errors import TooManyRequests
from charafy.kernel.media.audio import SAMPLE_RATE, encoder
from charafy.kernel.single_file import SingleFile
from charafy.kernel.storage import Storage
from charafy.speech.service import Speaker, Speech

MAX_WAITING: Final = 4
WAIT_S: Final = 20.0

Paying = Callable[[], AbstractContextManager[object]]
"""Entered before a text is spoken, left when it is kept: pays for it, or refuses."""


class Recordings:
    """Kept recordings of one voice engine (`engine`: its name: engines share none). Thread-safe."""

    def __init__(self, storage: Storage, speech: Speech, engine: str) -> None:
        self._storage = storage
        self._speech = speech
        self._engine = engine
        self._synthesis = SingleFile(MAX_WAITING, WAIT_S, _busy)

    def about(self, recording: str) -> bytes:
        """JSON: duration_s, words `[text, start_s, end_s]` and visemes, loudness as weights."""
        return self._storage.get(f"{recording}.json")[0]

    def sound(self, recording: str) -> bytes:
        """MP3."""
        return self._storage.get(self.sound_key(recording))[0]

    @staticmethod
    def sound_key(recording: str) -> str:
        """Where its MP3 is stored."""
        return f"{recording}.mp3"

    def ready(self, name: str, text: str, speaker: Speaker, paying: Paying = nullcontext) -> str:
        """The recording, spoken first if nobody wanted it before: seconds.

        `name`: a folder and the beginning of a name. Raises `TooManyRequests` (`lines_busy`) when
        too many are wanted at once, and what `paying` and the voice raise.
        """
        recording = self._recording(name, text, speaker)
        # What is told about it is written last: where that is, the sound is too.
        if not self._storage.exists(f"{recording}.json"):
            with self._synthesis.turn():
                if not self._storage.exists(f"{recording}.json"):
                    with paying():
                        self._speak(recording, text, speaker)
        return recording

    def _speak(self, recording: str, text: str, speaker: Speaker) -> None:
        spoken = self._speech.record(text, speaker, audio_format="pcm")
        pcm = np.frombuffer(spoken.data, "<i2").astype(np.float32) / np.float32(32768)
        shapes = visemes(spoken.marks, spoken.audio_s)
        cues = [
            {
                "viseme": cue.shape,
                "start_s": round(cue.start_s, 4),
                "end_s": round(cue.end_s, 4),
                "weight": round(cue.weight, 3),
            }
            for cue in trim_to_sound(shapes, pcm, SAMPLE_RATE)
        ]
        words = [
            [mark.text, round(mark.start_s, 3), round(mark.end_s, 3)]
            for mark in spoken.marks
            if mark.kind == "word"
        ]
        written = encoder("mp3")
        sound = written.feed(pcm) + written.finish()
        self._storage.put(self.sound_key(recording), sound, "audio/mpeg")
        about = {"duration_s": round(spoken.audio_s, 3), "words": words, "visemes": cues}
        self._storage.put(f"{recording}.json", json.dumps(about).encode(), "application/json")

    def _recording(self, name: str, text: str, speaker: Speaker) -> str:
        said = f"{self._engine}\n{speaker.engine_voice}\n{speaker.language}\n{text}"
        return f"{name}-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _busy() -> TooManyRequests:
    return TooManyRequests(
        "Other lines are being spoken: try again in a few seconds.",
        retry_after_s=5,
        code="lines_busy",
    )
