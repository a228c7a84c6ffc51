"""Whisper (MIT) by faster-whisper: 0.4 CPU-seconds per second of speech with its base model."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from charafy.engines.hearing import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

_SHORTEST: Final = SAMPLE_RATE // 10
_DETECTED_S: Final = 30
"""What the model sees at once."""


class Whisper:
    """A `Recogniser`. The model is loaded at the first recording."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """`folder` is the path of the weights store's "whisper-base"."""
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._model: WhisperModel | None = None

    def transcribe(self, samples: Samples, language: str) -> str:
        """See `Recogniser.transcribe`. Raises `OSError` when the model is missing."""
        if len(samples) < _SHORTEST:
            return ""
        segments, _ = self._ready().transcribe(
            samples,
            language=language,
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return "".join(segment.text for segment in segments).strip()

    def language(self, samples: Samples, languages: Sequence[str]) -> str:
        """See `Recogniser.language`. Raises `OSError` when the model is missing."""
        if len(samples) < _SHORTEST:
            return languages[0]
        _, _, likely = self._ready().detect_language(samples[: _DETECTED_S * SAMPLE_RATE])
        share = dict(likely)
        return max(languages, key=lambda language: float(share.get(language, 0.0)))

    def _ready(self) -> WhisperModel:
        with self._lock:
            if self._model is None:
                if not (self._folder / "model.bin").is_file():
                    raise FileNotFoundError(f"there is no Whisper model in {self._folder}")
                from faster_whisper import WhisperModel

                self._model = WhisperModel(
                    str(self._folder),
                    device="cpu",
                    compute_type="int8",
                    cpu_threads=self._threads,
                    local_files_only=True,
                )
            return self._model
