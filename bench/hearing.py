"""What is understood of short turns, at which cost, and how well their ends are told.

People: those of `bench.references`, who read one to three sentences each. What twelve of them say
is told nowhere: it was written down from what Whisper hears, corrected by sense. Stock voices say
the evaluation sentences, whose words are known, with the hiss of a microphone (25 dB) laid under.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench import roundtrip
from bench.heard_corpus import HELD_OUT, kokoro
from bench.references import people
from bench.sentences import ENGLISH, JAPANESE
from charafy.engines.hearing import SAMPLE_RATE, Melody, Recogniser, Samples, Vad
from charafy.engines.hearing.endings import is_complete
from charafy.engines.hearing.melody import SmartTurn, bundled
from charafy.engines.hearing.short import ShortWhisper
from charafy.engines.hearing.silero import Silero
from charafy.engines.hearing.turns import Ended, Hesitated, TurnTaker
from charafy.engines.hearing.whisper import Whisper
from charafy.engines.voice import Language
from charafy.engines.voice.cloning.rates import listened
from charafy.engines.weights import Store
from charafy.kernel.settings import Settings

WORDS = {
    "andrew": "The name, which is Cajun French in origin and means mosquito, is pronounced "
    "Maringouin.",
    "ashley": "Further information showed Bows what happened the day that Hemp came to claim Mimi.",
    "harold": "Air was either entering or escaping at the rim with a thin sizzling sound.",
    "james": "We have also started contemplating the possibility of moving back to Colorado.",
    "jennifer": "The respondent becomes committed to this proposition when he gives any direct "
    "answer.",
    "karen": "Later, we simply let life proceed in its own direction toward its own fate.",
    "kevin": "The historically listed totem theatre, created for the entertainment of this camp, "
    "still exists today.",
    "linda_johnson": "The irons weighed from three to four pounds, but heavier irons, seven or "
    "eight pounds weight,",
    "patricia": "The two men hurried back and found the cylinder still lying in the same position.",
    "robert": "While the principle remains the same, in most towns the function has evolved "
    "differently.",
    "ryan": "There are powerful forces on both sides, and the war is important to both armies.",
    "sarah": "I want my husband to wander as free as the wind that shapes the dunes.",
    "sensibility": "And Mr. John Dashwood had then leisure to consider how much there might be "
    "prudently in his power to do for them. Unless to be rather cold-hearted and rather selfish "
    "is to be ill-disposed.",
    "sonnet": "might never die, but as the riper should by time decease, his tender heir might "
    "bear his memory: But thou, contracted to thine own bright eyes, feed'st thy light's",
    "mahiruma": "真っ昼間なのにキャンプの外れの電柱に電球がともっていた",
}
_PAUSES_S = (0.4, 0.7, 1.0)
_OVER = 0.5
_BROKEN_OFF = 3
"""Places in each sentence, by chance."""
_PIECE = SAMPLE_RATE // 50


@dataclass(frozen=True, slots=True)
class Turn:
    language: Language
    words: str
    samples: Samples
    human: bool
    ends_s: tuple[float, ...] = ()
    """Where each word but the last ends, if that is known."""


def run() -> dict[str, Any]:
    folder = Store(Settings().models).ensure("whisper-base")
    vad = Silero(Store(Settings().models).ensure("silero-vad"))
    said = turns()
    short = ShortWhisper(folder, 1)
    model = bundled()
    assert model is not None
    melody = SmartTurn(model)
    kinds: tuple[tuple[str, Recogniser | None, Melody | None], ...] = (
        ("by_words_and_melody", short, melody),
        ("by_words", short, None),
        ("by_silence_alone", None, None),
    )
    in_language = {name: [t for t in said if t.language == name] for name in ("en", "ja")}
    return {
        "short": understood(short, said),
        "half_minute": understood(Whisper(folder, 1), said),
        "broken_off": {
            name: broken_off(short, melody, turns_) for name, turns_ in in_language.items()
        },
        "endings": {
            f"{name}_{kind}": endings(vad, recogniser, melody_, turns_)
            for name, turns_ in in_language.items()
            for kind, recogniser, melody_ in kinds
        },
    }


@cache
def turns() -> tuple[Turn, ...]:
    noise = np.random.default_rng(1)
    said = [
        Turn(person.language, WORDS[person.name], listened(person.pcm), human=True)
        for person in people(Path("var/references"))
    ]
    voice = kokoro()
    sets: tuple[tuple[Language, tuple[str, ...], tuple[str, ...]], ...] = (
        ("en", ENGLISH, HELD_OUT[:3]),
        ("ja", JAPANESE, HELD_OUT[3:]),
    )
    for language, sentences, names in sets:
        for number, text in enumerate(sentences):
            spoken = list(voice.speak(text, names[number % len(names)], language))
            heard = listened(np.concatenate([chunk.pcm for chunk in spoken]))
            words = [m for chunk in spoken for m in chunk.marks if m.kind == "word"]
            ends_s = tuple(mark.end_s for mark in words[:-1])
            hiss = noise.standard_normal(len(heard)) * np.sqrt(np.mean(heard**2)) * 10 ** (-25 / 20)
            samples = (heard + hiss).astype(np.float32)
            said.append(Turn(language, text, samples, human=False, ends_s=ends_s))
    return tuple(said)


def understood(recogniser: Recogniser, said: Sequence[Turn]) -> dict[str, float]:
    """Error rates (0..1) of words (English) and kana (Japanese), and CPU-seconds."""
    kana = roundtrip.kana_reader()
    recogniser.transcribe(np.zeros(SAMPLE_RATE, np.float32), "en")
    errors: dict[str, list[tuple[int, int]]] = {}
    spent: list[float] = []
    for turn in said:
        began = time.process_time()
        text = recogniser.transcribe(turn.samples, turn.language)
        spent.append(time.process_time() - began)
        units: Callable[[str], list[str]] = roundtrip.words if turn.language == "en" else kana
        wanted = units(turn.words)
        kind = f"{'people' if turn.human else 'sentences'}_{turn.language}"
        errors.setdefault(kind, []).append((roundtrip.distance(wanted, units(text)), len(wanted)))
    rates = {
        kind: sum(e for e, _ in all_) / sum(n for _, n in all_) for kind, all_ in errors.items()
    }
    seconds = sum(len(turn.samples) for turn in said) / SAMPLE_RATE
    return rates | {"cpu_s_of_a_turn": median(spent), "cpu_s_per_s": sum(spent) / seconds}


def broken_off(recogniser: Recogniser, melody: Melody, said: Sequence[Turn]) -> dict[str, float]:
    """How many turns pass for over, of whole ones and of such as were broken off after a word."""
    chance = random.Random(2)
    whole: list[tuple[bool, bool]] = []
    parts: list[tuple[bool, bool]] = []
    spent_s = 0.0
    for turn in said:
        places = [at_s for at_s in turn.ends_s if at_s > 0.5]
        places = chance.sample(places, min(_BROKEN_OFF, len(places)))
        for at_s in (_last_s(turn.samples), *places):
            sound = np.concatenate(
                (turn.samples[: int((at_s + 0.02) * SAMPLE_RATE)], _floor(SAMPLE_RATE // 6))
            )
            words = is_complete(recogniser.transcribe(sound, turn.language), turn.language)
            began = time.process_time()
            sounds = melody.over(sound) > _OVER
            spent_s += time.process_time() - began
            (parts if at_s in places else whole).append((words, sounds))
    figures = {"whole": float(len(whole)), "broken_off": float(len(parts))}
    for name, judged in (("whole", whole), ("broken_off", parts)):
        for by, passed in (
            ("words", [words for words, _ in judged]),
            ("melody", [sounds for _, sounds in judged]),
            ("both", [words and sounds for words, sounds in judged]),
        ):
            figures[f"{name}_pass_by_{by}"] = sum(passed) / len(passed)
    return figures | {"melody_cpu_s": spent_s / (len(whole) + len(parts))}


def endings(
    vad: Vad, recogniser: Recogniser | None, melody: Melody | None, said: Sequence[Turn]
) -> dict[str, float]:
    """Turns as they are, and with a pause where they are quietest: cut apart how often, and how
    long after the last word it was known that they were over.

    Without a recogniser 0.5 s of silence end a turn, whatever was said. Recognising takes no time
    here: it is over before 0.5 s are.
    """
    delays: list[float] = []
    early = 0
    for turn in said:
        ends = list(_ends(vad, recogniser, melody, turn.samples, turn.language))
        early += sum(at < _last_s(turn.samples) for at in ends)
        delays.append(ends[-1] - _last_s(turn.samples))
    figures = {
        "turns": float(len(said)),
        "cut_apart": early / len(said),
        "delay_s_median": median(delays),
        "delay_s_p90": float(np.quantile(delays, 0.9)),
    }
    long = [turn for turn in said if len(turn.samples) > 2.5 * SAMPLE_RATE]
    for pause_s in _PAUSES_S:
        cut = sum(
            any(at < _last_s(paused) for at in ends)
            for turn in long
            for paused in [_paused(turn.samples, pause_s)]
            for ends in [_ends(vad, recogniser, melody, paused, turn.language)]
        )
        figures[f"cut_at_pause_of_{pause_s}_s"] = cut / len(long)
    return figures


def _ends(
    vad: Vad,
    recogniser: Recogniser | None,
    melody: Melody | None,
    samples: Samples,
    language: str,
) -> Iterator[float]:
    """When the turn was thought to be over, in seconds of `samples`."""
    taker = TurnTaker(vad.listen())
    lead = SAMPLE_RATE
    sound = np.concatenate((_floor(lead), samples, _floor(3 * SAMPLE_RATE)))
    for at in range(0, len(sound), _PIECE):
        for heard in taker.feed(sound[at : at + _PIECE]):
            if isinstance(heard, Hesitated):
                taker.expect(
                    recogniser is None
                    or is_complete(recogniser.transcribe(heard.samples, language), language),
                    over=melody is None or melody.over(heard.samples) > _OVER,
                )
            elif isinstance(heard, Ended):
                yield heard.at_s - lead / SAMPLE_RATE


def _floor(count: int) -> Samples:
    return np.random.default_rng(2).normal(0, 3e-4, count).astype(np.float32)


def _levels(samples: Samples) -> Samples:
    """Of every 20 ms, smoothed over three."""
    whole = samples[: len(samples) // _PIECE * _PIECE].reshape(-1, _PIECE)
    return np.convolve(np.sqrt(np.mean(whole**2, axis=1)), np.ones(3) / 3, "same").astype(
        np.float32
    )


def _last_s(samples: Samples) -> float:
    """Where the last word ends."""
    levels = _levels(samples)
    return float(np.flatnonzero(levels > 0.06 * np.quantile(levels, 0.95))[-1] + 1) / 50


def _paused(samples: Samples, pause_s: float) -> Samples:
    """With that much silence more, in the quietest place between 40 and 75 % of the turn."""
    levels = _levels(samples)
    first = int(0.4 * len(levels))
    at = (first + int(np.argmin(levels[first : int(0.75 * len(levels))]))) * _PIECE
    return np.concatenate((samples[:at], _floor(int(pause_s * SAMPLE_RATE)), samples[at:]))
