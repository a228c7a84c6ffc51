"""Say sentences, recognise them with Whisper base and compare: is every word understood?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.sentences import ENGLISH, HARD_ENGLISH, HARD_JAPANESE, JAPANESE
from charafy.engines.voice import SAMPLE_RATE, Language, Pcm, Voice
from charafy.engines.voice.text.english.reading import read

_RATE = 16_000
_CLOCK = re.compile(r"\b(\d{1,2})\.(\d\d) ?([ap]m)\b", re.I)
_ALIKE = {"favourite": "favorite", "ok": "okay", "ay": "a"}


@dataclass(frozen=True, slots=True)
class Heard:
    """One sentence: how it should sound, what was recognised, and the errors between them."""

    language: Language
    written: str
    expected: str
    heard: str
    errors: int
    units: int
    """Words (English) or kana (Japanese) of `expected`."""


def run(
    voice: Voice,
    recogniser: Any,
    english: str = "af_heart",
    japanese: str = "jf_alpha",
    *,
    hard: bool = True,
) -> dict[str, Any]:
    """WER of English, kana CER of Japanese (0..1, lower is better) and the misreadings.

    `recogniser` is a `faster_whisper.WhisperModel`. Keys: `wer`, `cer` over the plain sentences,
    `hard_wer`, `hard_cer` over the hard ones, `misread` with every sentence that is not perfect.
    """
    kana = kana_reader()
    sets: list[tuple[str, Language, str, Iterable[tuple[str, str]]]] = [
        ("wer", "en", english, [(s, s) for s in ENGLISH]),
        ("cer", "ja", japanese, [(s, s) for s in JAPANESE]),
    ]
    if hard:
        sets += [
            ("hard_wer", "en", english, HARD_ENGLISH),
            ("hard_cer", "ja", japanese, HARD_JAPANESE),
        ]
    report: dict[str, Any] = {}
    misread: list[Heard] = []
    for name, language, speaker, sentences in sets:
        units: Callable[[str], list[str]] = words if language == "en" else kana
        heard = [_hear(voice, recogniser, speaker, language, s, e, units) for s, e in sentences]
        report[name] = sum(h.errors for h in heard) / max(1, sum(h.units for h in heard))
        misread += [h for h in heard if h.errors]
    return report | {"misread": [asdict(heard) for heard in misread]}


def _hear(
    voice: Voice,
    recogniser: Any,
    speaker: str,
    language: Language,
    written: str,
    expected: str,
    units: Callable[[str], list[str]],
) -> Heard:
    chunks = [chunk.pcm for chunk in voice.speak(written, speaker, language)]
    segments, _ = recogniser.transcribe(
        _resampled(np.concatenate(chunks)), language=language, beam_size=2, temperature=0,
        condition_on_previous_text=False, without_timestamps=True,
    )  # fmt: skip
    text = "".join(segment.text for segment in segments).strip()
    wanted, found = units(expected), units(text)
    return Heard(language, written, expected, text, distance(wanted, found), len(wanted))


def _resampled(pcm: Pcm) -> Pcm:
    from scipy.signal import resample_poly

    return np.asarray(resample_poly(pcm, _RATE, SAMPLE_RATE), np.float32)


def words(text: str) -> list[str]:
    """Words as they are said, so that "$5" and "five dollars" are equal, and "FBI" and "F B I"."""
    written = text.replace("’", "'").replace("%", " percent")
    written = _CLOCK.sub(r"\1:\2 \3", written)
    spoken = (word for token in read(written, british=False) for word in token.words)
    said = (" ".join(w) if w.isupper() and len(w) < 6 else w for w in spoken)
    return [_ALIKE.get(w, w) for w in re.findall(r"[a-z']+", " ".join(said).lower())]


def kana_reader() -> Callable[[str], list[str]]:
    """Text -> kana of its reading: recognisers choose their own kanji and digits."""
    from charafy.engines.voice.text.japanese.speech import JapaneseSpeech

    speech = JapaneseSpeech()

    def kana(text: str) -> list[str]:
        written = re.sub(r"[\s「」]", "", text)
        return re.findall("[ァ-ヺー]", "".join(word.reading for word in speech.say(written)))

    return kana


def distance(wanted: list[str], found: list[str]) -> int:
    row = list(range(len(found) + 1))
    for i, unit in enumerate(wanted, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(found, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (unit != other))
    return row[-1]


def measure() -> dict[str, Any]:
    """`run` with Kokoro and the Whisper base of the model cache, one thread each."""
    from pathlib import Path

    import platformdirs
    from faster_whisper import WhisperModel

    from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
    from charafy.engines.voice.text import TextFrontEnd

    models = Path(platformdirs.user_cache_dir("charafy")) / "models"
    model = models / "kokoro-v1.0.int8.onnx"
    voice = KokoroVoice(model, stock_styles(), TextFrontEnd(), models / "derived", threads=1)
    recogniser = WhisperModel(str(models / "whisper-base"), compute_type="int8", cpu_threads=1)
    return run(voice, recogniser)
