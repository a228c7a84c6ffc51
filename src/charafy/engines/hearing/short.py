"""Whisper (MIT) for short turns: its encoder sees the turn and little more, not half a minute.

The encoder's work grows with the sound it is given, and a short turn is understood as well with
twelve seconds of it as with thirty; with much less the decoder begins to repeat itself. What was
measured is in docs/decisions/hearing.md.

Where `OMP_WAIT_POLICY` isn't "passive" when the process starts (`charafy talk` sets it), threads
that wait for work take all of a core from whoever else has some.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from charafy.engines.hearing import SAMPLE_RATE, Samples
from charafy.engines.hearing.endings import said

if TYPE_CHECKING:
    import ctranslate2
    import tokenizers
    from faster_whisper.feature_extractor import FeatureExtractor

_SHORTEST: Final = SAMPLE_RATE // 10
_LEAST_S: Final = 12.0
_MARGIN_S: Final = 2.0
_MOST_S: Final = 30.0
_FRAMES_PER_S: Final = 100
_TOKENS_PER_S: Final = 12
"""Of the fastest speech, in either language; what is longer is a loop."""
_NO_SPEECH: Final = 0.8
"""Above that likelihood nobody spoke, however sure the decoder is of its "Thank you."."""
_DOUBTFUL: Final = 0.4
_UNSURE: Final = -1.2
"""Mean log probability of the tokens below which what is doubtful was made up."""
_AGAIN: Final = re.compile(r"(.{4,60}?)(?:\s*\1){2,}")
"""The same three times and more: nobody speaks like that, but decoders that lost the thread."""


class ShortWhisper:
    """A `Recogniser`. The model is loaded when it is first needed; one turn at a time uses it."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """`folder` is the path of the weights store's "whisper-base"."""
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._model: ctranslate2.models.Whisper | None = None
        self._words: tokenizers.Tokenizer | None = None
        self._features: FeatureExtractor | None = None

    def transcribe(self, samples: Samples, language: str) -> str:
        """See `Recogniser.transcribe`; of more than 30 s the last. Raises `OSError`."""
        if len(samples) < _SHORTEST:
            return ""
        samples = samples[-int(_MOST_S * SAMPLE_RATE) :]
        length_s = len(samples) / SAMPLE_RATE
        context_s = min(_MOST_S, max(_LEAST_S, length_s + _MARGIN_S))
        with self._lock:
            text = self._heard(samples, language, context_s)
            if context_s < _MOST_S and _AGAIN.search(text):
                text = self._heard(samples, language, _MOST_S)
        return said(_AGAIN.sub(r"\1", text))

    def language(self, samples: Samples, languages: Sequence[str]) -> str:
        """See `Recogniser.language`. Raises `OSError` when the model is missing."""
        if len(samples) < _SHORTEST:
            return languages[0]
        with self._lock:
            model, _ = self._ready()
            likely = model.detect_language(self._seen(samples, _MOST_S))[0]
        share = {name.strip("<|>"): value for name, value in likely}
        return max(languages, key=lambda language: float(share.get(language, 0.0)))

    def _heard(self, samples: Samples, language: str, context_s: float) -> str:
        model, words = self._ready()
        prompt = [f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]
        begin = [words.token_to_id(token) for token in ("<|startoftranscript|>", *prompt)]
        most = 12 + int(len(samples) / SAMPLE_RATE * _TOKENS_PER_S)
        [result] = model.generate(
            self._seen(samples, context_s),
            [begin],
            beam_size=1,
            max_length=len(begin) + most,
            return_scores=True,
            return_no_speech_prob=True,
        )
        doubt, score = result.no_speech_prob, result.scores[0]
        if doubt > _NO_SPEECH or (doubt > _DOUBTFUL and score < _UNSURE):
            return ""
        end = words.token_to_id("<|endoftext|>")
        text: str = words.decode([token for token in result.sequences_ids[0] if token < end])
        return text.strip()

    def _seen(self, samples: Samples, context_s: float) -> Any:
        import ctranslate2

        assert self._features is not None
        frames = int(context_s * _FRAMES_PER_S)
        wanted = int(context_s * SAMPLE_RATE)
        padded = np.pad(samples[:wanted], (0, max(0, wanted - len(samples))))
        mel = self._features(padded.astype(np.float32), padding=0)[:, :frames]
        return ctranslate2.StorageView.from_array(np.ascontiguousarray(mel[None], np.float32))

    def _ready(self) -> tuple[ctranslate2.models.Whisper, tokenizers.Tokenizer]:
        if self._model is None or self._words is None:
            if not (self._folder / "model.bin").is_file():
                raise FileNotFoundError(f"there is no Whisper model in {self._folder}")
            import ctranslate2
            import tokenizers
            from faster_whisper.feature_extractor import FeatureExtractor

            self._model = ctranslate2.models.Whisper(
                str(self._folder), device="cpu", compute_type="int8", intra_threads=self._threads
            )
            self._words = tokenizers.Tokenizer.from_file(str(self._folder / "tokenizer.json"))
            self._features = FeatureExtractor()
        return self._model, self._words
