"""How alike matched voices are, how well they are understood, and what they cost.

Similarity is heard by Resemblyzer on sentences that were never said while a voice was made.
Resemblyzer takes no part in making it; for a refined voice it has a say in whether it is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench import roundtrip
from bench.references import Person, people
from charafy.engines.voice import Language, Pcm
from charafy.engines.voice.cloning import Clone, Reference
from charafy.engines.voice.cloning.clonefile import unpack
from charafy.engines.voice.cloning.match import Ears, MatchCloner, Workshop
from charafy.engines.voice.cloning.match.campplus import CamPlus
from charafy.engines.voice.cloning.match.pitch import median_hz
from charafy.engines.voice.cloning.match.space import REGISTER, TIMBRE, Space, shipped
from charafy.engines.voice.cloning.speakers import Resemblyzer, SpeakerEncoder
from charafy.engines.voice.kokoro import KokoroVoice, Style, stock_styles
from charafy.engines.voice.kokoro.clones import CloneStyles
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.weights import Store
from charafy.kernel.settings import Settings
from charafy.matching import refining_is_installed

HELD_OUT: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "I would rather have the blue jacket, if it is not too much trouble.",
        "Seven children played beside the frozen lake until it was dark.",
        "Could you tell me which platform the evening train leaves from?",
    ),
    "ja": (
        "夏休みに家族みんなで北海道へ旅行する予定です。",
        "このお店の料理は、どれもおいしくて値段も安いです。",
        "すみません、市役所へはどう行けばいいですか。",
    ),
}
DEFAULT: Mapping[Language, str] = {"en": "af_heart", "ja": "jf_alpha"}
REFINED = ("karen", "robert", "sensibility", "mahiruma", "james", "patricia")
UNDERSTOOD = ("karen", "robert", "mahiruma")
RIDGE = 0.3
"""Of the blend, as in the prototype."""


@dataclass
class Figures:
    """What came out for each kind of voice."""

    rows: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, kind: str, name: str, value: float) -> None:
        self.rows.setdefault(kind, {}).setdefault(name, []).append(value)

    def last(self) -> dict[str, float]:
        """The newest value that Resemblyzer heard of each kind."""
        return {
            kind: round(row["resemblyzer"][-1], 3)
            for kind, row in self.rows.items()
            if "resemblyzer" in row
        }

    def means(self) -> dict[str, Any]:
        return {
            kind: {name: round(float(np.mean(values)), 3) for name, values in row.items()}
            for kind, row in self.rows.items()
        }


class Clones:
    """Clones by name, as the house would keep them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, name: str) -> tuple[str, Mapping[str, Any]]:
        return unpack(self.files[name])


def run() -> dict[str, Any]:
    """Similarities (cosines), seconds and CPU seconds."""
    store, front_end, clones = Store(Settings().models), TextFrontEnd(), Clones()
    model, stock = store.ensure("kokoro"), stock_styles()
    styles = CloneStyles(stock, clones.read)
    voice = KokoroVoice(model, styles, front_end, model.parent / "derived")
    encoder, ear, space = CamPlus(store.ensure("campplus")), Resemblyzer(), shipped()
    workshop = _workshop(store, front_end, space, encoder, ear)
    cloner = MatchCloner(voice, stock, space, Ears(encoder, ear), workshop)
    studio = Studio(voice, space, stock, encoder, ear, Figures())
    made: dict[str, Clone] = {}
    for person in people(Path("var/references")):
        studio.hear_stock(person)
        with studio.timed("instant"):
            made[person.name] = cloner.clone(_reference(person), person.name, _silent)
        clones.files[f"voices/{person.name}"] = made[person.name].data
        studio.hear(person, "instant", f"voices/{person.name}")
        if workshop is not None and person.name in REFINED:
            with studio.timed("refined"):
                better = cloner.refine(_reference(person), made[person.name], _silent)
            studio.figures.add("refined", "kept", float(better is not None))
            refined = f"voices/{person.name}-refined"
            clones.files[refined] = (better or made[person.name]).data
            studio.hear(person, "refined", refined)
            studio.hear(person, "instant, of those that were refined", f"voices/{person.name}")
        print(f"{person.name}: {studio.figures.last()}", flush=True)
    return studio.figures.means()


def understood() -> dict[str, Any]:
    """Words and kana that Whisper mishears of matched voices, beside those of the stock voices."""
    store, clones = Store(Settings().models), Clones()
    model = store.ensure("kokoro")
    styles = CloneStyles(stock_styles(), clones.read)
    voice = KokoroVoice(model, styles, TextFrontEnd(), model.parent / "derived")
    ears = Ears(CamPlus(store.ensure("campplus")), Resemblyzer())
    cloner = MatchCloner(voice, stock_styles(), shipped(), ears)
    for person in people(Path("var/references")):
        if person.name in UNDERSTOOD:
            made = cloner.clone(_reference(person), person.name, _silent)
            clones.files[f"voices/{person.name}"] = made.data
    return _misheard(voice, store)


@dataclass
class Studio:
    voice: KokoroVoice
    space: Space
    stock: Mapping[str, Style]
    search: SpeakerEncoder
    ear: SpeakerEncoder
    figures: Figures

    def hear_stock(self, person: Person) -> None:
        """The speaker himself, the default voice, the nearest one and the prototype's blend."""
        halves = np.array_split(person.pcm, 2)
        self.figures.add("the speaker", "resemblyzer", _alike(self.ear, *halves))
        self.figures.add("the speaker", "campplus", _alike(self.search, *halves))
        self.hear(person, "default voice", DEFAULT[person.language])
        hertz = median_hz(person.pcm) or 150.0
        wanted = self.search.embed(person.pcm)
        near = self.space.nearest(wanted, hertz, person.language)[0]
        self.hear(person, "nearest stock voice", near.name)
        pitch = float(np.clip(hertz / near.pitch_hz, 0.6, 1.7))
        self.compare(
            person,
            "blend (prototype, without its spectrum)",
            lambda text: self._blended(text, near.name, pitch, wanted, person.language),
        )

    def hear(self, person: Person, kind: str, name: str) -> None:
        for language in HELD_OUT:
            suffix = "" if language == person.language else " (other language)"

            def say(text: str, spoken: Language = language) -> Pcm:
                return _joined(self.voice.speak(text, name, spoken))

            if suffix and not name.startswith("voices/"):
                continue
            self.compare(person, kind + suffix, say, language)

    def compare(
        self,
        person: Person,
        kind: str,
        say: Callable[[str], Pcm],
        language: Language | None = None,
    ) -> None:
        for text in HELD_OUT[language or person.language]:
            said = say(text)
            self.figures.add(kind, "resemblyzer", _alike(self.ear, said, person.pcm))
            self.figures.add(kind, "campplus", _alike(self.search, said, person.pcm))

    def _blended(self, text: str, base: str, pitch: float, wanted: Any, language: Language) -> Pcm:
        embeddings = np.stack([voice.embedding for voice in self.space.stock])
        pitch_hz = next(voice.pitch_hz for voice in self.space.stock if voice.name == base)
        apart = [abs(np.log(voice.pitch_hz / pitch_hz)) for voice in self.space.stock]
        near = np.array(apart) < REGISTER
        near = near / near.sum()
        square = embeddings @ embeddings.T + RIDGE * np.eye(len(near))
        shares = near + np.linalg.solve(square, embeddings @ (wanted - embeddings.T @ near))
        shares /= shares.sum()
        table = np.array(self.stock[base].table, np.float32)
        timbres = [self.stock[voice.name].table[60, :TIMBRE] for voice in self.space.stock]
        table[:, :TIMBRE] = shares @ np.stack(timbres).astype(np.float64)
        return _joined(self.voice.speak_as(text, Style(table, pitch), language))

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        began, cpu = time.perf_counter(), time.process_time()
        yield
        self.figures.add(kind, "seconds", time.perf_counter() - began)
        self.figures.add(kind, "cpu_seconds", time.process_time() - cpu)


def _workshop(
    store: Store, front_end: TextFrontEnd, space: Space, encoder: CamPlus, ear: SpeakerEncoder
) -> Workshop | None:
    if not refining_is_installed():
        return None
    from charafy.engines.voice.cloning.match.jury import Jury
    from charafy.engines.voice.cloning.match.refine import Models, Refiner
    from charafy.matching import Transcription

    recognise, kokoro = Transcription(store), store.ensure("kokoro")
    models = Models(kokoro, kokoro.parent / "derived", encoder, recognise, front_end)
    refiner = Refiner(models, space, stock_styles())
    return Workshop(refiner.improve, Jury(ear, recognise, front_end))


def _misheard(voice: KokoroVoice, store: Store) -> dict[str, Any]:
    from faster_whisper import WhisperModel

    folder = str(store.ensure("whisper-base"))
    recogniser = WhisperModel(folder, compute_type="int8", cpu_threads=1)
    report: dict[str, Any] = {}
    pairs = [("stock", "af_heart", "jf_alpha")]
    pairs += [(name, f"voices/{name}", f"voices/{name}") for name in UNDERSTOOD]
    for name, english, japanese in pairs:
        heard = roundtrip.run(voice, recogniser, english, japanese, hard=False)
        report[name] = {"wer": round(heard["wer"], 4), "cer": round(heard["cer"], 4)}
    return report


def _reference(person: Person) -> Reference:
    return Reference(person.pcm, person.language)


def _alike(ear: SpeakerEncoder, one: Pcm, other: Pcm) -> float:
    return float(ear.embed(one) @ ear.embed(other))


def _joined(chunks: Iterator[Any]) -> Pcm:
    return np.concatenate([chunk.pcm for chunk in chunks])


def _silent(_done: float) -> None:
    """Nobody watches."""
