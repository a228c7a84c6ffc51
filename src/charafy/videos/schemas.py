"""Requests and answers of `/v1/video`, in the contract's order; what follows is ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Literal

from pydantic import ConfigDict, Field

from charafy.kernel.clock import iso
from charafy.kernel.errors import BadRequest
from charafy.kernel.http.schema import Answer, Body
from charafy.kernel.media.video import VideoFormat
from charafy.speech.schemas import Speed, Text
from charafy.videos.inputs import is_picture
from charafy.videos.models import AvatarType, Status, Video

Aspect = Literal["1:1", "9:16", "16:9"]

MIN_SIDE: Final = 128
MAX_SIDE: Final = 1_280
MIN_FPS: Final = 12
MAX_FPS: Final = 60
MAX_PIXELS_PER_S: Final = 1_280 * 720 * 30
"""A wider or faster film takes longer to make than it is worth by the second."""

_SIZES: Final[Mapping[Aspect, tuple[int, int]]] = MappingProxyType(
    {"1:1": (512, 512), "9:16": (720, 1_280), "16:9": (1_280, 720)}
)
_TREATMENTS: Final = ("keep", "blur", "transparent")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_EXAMPLE_ID = "0d6a2a35-4a4f-4a57-9d0e-0a5b0f1c7a11"
_EXAMPLE_CHARACTER = "5f0c1f0e-58a9-4f3e-9d0a-6c1f6d3f2a11"


class CreateVideo(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"character_id": _EXAMPLE_CHARACTER, "text": "Hello, world!"}}
    )

    character_id: str = Field(
        max_length=100,
        description="UUID of the character (must have a photo).",
        examples=[_EXAMPLE_CHARACTER],
    )
    text: Text | None = Field(
        None, description="Text for the character to speak (1-5,000 chars); or send `audio`."
    )
    avatar_type: AvatarType = Field(
        "motion",
        description='"motion": the whole face moves; "sprite": the lighter animation that web '
        "pages show.",
    )
    audio: str | None = Field(
        None,
        min_length=1,
        description="Instead of `text`: a recording that the character speaks with, as base64 data "
        "URI (data:audio/mpeg;base64,…) or public URL of a WAV, MP3, FLAC, OGG, AAC, M4A or WebM "
        "file; at most 10 MB and 10 minutes.",
    )
    voice_id: str | None = Field(
        None, max_length=100, description="Another voice than the character's, this time."
    )
    language: Literal["ja", "en"] | None = Field(
        None,
        description="How digits and characters that both languages use are read; "
        "default: the character's language.",
    )
    speed: Speed = 1.0
    aspect: Aspect | None = Field(
        None, description="1:1 is 512x512 (the default), 9:16 is 720x1280, 16:9 is 1280x720."
    )
    width: int | None = Field(
        None,
        ge=MIN_SIDE,
        le=MAX_SIDE,
        description="Pixels, even; together with `height` and instead of `aspect`.",
        examples=[512],
    )
    height: int | None = Field(
        None, ge=MIN_SIDE, le=MAX_SIDE, description="Pixels, even.", examples=[512]
    )
    fps: int = Field(
        25,
        ge=MIN_FPS,
        le=MAX_FPS,
        description="Frames per second. Width x height x fps may be at most 1280 x 720 x 30.",
    )
    background: str = Field(
        "keep",
        min_length=1,
        description='"keep" (the photo\'s own), "blur", "transparent" (needs `format` webm), a '
        'colour as "#rrggbb", or a picture as data URI or public URL.',
        examples=["keep"],
    )
    format: VideoFormat = Field("mp4", description="mp4: H.264 and AAC; webm: VP9 and Opus.")

    def size(self) -> tuple[int, int]:
        """Width and height. Raises `BadRequest`."""
        size = self._size()
        for name, side in zip(("width", "height"), size, strict=True):
            if side % 2:
                raise BadRequest(f"{name}: must be even.", param=name)
        if size[0] * size[1] * self.fps > MAX_PIXELS_PER_S:
            raise BadRequest(
                f"fps: {size[0]}x{size[1]} at {self.fps} frames per second is more than is made; "
                f"at this size at most {MAX_PIXELS_PER_S // (size[0] * size[1])}.",
                param="fps",
            )
        return size

    def checked_background(self) -> str:
        """In one spelling. Raises `BadRequest`; what a picture holds is not looked at yet."""
        if is_picture(self.background):
            return self.background
        plain = self.background.strip().lower()
        if plain not in _TREATMENTS and not _COLOUR.fullmatch(plain):
            raise BadRequest(
                'background: must be "keep", "blur", "transparent", a colour such as "#f5efe6", '
                "or a picture as data URI or public URL.",
                code="invalid_background",
                param="background",
            )
        if plain == "transparent" and self.format != "webm":
            raise BadRequest(
                'background: only WebM can be transparent: send "format": "webm" as well.',
                code="invalid_background",
                param="background",
            )
        return plain

    def _size(self) -> tuple[int, int]:
        if self.width is None and self.height is None:
            return _SIZES[self.aspect or "1:1"]
        if self.aspect is not None:
            raise BadRequest("aspect: send either aspect, or width and height.", param="aspect")
        if self.width is None or self.height is None:
            missing = "width" if self.width is None else "height"
            raise BadRequest(f"{missing}: width and height belong together.", param=missing)
        return self.width, self.height


class CreatedVideo(Answer):
    video_id: str = Field(examples=[_EXAMPLE_ID])
    status: Status = Field(examples=["processing"])
    poll_url: str = Field(description="Ask here until the status is completed or failed.")
    credits_used: int = Field(
        description="Set aside: the most that it can cost. What it costs in the end is in the "
        "answer of `poll_url`; the rest comes back.",
        examples=[84],
    )
    credits_remaining: int = Field(examples=[916])


class Subtitles(Answer):
    srt_url: str
    vtt_url: str


class VideoAnswer(Answer):
    video_id: str = Field(examples=[_EXAMPLE_ID])
    status: Status
    output_url: str | None = Field(description="The film, once the status is completed.")
    created_at: str = Field(examples=["2026-01-01T00:00:00Z"])
    completed_at: str | None = Field(
        description="When it ended, completed or failed.", examples=["2026-01-01T00:01:00Z"]
    )
    character_id: str = Field(examples=[_EXAMPLE_CHARACTER])
    progress: float = Field(description="0 to 1.", examples=[0.4])
    queue_position: int | None = Field(
        description="1 is the next to be made, 0 is being made; null once it ended.", examples=[0]
    )
    duration_s: float | None = Field(description="Length of the film.", examples=[3.2])
    width: int = Field(examples=[512])
    height: int = Field(examples=[512])
    fps: int = Field(examples=[25])
    format: VideoFormat
    subtitles: Subtitles | None = Field(
        description="Of what was spoken from text, timed by the voice itself."
    )
    credits_used: int = Field(
        description="What it cost; while processing: what is set aside. 0 when it failed.",
        examples=[24],
    )
    error: str | None = Field(description="Why it failed, as a sentence.")
    error_code: str | None = Field(
        description="nothing_to_say, character_deleted, voice_deleted, picture_unusable, "
        "disk_full, cancelled, expired or internal."
    )
    expires_at: str | None = Field(
        description="When the video and its files are removed; null: they stay."
    )
    text: str | None = Field(
        description="What is said in it; null when it speaks with a recording.",
        examples=["Hello, world!"],
    )

    @classmethod
    def of(
        cls,
        video: Video,
        url: Callable[[str], str],
        *,
        queue_position: int | None = None,
        keep: timedelta | None = None,
    ) -> VideoAnswer:
        """`url`: storage key -> link. `keep`: how long ended videos stay; None: for ever."""
        return cls(
            video_id=video.video_id,
            status=video.status,
            output_url=video.output_key and url(video.output_key),
            created_at=iso(video.created_at),
            completed_at=video.completed_at and iso(video.completed_at),
            character_id=video.character_id,
            progress=round(video.progress, 3),
            queue_position=queue_position,
            duration_s=video.duration_s,
            width=video.order.width,
            height=video.order.height,
            fps=video.order.fps,
            format=video.order.format,
            subtitles=_subtitles(video, url),
            credits_used=video.held if video.status == "processing" else video.charged,
            error=video.error,
            error_code=video.error_code,
            expires_at=iso(video.completed_at + keep) if keep and video.completed_at else None,
            text=video.order.text,
        )


class VideosAnswer(Answer):
    videos: list[VideoAnswer]
    next_cursor: str | None = Field(
        None, description="Send it as `cursor` for the next page; null at the end."
    )


class DeletedVideo(Answer):
    video_id: str = Field(examples=[_EXAMPLE_ID])
    deleted: bool = True


def _subtitles(video: Video, url: Callable[[str], str]) -> Subtitles | None:
    if video.srt_key is None or video.vtt_key is None:
        return None
    return Subtitles(srt_url=url(video.srt_key), vtt_url=url(video.vtt_key))
