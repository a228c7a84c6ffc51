"""Where films are made: the voice, the character's face and the camera put together."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from charafy.avatars.service import Avatars, PictureRefused
from charafy.engines.portrait import Framing, Pose, Renderer, Rgba, Rig
from charafy.engines.portrait.motion import Timed, track
from charafy.engines.portrait.sprites import SpriteRenderer, SpriteSheet, bake_sprites
from charafy.engines.voice import NothingToSay
from charafy.engines.voice.visemes import trim_to_sound, visemes
from charafy.kernel.errors import NotFound
from charafy.kernel.media.audio import SAMPLE_RATE, Pcm
from charafy.kernel.storage import Storage
from charafy.speech.service import Speaker, Speech, Spoken
from charafy.videos.filming import TAIL_S, Face, RigFace, film
from charafy.videos.models import Failure, Order, Video
from charafy.videos.scene import Backdrop, Rgb

Listen = Callable[[Pcm], tuple[Timed, ...]]
"""Hears from sound alone what a mouth would do."""

_COLOUR_MARK: Final = "#"


class Faces(Protocol):
    """Whoever can hand out a character's face, ready to be filmed."""

    def face(self, video: Video) -> Face:
        """Raises `Failure`."""
        ...


@dataclass(frozen=True, slots=True)
class SpriteFace:
    """A sheet in the hands of its renderer."""

    sheet: SpriteSheet
    renderer: SpriteRenderer

    def frame(self, pose: Pose) -> Rgba:
        return self.renderer.frame(self.sheet, pose)

    def frame_over(self, pose: Pose, plate: Rgb) -> Rgb:
        return self.renderer.frame_over(self.sheet, pose, plate)

    def plate(self) -> Rgba:
        return self.renderer.plate(self.sheet)


class AvatarFaces:
    """Faces from characters' rigs, in the hands of a renderer of their own."""

    def __init__(self, avatars: Avatars, renderer: Callable[[], Renderer]) -> None:
        self._avatars = avatars
        self._renderer = renderer

    def face(self, video: Video) -> Face:
        rig, renderer = self._rig(video), self._renderer()
        if video.order.avatar_type == "sprite":
            return SpriteFace(bake_sprites(rig, renderer), SpriteRenderer())
        return RigFace(rig, renderer)

    def _rig(self, video: Video) -> Rig:
        framing = Framing(video.order.width, video.order.height)
        try:
            return self._avatars.rig_for(video.account_id, video.character_id, framing)
        except PictureRefused as error:
            raise Failure("picture_unusable", error.message) from None
        except NotFound:
            raise Failure("character_deleted") from None


class HouseStudio:
    """The studio of a running Charafy. Safe from many threads."""

    def __init__(
        self,
        speech: Speech,
        storage: Storage,
        faces: Faces,
        *,
        listen: Listen,
    ) -> None:
        self._speech = speech
        self._storage = storage
        self._faces = faces
        self._listen = listen

    def speak(self, order: Order, on_chunk: Callable[[float], None]) -> Spoken:
        speaker = Speaker(order.engine_voice, order.language, order.voice_id)
        try:
            speaker = self._speech.as_now(speaker)
        except NotFound:
            raise Failure("voice_deleted") from None
        try:
            return self._speech.speak(order.text or "", speaker, order.speed, on_chunk)
        except NothingToSay:
            raise Failure("nothing_to_say") from None

    def film(
        self, video: Video, speech: Spoken, path: Path, on_frame: Callable[[float], None]
    ) -> float:
        order, duration_s = video.order, len(speech.pcm) / SAMPLE_RATE
        on_frame(0.0)
        face = self._faces.face(video)
        on_frame(0.0)
        moves = track(
            self._cues(speech, duration_s),
            duration_s + TAIL_S,
            # The same video moves the same way, however often it is begun anew.
            seed=zlib.crc32(video.video_id.encode()),
            language=order.language,
        )
        filmed = film(
            path,
            face,
            moves,
            speech.pcm,
            fps=order.fps,
            backdrop=self._backdrop(order),
            video_format=order.format,
            on_frame=on_frame,
        )
        return filmed.duration_s

    def _cues(self, speech: Spoken, duration_s: float) -> tuple[Timed, ...]:
        if not speech.marks:
            return self._listen(speech.pcm)
        return trim_to_sound(visemes(speech.marks, duration_s), speech.pcm, SAMPLE_RATE)

    def _backdrop(self, order: Order) -> Backdrop:
        match order.background:
            case "keep":
                return Backdrop("keep")
            case "blur":
                return Backdrop("blur")
            case "transparent":
                return Backdrop("transparent")
            case colour if colour.startswith(_COLOUR_MARK):
                red, green, blue = bytes.fromhex(colour.removeprefix(_COLOUR_MARK))
                return Backdrop("colour", colour=(red, green, blue))
            case key:
                return Backdrop("image", image=_decoded(self._storage.get(key)[0]))


def _decoded(picture: bytes) -> Rgba:
    """A picture that we wrote ourselves."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        return np.asarray(image.convert("RGBA"), np.uint8)
