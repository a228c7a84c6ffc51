"""Servers with an OpenAI-compatible speech endpoint that imitate a recording.

Two ways are known. *Inline*: every request carries the recording (`ref_audio`, `ref_text`), as
vLLM-Omni takes it for Qwen3-TTS and many other models; nothing is left on the server, and the clone
file holds the recording. *Uploaded*: the server keeps it under a name, as vLLM-Omni and Chatterbox
servers do; the clone file holds the name.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from charafy.engines.voice import SAMPLE_RATE, Language, Pcm, SpeechChunk, VoiceFailed
from charafy.engines.voice.cloning import Clone, Method, Progress, Reference
from charafy.engines.voice.cloning.clonefile import BadClone, pack, unpack
from charafy.engines.voice.remote.cloner import (
    CLONING_S,
    FORGETTING_S,
    MAX_REFERENCE_S,
    Score,
    Transcribe,
    in_words_of_cloning,
    tried,
)
from charafy.engines.voice.remote.script import Line
from charafy.engines.voice.remote.service import Asked, Service, ServiceFailed
from charafy.engines.voice.remote.sound import as_flac, as_wav, heard
from charafy.engines.voice.remote.speaking import Said, Speaking

ENGINE: Final = "openai"
_SPEECH: Final = "/audio/speech"
_LANGUAGES: Final[Mapping[Language, str]] = MappingProxyType({"en": "English", "ja": "Japanese"})
_BYTES_PER_S: Final = 4 * 48_000
"""32-bit samples at 48 kHz: no server answers with more."""
_SMALL_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """How a server takes a recording to keep: a multipart form."""

    path: str
    """Of the collection of voices: POST to it, DELETE below it."""
    name: str
    audio: str
    text: str | None = None
    """Field for what is said in the recording; None: the server doesn't take it."""
    language: str | None = None
    """Field for a language code."""
    form: Mapping[str, str] = field(default_factory=dict)
    """Further fields."""


VLLM_OMNI: Final = Upload(
    "/audio/voices", "name", "audio_sample", "ref_text", form={"consent": "recorded-by-charafy"}
)
CHATTERBOX: Final = Upload("/voices", "voice_name", "voice_file", language="language")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between servers."""

    model: str | None = None
    upload: Upload | None = None
    """None: the recording goes along with every request."""
    audio_field: str = "ref_audio"
    text_field: str = "ref_text"
    data_uri: bool = True
    """Whether the recording is a `data:` URI; else bare base64."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Added to every request for speech; None takes out a field that would be sent."""
    raw_rate: int = SAMPLE_RATE
    """Hz of raw samples, where a server sends such instead of the WAV it is asked for."""


class OpenAISpeaker:
    """A `CloneSpeaker`."""

    def __init__(self, service: Service, dialect: Dialect, speaking: Speaking) -> None:
        """`service`: its base URL ends in `/v1` mostly."""
        self._service = service
        self._dialect = dialect
        self._speaking = speaking

    def speak(
        self, data: Mapping[str, Any], text: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        """See `CloneSpeaker.speak`."""
        voice = self._voice(data)

        def say(line: Line, longest_s: float) -> Said:
            return self._say(line, longest_s, voice)

        return self._speaking.speak(text, language, speed, say)

    def _say(self, line: Line, longest_s: float, voice: Mapping[str, Any]) -> Said:
        fields = {
            "model": self._dialect.model,
            "input": line.written,
            "response_format": "wav",
            # Bytes as they are made. Servers that can't stream ignore it.
            "stream_format": "audio",
            "language": _LANGUAGES[line.clause.language],
            **voice,
            **self._dialect.fields,
        }
        answer = self._service.ask(
            Asked(
                "POST",
                _SPEECH,
                round(longest_s * _BYTES_PER_S) + _SMALL_BYTES,
                fields={name: value for name, value in fields.items() if value is not None},
            )
        )
        return Said(heard(answer, self._dialect.raw_rate, longest_s))

    def _voice(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What of a request names the voice. Raises `VoiceFailed` for a file that doesn't."""
        name, audio, said = data.get("voice"), data.get("audio"), data.get("text")
        if isinstance(name, str):
            return {"voice": name}
        if not isinstance(audio, str):
            raise VoiceFailed("This clone's file names neither a voice nor a recording.")
        recording = f"data:audio/flac;base64,{audio}" if self._dialect.data_uri else audio
        # Without the words only the speaker's sound is taken; Qwen3-TTS wants that said.
        how = {self._dialect.text_field: said} if said else {"x_vector_only_mode": True}
        return {"task_type": "Base", self._dialect.audio_field: recording, **how}


class OpenAICloner:
    """A `Cloner`."""

    def __init__(
        self,
        service: Service,
        dialect: Dialect,
        speaking: Speaking,
        *,
        score: Score | None = None,
        transcribe: Transcribe | None = None,
    ) -> None:
        """`transcribe` makes clones better where the server uses the words of the recording."""
        self._service = service
        self._dialect = dialect
        self._speaking = speaking
        self._score = score
        self._transcribe = transcribe

    @property
    def method(self) -> Method:
        return "cloning"

    @property
    def refines(self) -> bool:
        return False

    def clone(self, reference: Reference, name: str, progress: Progress) -> Clone:
        """See `Cloner.clone`. `name` stays here: servers that keep voices get a random one."""
        del name
        pcm = reference.pcm[: round(MAX_REFERENCE_S * SAMPLE_RATE)]
        words = self._transcribe(Reference(pcm, reference.language)) if self._transcribe else None
        service = self._service.within(CLONING_S)
        progress(0.1)
        with in_words_of_cloning():
            fields = self._kept(service, pcm, words, reference.language)
        try:
            progress(0.4)
            with in_words_of_cloning():
                speaker = OpenAISpeaker(service, self._dialect, self._speaking)
                spoken = tried(speaker, fields, reference.language)
            progress(0.9)
            similarity = self._score(pcm, spoken) if self._score else None
            progress(1.0)
        except BaseException:
            self._forget_quietly(fields)
            raise
        return Clone(pack(ENGINE, fields), "cloning", similarity)

    def refine(self, reference: Reference, clone: Clone, progress: Progress) -> Clone | None:
        """Nothing better is known."""
        return None

    def forget(self, data: bytes) -> None:
        """See `Cloner.forget`. Clones of other engines are left to these."""
        try:
            engine, fields = unpack(data)
        except BadClone:
            return
        if engine == ENGINE:
            with in_words_of_cloning():
                self._forget(fields)

    def _kept(
        self, service: Service, pcm: Pcm, words: str | None, language: Language
    ) -> dict[str, Any]:
        upload = self._dialect.upload
        if upload is None:
            recording = base64.b64encode(as_flac(pcm)).decode()
            return {"audio": recording, "text": words, "language": language}
        voice = f"charafy-{secrets.token_hex(8)}"
        form = {upload.name: voice, **upload.form}
        if upload.language:
            form[upload.language] = language
        if upload.text and words:
            form[upload.text] = words
        files = {upload.audio: (f"{voice}.wav", as_wav(pcm), "audio/wav")}
        fields = {"voice": voice, "upload": upload.path}
        try:
            service.ask(
                Asked("POST", upload.path, _SMALL_BYTES, form=form, files=files, repeatable=False)
            )
        except ServiceFailed as failure:
            if failure.status is None or failure.status >= 500:  # it may have kept it all the same
                self._forget_quietly(fields)
            raise
        return fields

    def _forget(self, fields: Mapping[str, Any]) -> None:
        name, path = fields.get("voice"), fields.get("upload")
        if not isinstance(name, str) or not isinstance(path, str):
            return
        try:
            self._service.within(FORGETTING_S).ask(
                Asked("DELETE", f"{path}/{quote(name, safe='')}", _SMALL_BYTES)
            )
        except ServiceFailed as failure:
            if failure.status != 404:
                raise

    def _forget_quietly(self, fields: Mapping[str, Any]) -> None:
        """What failed is told already; a voice that stays behind on the server is unknown here."""
        try:
            self._forget(fields)
        except VoiceFailed:
            return
