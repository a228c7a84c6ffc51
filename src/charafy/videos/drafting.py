"""An order's parts, checked and fetched: all of it that takes time, before any credits are held."""

from __future__ import annotations

from dataclasses import dataclass, replace

from charafy.engines.voice import FrontEnd, NothingToSay
from charafy.kernel.errors import BadRequest
from charafy.kernel.http.caller import Caller
from charafy.kernel.media.audio import SAMPLE_RATE
from charafy.kernel.storage import Storage
from charafy.speech.service import Speech
from charafy.videos import sound
from charafy.videos.estimate import longest_s
from charafy.videos.filming import frames_of
from charafy.videos.inputs import Inputs, is_picture
from charafy.videos.models import Order, folder, speech_key
from charafy.videos.schemas import CreateVideo


@dataclass(frozen=True, slots=True)
class Draft:
    """An order whose parts have been checked, and for how long it may speak."""

    order: Order
    longest_s: float


class Drafting:
    """Thread-safe."""

    def __init__(
        self, speech: Speech, front_end: FrontEnd, storage: Storage, inputs: Inputs
    ) -> None:
        self._speech = speech
        self._front_end = front_end
        self._storage = storage
        self._inputs = inputs

    def draft(self, caller: Caller, video_id: str, body: CreateVideo) -> Draft:
        """Check every part of the order and keep what it brought along under the video's id.

        Raises `BadRequest`, `NotFound` and what fetching raises; files may be there all the same.
        """
        (width, height), background = body.size(), body.checked_background()
        if (body.text is None) == (body.audio is None):
            raise BadRequest("text: send either a text or a recording (audio).", param="text")
        if body.audio is not None and body.voice_id is not None:
            raise BadRequest("voice_id: a recording speaks for itself.", param="voice_id")
        speaker = self._speech.character(
            caller, body.character_id, voice_id=body.voice_id, language=body.language
        )
        order = Order(
            text=body.text,
            engine_voice="" if body.text is None else speaker.engine_voice,
            language=speaker.language,
            speed=body.speed,
            avatar_type=body.avatar_type,
            width=width,
            height=height,
            fps=body.fps,
            background=background,
            format=body.format,
            voice_id=None if body.text is None else speaker.voice_id,
        )
        spoken_s = self._spoken_s(video_id, order, body.audio)
        if is_picture(background):
            order = replace(order, background=self._keep_picture(video_id, background))
        return Draft(order, frames_of(spoken_s, order.fps) / order.fps)

    def _spoken_s(self, video_id: str, order: Order, audio: str | None) -> float:
        """Seconds of sound: exactly those of a recording, at most those of a text."""
        if audio is not None:
            pcm = self._inputs.recording(audio)
            self._storage.put(speech_key(video_id), sound.to_wav(pcm), "audio/wav")
            return len(pcm) / SAMPLE_RATE
        try:
            clauses = self._front_end.clauses(order.text or "", order.language)
            return longest_s(clauses, order.speed)
        except NothingToSay:
            raise BadRequest(
                "text: there is nothing to say in it (only spaces, emoji, tags or symbols).",
                code="nothing_to_say",
                param="text",
            ) from None

    def _keep_picture(self, video_id: str, background: str) -> str:
        picture = self._inputs.picture(background)
        key = f"{folder(video_id)}background.{picture.ending}"
        self._storage.put(key, picture.data, picture.content_type)
        return key
