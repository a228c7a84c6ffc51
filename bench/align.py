"""How well a known text is found again in its sound, beside placing it evenly.

Voices and sentences are those that neither the hearing network nor the aligner's constants were
made with. What is taken for true are the voice's own durations, which come in steps of 25 ms.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bench.sentences import ENGLISH, JAPANESE
from charafy.engines.voice import SAMPLE_RATE, Clause, FrontEnd, Language, Mark, Pcm, Voice
from charafy.engines.voice.alignment import Aligner
from charafy.engines.voice.loudness import levels, runs, silent
from charafy.engines.voice.vocabulary import PUNCTUATION

VOICES: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("af_heart", "am_michael"),
    "ja": ("jf_alpha", "jm_kumo"),
}
SENTENCES: Final[dict[Language, tuple[str, ...]]] = {"en": ENGLISH[:10], "ja": JAPANESE[:10]}


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence, whole: its clauses joined, its sound and the marks that came with it."""

    clause: Clause
    pcm: Pcm
    marks: tuple[Mark, ...]


def run() -> dict[str, Any]:
    """Milliseconds by language: errors of starts against the true ones."""
    from bench.heard_corpus import kokoro
    from charafy.engines.voice.text import TextFrontEnd

    voice, front_end = kokoro(), TextFrontEnd()
    return {
        language: figures(list(_spoken(voice, front_end, language))) for language in ("en", "ja")
    }


def figures(speeches: Sequence[Spoken]) -> dict[str, Any]:
    """Median and 90th percentile of absolute errors, `late` their signed median, CPU."""
    aligner = Aligner()
    words: list[float] = []
    phonemes: list[float] = []
    evenly: list[float] = []
    spent = seconds = 0.0
    for speech in speeches:
        began = time.process_time()
        marks = aligner.marks(speech.clause, speech.pcm)
        spent += time.process_time() - began
        seconds += len(speech.pcm) / SAMPLE_RATE
        words += _errors(_starts(marks, "word"), _starts(speech.marks, "word"))
        phonemes += _errors(_starts(marks, "phoneme"), _starts(speech.marks, "phoneme"))
        evenly += _errors(_evenly(speech), _starts(speech.marks, "word"))
    return {
        "words": len(words),
        "word_start_median_ms": float(np.median(np.abs(words))),
        "word_start_p90_ms": float(np.percentile(np.abs(words), 90)),
        "word_start_late_ms": float(np.median(words)),
        "phoneme_start_median_ms": float(np.median(np.abs(phonemes))),
        "phoneme_start_p90_ms": float(np.percentile(np.abs(phonemes), 90)),
        "placed_evenly_word_start_median_ms": float(np.median(np.abs(evenly))),
        "placed_evenly_word_start_p90_ms": float(np.percentile(np.abs(evenly), 90)),
        "cpu_s_per_audio_s": spent / seconds,
    }


def _spoken(voice: Voice, front_end: FrontEnd, language: Language) -> Iterator[Spoken]:
    for text in SENTENCES[language]:
        words = tuple(w for clause in front_end.clauses(text, language) for w in clause.words)
        for name in VOICES[language]:
            chunks = list(voice.speak(text, name, language))
            marks = tuple(mark for chunk in chunks for mark in chunk.marks)
            pcm = np.concatenate([chunk.pcm for chunk in chunks])
            yield Spoken(Clause(words, language), pcm, marks)


def _starts(marks: Sequence[Mark], kind: str) -> list[float]:
    """Without spaces and punctuation, which have no sound of their own."""
    silent_symbols = PUNCTUATION | {" "}
    return [m.start_s for m in marks if m.kind == kind and m.text not in silent_symbols]


def _errors(ours: Sequence[float], true: Sequence[float]) -> list[float]:
    return [1000.0 * (a - b) for a, b in zip(ours, true, strict=True)]


def _evenly(speech: Spoken) -> list[float]:
    """Word starts if every symbol took the same time of what is heard."""
    heard = list(runs(~silent(levels(speech.pcm, SAMPLE_RATE))))
    begin, end = heard[0][0], min(heard[-1][1], len(speech.pcm) / SAMPLE_RATE)
    starts: list[float] = []
    at = 0
    for word in speech.clause.words:
        if word.text and not set(word.phonemes) <= PUNCTUATION:
            starts.append(at)
        at += len(word.phonemes) + word.space_after
    return [begin + start / at * (end - begin) for start in starts]
