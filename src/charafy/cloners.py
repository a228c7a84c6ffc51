"""The composition root: who clones voices, and who judges the recordings that they are made of."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from charafy.engines.voice import Pcm
from charafy.engines.voice.cloning import Clone, Cloner, CloningFailed, Method, Progress, Reference
from charafy.engines.voice.cloning.chosen import ChosenCloner
from charafy.engines.voice.cloning.deferred import DeferredCloner
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.engines.voice.deferred import DeferredVoice
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.weights import Store, WeightsUnavailable
from charafy.ground import Ground
from charafy.kernel.settings import Settings
from charafy.voices.service import Emit, Speakers, VoiceRoom, Voices

if TYPE_CHECKING:
    from charafy.engines.voice.cloning.quality import Examiner, Quality
    from charafy.engines.voice.cloning.speakers import SpeakerEncoder

VAD_MODEL: Final = "silero-vad"
SPEAKER_MODEL: Final = "campplus"


def cloner_of(settings: Settings, voice: DeferredVoice, remote: Mapping[str, Cloner]) -> Cloner:
    """The cloner that the settings name.

    `voice` is what matched voices are spoken with; `remote` are the cloners of services that are
    set up, by engine.
    """
    return ChosenCloner(_chosen(settings, voice, remote), remote)


def _chosen(settings: Settings, voice: DeferredVoice, remote: Mapping[str, Cloner]) -> Cloner:
    match settings.cloner:
        case "openai" | "elevenlabs" as engine:
            return remote[engine]
        case "scripted":
            return ScriptedCloner()
        case "auto" if settings.voice_engine == "scripted":
            return ScriptedCloner()
        case _ if settings.voice_engine == "scripted":
            return NoCloner()
        case _:
            return DeferredCloner(lambda: _matcher(settings, voice))


def _matcher(settings: Settings, voice: DeferredVoice) -> Cloner:
    """Raises `CloningFailed` when a model is missing and can't be fetched."""
    from charafy.engines.voice.cloning.match import Ears as Listeners
    from charafy.engines.voice.cloning.match import MatchCloner
    from charafy.engines.voice.cloning.match.campplus import CamPlus
    from charafy.engines.voice.cloning.match.space import shipped
    from charafy.engines.voice.cloning.speakers import Resemblyzer

    try:
        model = Store(settings.models).ensure(SPEAKER_MODEL)
        engine = voice.load()
    except WeightsUnavailable as error:
        raise CloningFailed("A model that voices are matched with is missing.") from error
    if not isinstance(engine, KokoroVoice):
        raise CloningFailed("Voices can only be matched to those of Kokoro.")
    ears = Listeners(CamPlus(model), Resemblyzer())
    return MatchCloner(engine, stock_styles(), shipped(), ears)


def voice_room_of(
    ground: Ground, cloner: Cloner, voices: Voices, *, emit: Emit, speakers: Speakers
) -> VoiceRoom:
    """Cloned voices in this house; `speakers` counts the characters that speak with one."""
    return VoiceRoom.build(
        ground.db,
        ground.clock,
        ground.settings,
        voices=voices,
        storage=ground.storage,
        examine=Ears(Store(ground.settings.models)).examine,
        cloner=cloner,
        credits=ground.credits,
        idempotency=ground.idempotency,
        emit=emit,
        speakers=speakers,
    )


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


class NoCloner:
    """Where nobody clones."""

    @property
    def method(self) -> Method:
        return "matching"

    @property
    def refines(self) -> bool:
        return False

    def clone(self, reference: Reference, name: str, progress: Progress) -> Clone:
        raise CloningFailed("no cloner is set up")

    def refine(self, reference: Reference, clone: Clone, progress: Progress) -> Clone | None:
        return None

    def forget(self, data: bytes) -> None:
        """There is nothing to forget."""


class Ears:
    """Judges recordings, with models that are loaded when they are first needed. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._examiner: Examiner | None = None

    def examine(self, pcm: Pcm) -> Quality:
        """See `Examiner.examine`. Raises `OSError` when a model is missing."""
        return self._ready().examine(pcm)

    def _ready(self) -> Examiner:
        with self._lock:
            if self._examiner is None:
                from charafy.engines.hearing.silero import Silero
                from charafy.engines.voice.cloning.quality import Examiner
                from charafy.engines.voice.cloning.speakers import Resemblyzer

                try:
                    model = self._store.ensure(VAD_MODEL)
                except WeightsUnavailable as error:
                    raise OSError(str(error)) from None
                self._examiner = Examiner(Silero(model), Resemblyzer())
            return self._examiner
