"""ElevenLabs' API, and servers that imitate it: the voice stays there, the clone file names it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote

from charafy.engines.voice import SAMPLE_RATE, Language, SpeechChunk, VoiceFailed
from charafy.engines.voice.cloning import Clone, CloningFailed, Method, Progress, Reference
from charafy.engines.voice.cloning.clonefile import BadClone, pack, unpack
from charafy.engines.voice.remote.cloner import (
    CLONING_S,
    FORGETTING_S,
    MAX_REFERENCE_S,
    Score,
    in_words_of_cloning,
    tried,
)
from charafy.engines.voice.remote.script import Line
from charafy.engines.voice.remote.service import Answer, Asked, Service, ServiceFailed
from charafy.engines.voice.remote.sound import as_wav, heard, samples
from charafy.engines.voice.remote.speaking import Said, Speaking

ENGINE: Final = "elevenlabs"
BASE_URL: Final = "https://api.elevenlabs.io"
MODEL: Final = "eleven_multilingual_v2"
_FORMAT: Final = {"output_format": f"pcm_{SAMPLE_RATE}"}
_BYTES_PER_S: Final = SAMPLE_RATE * 2
_SMALL_BYTES: Final = 256 * 1024
_WRAPPING: Final = 2
"""Base64 and the times of the letters make an answer larger than its sound."""
_GONE: Final = ("voice_not_found", "voice_does_not_exist")
_NAME_CHARS: Final = 100
_BEFORE_CHARS: Final = 300
_LONGEST_S: Final = 86_400
"""No letter comes later; JSON knows numbers that are larger than any float."""


@dataclass(frozen=True, slots=True)
class Options:
    model: str = MODEL
    clean: bool = False
    """Whether the service shall take background noise out of recordings first."""


class ElevenLabsSpeaker:
    """A `CloneSpeaker`."""

    def __init__(self, service: Service, options: Options, speaking: Speaking) -> None:
        self._service = service
        self._options = options
        self._speaking = speaking
        # Until the service turns out not to tell the times of letters: imitations may not.
        self._timed = True

    def speak(
        self, data: Mapping[str, Any], text: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        """See `CloneSpeaker.speak`."""
        voice_id = _voice_id(data)

        def say(line: Line, longest_s: float) -> Said:
            return self._say(line, longest_s, voice_id)

        return self._speaking.speak(text, language, speed, say)

    def _say(self, line: Line, longest_s: float, voice_id: str) -> Said:
        model = self._options.model
        fields: dict[str, Any] = {"text": line.written, "model_id": model}
        if not model.startswith("eleven_multilingual"):  # tells the language by the text alone
            fields["language_code"] = line.clause.language
        if line.before and "_v2" in model:  # later models take no context
            fields["previous_text"] = line.before[-_BEFORE_CHARS:]
        path = f"/v1/text-to-speech/{quote(voice_id, safe='')}/stream"
        most = round(longest_s * _BYTES_PER_S) * _WRAPPING + _SMALL_BYTES
        if self._timed:
            asked = Asked("POST", f"{path}/with-timestamps", most, fields=fields, query=_FORMAT)
            try:
                return _timed(self._service.ask(asked), line, longest_s)
            except ServiceFailed as failure:
                if failure.status not in (404, 405, 501) or failure.reason:
                    raise
        answer = self._service.ask(Asked("POST", path, most, fields=fields, query=_FORMAT))
        self._timed = False
        return Said(heard(answer, SAMPLE_RATE, longest_s, wants_raw=True))


class ElevenLabsCloner:
    """A `Cloner`."""

    def __init__(
        self,
        service: Service,
        options: Options,
        speaking: Speaking,
        *,
        score: Score | None = None,
    ) -> None:
        self._service = service
        self._options = options
        self._speaking = speaking
        self._score = score

    @property
    def method(self) -> Method:
        return "cloning"

    @property
    def refines(self) -> bool:
        return False

    def clone(self, reference: Reference, name: str, progress: Progress) -> Clone:
        """See `Cloner.clone`. The voice is listed in the operator's account there as `name`."""
        pcm = reference.pcm[: round(MAX_REFERENCE_S * SAMPLE_RATE)]
        service = self._service.within(CLONING_S)
        progress(0.1)
        with in_words_of_cloning():
            fields = self._added(service, as_wav(pcm), name)
        try:
            progress(0.5)
            with in_words_of_cloning():
                speaker = ElevenLabsSpeaker(service, self._options, self._speaking)
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

    def _added(self, service: Service, wav: bytes, name: str) -> dict[str, Any]:
        form = {
            "name": name.strip()[:_NAME_CHARS] or "Charafy",
            "remove_background_noise": "true" if self._options.clean else "false",
        }
        answer = service.ask(
            Asked(
                "POST",
                "/v1/voices/add",
                _SMALL_BYTES,
                form=form,
                files={"files": ("recording.wav", wav, "audio/wav")},
                repeatable=False,
            )
        )
        told = _json(answer.body)
        fields = {"voice_id": told.get("voice_id"), "model": self._options.model}
        _voice_id(fields)
        if told.get("requires_verification") is True:
            self._forget_quietly(fields)
            raise CloningFailed("The voice service wants this voice verified by hand.")
        return fields

    def _forget(self, fields: Mapping[str, Any]) -> None:
        path = f"/v1/voices/{quote(_voice_id(fields), safe='')}"
        try:
            self._service.within(FORGETTING_S).ask(Asked("DELETE", path, _SMALL_BYTES))
        except ServiceFailed as failure:
            if failure.status != 404 and failure.reason not in _GONE:
                raise

    def _forget_quietly(self, fields: Mapping[str, Any]) -> None:
        """What failed is told already."""
        try:
            self._forget(fields)
        except VoiceFailed:
            return


def _voice_id(data: Mapping[str, Any]) -> str:
    voice_id = data.get("voice_id")
    if not isinstance(voice_id, str) or not 0 < len(voice_id) <= 200:
        raise VoiceFailed("The voice service named no voice.")
    return voice_id


def _json(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise VoiceFailed("The voice service sent an answer that can't be read.")
    return found


def _timed(answer: Answer, line: Line, longest_s: float) -> Said:
    """Lines of JSON, each with some sound and, now and then, letters with their times."""
    raw = bytearray()
    letters: list[tuple[str, float]] = []
    for row in answer.body.splitlines():
        if not row.strip():
            continue
        piece = _json(row)
        letters += _letters(piece.get("alignment"), len(raw) / _BYTES_PER_S, letters)
        try:
            raw += base64.b64decode(piece.get("audio_base64") or "", validate=True)
        except (TypeError, ValueError):
            raise VoiceFailed("The voice service sent something other than sound.") from None
        if len(raw) > longest_s * _BYTES_PER_S:
            raise VoiceFailed("The voice service sent far more than the text needs.")
    return Said(samples(bytes(raw)), _starts(line, letters))


def _letters(
    alignment: Any, at_s: float, before: Sequence[tuple[str, float]]
) -> list[tuple[str, float]]:
    """Letters with the seconds at which they begin; none where that isn't told as it should be."""
    if not isinstance(alignment, dict):
        return []
    letters = alignment.get("characters")
    begins = alignment.get("character_start_times_seconds")
    if not (isinstance(letters, list) and isinstance(begins, list) and len(letters) == len(begins)):
        return []
    known = all(isinstance(s, int | float) and 0 <= s < _LONGEST_S for s in begins)
    if not letters or not known or not all(isinstance(letter, str) for letter in letters):
        return []
    # Some count from the start of the speech, some from that of the piece.
    shift = at_s if before and begins[0] < before[-1][1] else 0.0
    return [(letter, begin + shift) for letter, begin in zip(letters, begins, strict=True)]


def _starts(line: Line, letters: Sequence[tuple[str, float]]) -> dict[int, float]:
    """Where words begin, by index; empty unless the letters are those that were sent."""
    heard_at = [(c, begin) for text, begin in letters for c in text if not c.isspace()]
    sent = [(at, c) for at, c in enumerate(line.written) if not c.isspace()]
    if [c for c, _ in heard_at] != [c for _, c in sent]:
        return {}
    if any(a > b for (_, a), (_, b) in pairwise(heard_at)):
        return {}
    begins = {at: begin for (at, _), (_, begin) in zip(sent, heard_at, strict=True)}
    found: dict[int, float] = {}
    for index, word in enumerate(line.clause.words):
        position = line.position(word) if word.text else None
        if position in begins:
            found[index] = begins[position]
    return found
