"""The composition root: who clones voices, and who judges the recordings that they are made of."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from charafy.engines.voice import FrontEnd, Pcm
from charafy.engines.voice.cloning import Cloner
from charafy.engines.voice.cloning.chosen import ChosenCloner
from charafy.engines.voice.cloning.deferred import DeferredCloner
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.engines.voice.deferred import DeferredVoice
from charafy.engines.weights import Store
from charafy.ground import Ground
from charafy.kernel.errors import CharafyError
from charafy.kernel.settings import Settings
from charafy.matching import matcher_of, refining_is_installed
from charafy.voices.service import Emit, Speakers, Unload, VoiceRoom, Voices

if TYPE_CHECKING:
    from charafy.engines.voice.cloning.quality import Examiner, Quality

VAD_MODEL: Final = "silero-vad"


def cloner_of(
    settings: Settings, voice: DeferredVoice, front_end: FrontEnd, remote: Mapping[str, Cloner]
) -> Cloner:
    """The cloner that the settings name.

    `voice` is what matched voices are spoken with, reading as `front_end` does; `remote` are the
    cloners of services that are set up, by engine. Raises `CharafyError` with a sentence for the
    operator when there is nothing to match voices with.
    """
    return ChosenCloner(_chosen(settings, voice, front_end, remote), remote)


def _chosen(
    settings: Settings, voice: DeferredVoice, front_end: FrontEnd, remote: Mapping[str, Cloner]
) -> Cloner:
    match settings.cloner:
        case "openai" | "elevenlabs" as engine:
            return remote[engine]
        case "scripted":
            return ScriptedCloner()
        case "auto" if settings.voice_engine == "scripted":
            return ScriptedCloner()
        case _ if settings.voice_engine == "scripted":
            raise CharafyError(
                "CHARAFY_CLONER=match needs CHARAFY_VOICE_ENGINE=kokoro.", code="misconfigured"
            )
        case _:
            return DeferredCloner(
                lambda: matcher_of(settings, voice, front_end), refines=refining_is_installed()
            )


def voice_room_of(
    ground: Ground,
    cloner: Cloner,
    voices: Voices,
    unload: Unload,
    emit: Emit,
    *,
    speakers: Speakers,
) -> VoiceRoom:
    """Cloned voices in this house; `speakers` counts the characters that speak with one.

    `unload` lets this process keep nothing of a clone that it spoke with.
    """
    return VoiceRoom.build(
        ground.db,
        ground.clock,
        ground.settings,
        voices=voices,
        storage=ground.storage,
        examine=Ears(Store(ground.settings.models)).examine,
        cloner=cloner,
        unload=unload,
        credits=ground.credits,
        idempotency=ground.idempotency,
        emit=emit,
        speakers=speakers,
    )


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

                self._examiner = Examiner(Silero(self._store.required(VAD_MODEL)), Resemblyzer())
            return self._examiner
