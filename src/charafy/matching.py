"""The composition root: what voices are matched with, and refined where that is installed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from charafy.engines.voice import LANGUAGES, FrontEnd, Language, Pcm
from charafy.engines.voice.cloning import Cloner, CloningFailed, Reference
from charafy.engines.voice.deferred import DeferredVoice
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.weights import Store, WeightsUnavailable
from charafy.kernel.settings import Settings

if TYPE_CHECKING:
    from charafy.engines.hearing.whisper import Whisper
    from charafy.engines.voice.cloning.match import Ears, Workshop
    from charafy.engines.voice.cloning.match.campplus import CamPlus
    from charafy.engines.voice.cloning.match.space import Space
    from charafy.engines.voice.cloning.speakers import SpeakerEncoder

VOICE_MODEL: Final = "kokoro"
SPEAKER_MODEL: Final = "campplus"
HEARING_MODEL: Final = "whisper-base"


def refining_is_installed() -> bool:
    """Whether the optional packages are there that matched voices are refined with."""
    from charafy.engines.voice.cloning.match import refine

    return refine.available()


def matcher_of(settings: Settings, voice: DeferredVoice, front_end: FrontEnd) -> Cloner:
    """The matcher, which speaks with `voice`. Loads models, which takes a second.

    Raises `CloningFailed` when one is missing and can't be fetched.
    """
    from charafy.engines.voice.cloning.match import Ears, MatchCloner
    from charafy.engines.voice.cloning.match.campplus import CamPlus
    from charafy.engines.voice.cloning.match.space import shipped
    from charafy.engines.voice.cloning.speakers import Resemblyzer

    try:
        encoder = CamPlus(Store(settings.models).ensure(SPEAKER_MODEL))
        engine = voice.load()
    except WeightsUnavailable as error:
        raise CloningFailed("A model that voices are matched with is missing.") from error
    if not isinstance(engine, KokoroVoice):
        raise CloningFailed("Voices can only be matched to those of Kokoro.")
    ears, space, workshop = Ears(encoder, Resemblyzer()), shipped(), None
    if refining_is_installed():
        workshop = _workshop(settings, front_end, space, encoder, ears)
    return MatchCloner(engine, stock_styles(), space, ears, workshop)


def _workshop(
    settings: Settings, front_end: FrontEnd, space: Space, encoder: CamPlus, ears: Ears
) -> Workshop:
    from charafy.engines.voice.cloning.match import Workshop
    from charafy.engines.voice.cloning.match.jury import Jury
    from charafy.engines.voice.cloning.match.refine import Models, Refiner

    recognise = Transcription(Store(settings.models))
    models = Models(
        kokoro=Store(settings.models).ensure(VOICE_MODEL),
        cache=settings.models / "derived",
        encoder=encoder,
        recognise=recognise,
        front_end=front_end,
        spoken=recognise.spoken,
    )
    refiner = Refiner(models, space, stock_styles())
    return Workshop(refiner.improve, Jury(ears.report, recognise, front_end))


def transcriber_of(settings: Settings) -> Callable[[Reference], str | None]:
    """What is said in a recording, for services that want to know."""
    recognise = Transcription(Store(settings.models))

    def transcribe(reference: Reference) -> str | None:
        try:
            spoken = recognise.spoken(reference.pcm, reference.language)
            return recognise(reference.pcm, spoken) or None
        except OSError:
            return None  # a transcript helps; without one a voice is cloned all the same

    return transcribe


class Transcription:
    """What is said in a recording at the house's rate. Thread-safe; the model comes when needed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._recogniser: Whisper | None = None

    def __call__(self, pcm: Pcm, language: Language) -> str:
        """Raises `OSError` when the model is missing and can't be fetched."""
        from charafy.engines.voice.cloning.rates import listened

        return self._ready().transcribe(listened(pcm), language)

    def spoken(self, pcm: Pcm, told: Language) -> Language:
        """The language that is spoken in `pcm`, most likely `told`.

        People say which language a voice shall speak, and record what they can. Raises `OSError`.
        """
        from charafy.engines.voice.cloning.rates import listened

        found = self._ready().language(listened(pcm), (told, *LANGUAGES))
        return next(language for language in LANGUAGES if language == found)

    def _ready(self) -> Whisper:
        from charafy.engines.hearing.whisper import Whisper

        with self._lock:
            if self._recogniser is None:
                self._recogniser = Whisper(self._store.required(HEARING_MODEL))
            return self._recogniser


class Likeness:
    """How alike two recordings sound: the cosine that similarity is told by. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._encoder: SpeakerEncoder | None = None

    def __call__(self, one: Pcm, other: Pcm) -> float:
        with self._lock:
            if self._encoder is None:
                from charafy.engines.voice.cloning.speakers import Resemblyzer

                self._encoder = Resemblyzer()
        return float(self._encoder.embed(one) @ self._encoder.embed(other))
