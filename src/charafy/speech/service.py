"""Text in, paid speech out: what the routes, the voices' samples and the command line ask for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from starlette.requests import Request

from charafy.characters.service import Characters
from charafy.credits.service import Credits, DailyAllowance
from charafy.engines.voice import FrontEnd, Language, Mark, NothingToSay, Pcm, Voice
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.errors import BadRequest, NotFound
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.idempotency import Fingerprint, Idempotency, Replay, Ticket
from charafy.kernel.ids import is_id
from charafy.kernel.leases import Leases
from charafy.kernel.media.audio import AudioFormat, encoder
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.kernel.traces import OFF, Traces
from charafy.speech.jobs import LEASE_S, Job, Order, Till, hold
from charafy.speech.recording import Recording, collect_now
from charafy.speech.scheduler import Scheduler
from charafy.speech.synthesis import Synthesis
from charafy.voices.service import VoiceInfo, Voices

__all__ = ["Job", "Order", "Recording", "Replay", "Speaker", "Speech", "Spoken"]

_THREADS_OF_ONE = 2
"""What a synthesis uses when the settings leave it open."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks."""

    engine_voice: str
    language: Language
    voice_id: str | None = None
    """Of the voice, for who speaks later: a clone may sound better by then."""
    character_id: str | None = None
    """Of the character that speaks, for the books; None when it is a voice alone."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A whole speech: mono samples at 24 kHz and their timeline."""

    pcm: Pcm
    marks: tuple[Mark, ...]


class Speech:
    """Thread-safe. `close` ends what is under way and its threads."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        voice: Voice,
        front_end: FrontEnd,
        characters: Characters,
        voices: Voices,
        credits: Credits,
        idempotency: Idempotency,
        storage: Storage,
        settings: Settings,
        metrics: Metrics,
        waits: Callable[[str], bool] = lambda _: False,
        traces: Traces = OFF,
    ) -> None:
        """`waits`: whether a voice, by its engine's name, is spoken by another service."""
        self._db = db
        self._voice = voice
        self._waits = waits
        self._traces = traces
        self._front_end = front_end
        self._characters = characters
        self._voices = voices
        self._settings = settings
        self.metrics = metrics
        leases = Leases("speech", credits.shared) if credits.shared else None
        self._scheduler = Scheduler(_threads(settings), clock.monotonic, leases=leases)
        self._till = Till(
            db, credits, idempotency, storage, settings.prices, metrics, self._scheduler
        )
        self._allowance = DailyAllowance(clock, shared=credits.shared)
        metrics.speech_active.set_function(lambda: self._scheduler.open_seats)

    def close(self) -> None:
        self._scheduler.close()

    @property
    def voice(self) -> Voice:
        """The engine that it speaks with, clones and all: for who has no caller to charge."""
        return self._voice

    @property
    def open_speeches(self) -> int:
        """How many are being made or sent."""
        return self._scheduler.open_seats

    def character(
        self,
        caller: Caller,
        character_id: str,
        *,
        voice_id: str | None = None,
        language: Language | None = None,
    ) -> Speaker:
        """The caller's character (else `NotFound`), perhaps with another voice or language."""
        with self._db.read() as tx:
            character = self._characters.owned(tx, caller.account_id, character_id)
        voice = self._voice_by_id(caller, voice_id or character.voice_id)
        spoken = language or character.language
        return Speaker(voice.engine_voice, spoken, voice.voice_id, character.character_id)

    def as_now(self, speaker: Speaker) -> Speaker:
        """The same speaker with the voice as it sounds now. Raises `NotFound` when it is gone."""
        if speaker.voice_id is None:
            return speaker
        voice = self._voices.audible(speaker.voice_id)
        return replace(speaker, engine_voice=voice.engine_voice)

    def by_name(self, caller: Caller, name: str) -> Speaker:
        """Any name of a voice or character: voice_id, character_id, "af_heart", "Heart", that of a
        clone. Where several match, presets come first, then the newest clone.

        Raises `BadRequest` when there is none.
        """
        wanted = name.strip().casefold()
        for voice in self._voices.available(caller.account_id):
            if wanted in (voice.voice_id, voice.engine_voice.casefold(), voice.name.casefold()):
                return Speaker(voice.engine_voice, voice.language, voice.voice_id)
        if is_id(wanted):
            try:
                return self.character(caller, wanted)
            except NotFound:
                raise _unknown_voice("voice") from None
        raise _unknown_voice("voice")

    def begin(
        self,
        caller: Caller,
        request: Request,
        body: Fingerprint,
        find_speaker: Callable[[], Speaker],
        *,
        text: str,
        audio_format: AudioFormat,
        speed: float,
        text_param: str = "text",
    ) -> Job | Replay:
        """Check the order, hold its price and put it in line, or answer again what was answered.

        Raises, in this order and before any work: what `find_speaker` raises, `BadRequest`
        (`nothing_to_say`), `TooManyRequests`, `InsufficientCredits`.
        """
        ticket = self._till.idempotency.begin(caller, request, body, lease_s=LEASE_S)
        if isinstance(ticket, Replay):
            return ticket
        try:
            speaker = find_speaker()
            self._require_speakable(text, speaker.language, text_param)
            order = Order(
                text,
                speaker.engine_voice,
                speaker.language,
                speed,
                audio_format,
                speaker.character_id,
            )
            return self._accept(caller, order, ticket)
        except BaseException:  # whatever stopped it, the key must be free for a retry
            self._till.idempotency.abandon(ticket)
            raise

    def replayed(self, replay: Replay) -> bytes:
        """The kept answer's body."""
        if replay.storage_key is None:
            return replay.body or b""
        return self._till.storage.get(replay.storage_key)[0]

    def record(
        self,
        text: str,
        speaker: Speaker,
        *,
        speed: float = 1.0,
        audio_format: AudioFormat = "mp3",
    ) -> Recording:
        """Speak for the house itself: nothing is charged. Waits its turn; call from a thread."""
        order = Order(text, speaker.engine_voice, speaker.language, speed, audio_format)
        synthesis = self._submit(order)
        try:
            return collect_now(synthesis, audio_format, self._scheduler.wake)
        finally:
            synthesis.close()
            self._scheduler.wake()

    def speak(
        self, text: str, speaker: Speaker, speed: float, on_chunk: Callable[[float], None]
    ) -> Spoken:
        """All of it at once, in this thread: for a process that makes nobody wait for sound.

        `on_chunk` hears now and then how much is done, 0..1; what it raises ends the work. Raises
        `NothingToSay`, `KeyError` for a voice that is gone.
        """
        sounds: list[Pcm] = []
        marks: list[Mark] = []
        speak = partial(self._voice.speak, text, speaker.engine_voice, speaker.language, speed)
        for chunk in self._traces.around("synthesise", speak, speech__chars=len(text))():
            sounds.append(chunk.pcm)
            marks.extend(chunk.marks)
            on_chunk(chunk.chars_done / len(text))
        return Spoken(np.concatenate(sounds), tuple(marks))

    def render_sample(self, voice: VoiceInfo) -> bytes:
        """The voice's `sample_text` as MP3."""
        return self.record(voice.sample_text, Speaker(voice.engine_voice, voice.language)).data

    def _accept(self, caller: Caller, order: Order, ticket: Ticket) -> Job:
        plan = self._settings.plan(caller.plan)
        seat = self._scheduler.admit(caller.account_id, plan.concurrent_speech)
        try:
            if caller.is_test:
                chars = len(order.text)
                self._allowance.spend(caller.account_id, chars, plan.test_chars_per_day)
            held = hold(self._till, caller, order)
            synthesis = self._submit(order, seat.rank)
        except BaseException:  # refused or failed: the seat must not stay taken
            self._scheduler.leave(seat)
            raise
        return Job(self._till, order, held=held, seat=seat, ticket=ticket, synthesis=synthesis)

    def _submit(self, order: Order, rank: int = 0) -> Synthesis:
        speak = partial(
            self._voice.speak, order.text, order.engine_voice, order.language, order.speed
        )
        waits = self._waits(order.engine_voice)
        start = self._traces.around("synthesise", speak, speech__chars=len(order.text))
        return self._scheduler.submit(start, encoder(order.audio_format), rank, waits=waits)

    def _require_speakable(self, text: str, language: Language, param: str = "text") -> None:
        try:
            next(iter(self._front_end.clauses(text, language)), None)
        except NothingToSay:
            raise BadRequest(
                f"{param}: there is nothing to say in it (only spaces, emoji, tags or symbols).",
                code="nothing_to_say",
                param=param,
            ) from None

    def _voice_by_id(self, caller: Caller, voice_id: str) -> VoiceInfo:
        try:
            return self._voices.get(caller.account_id, voice_id)
        except NotFound:
            raise _unknown_voice("voice_id") from None


def _unknown_voice(param: str) -> BadRequest:
    return BadRequest(
        f"{param}: there is no such voice; GET /v1/voices lists them.",
        code="unknown_voice",
        param=param,
    )


def _threads(settings: Settings) -> int:
    """Syntheses at the same time: as many as the cores carry, each with its own threads."""
    if settings.voice_concurrency:
        return settings.voice_concurrency
    return max(1, (os.cpu_count() or 1) // (settings.voice_threads or _THREADS_OF_ONE))
