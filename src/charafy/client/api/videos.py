"""Videos: ordered, awaited, fetched."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from charafy.client.api.errors import TimedOut
from charafy.client.api.given import Source, linked, without_none
from charafy.client.api.media import Media
from charafy.client.api.pages import Pages
from charafy.client.api.transport import Transport, at
from charafy.client.api.values import AvatarType, Language
from charafy.kernel.errors import CharafyError

VideoStatus = Literal["processing", "completed", "failed"]

WAIT_S: Final = 1800.0
_FIRST_LOOK_S: Final = 0.5
_LAST_LOOK_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Subtitles:
    srt_url: str
    vtt_url: str


@dataclass(frozen=True, slots=True)
class Video:
    """`progress` 0 to 1. `error`: why it failed."""

    video_id: str
    status: VideoStatus
    output_url: str | None
    created_at: datetime
    completed_at: datetime | None
    character_id: str
    progress: float
    queue_position: int | None
    duration_s: float | None
    width: int
    height: int
    fps: int
    format: Literal["mp4", "webm"]
    subtitles: Subtitles | None
    credits_used: int
    error: str | None
    error_code: str | None
    expires_at: datetime | None
    text: str | None


@dataclass(frozen=True, slots=True)
class CreatedVideo:
    video_id: str
    status: VideoStatus
    poll_url: str
    credits_used: int
    credits_remaining: int


@dataclass(frozen=True, slots=True)
class DeletedVideo:
    video_id: str
    deleted: bool


class VideoFailed(CharafyError):
    """It was not made, and costs nothing; `code` is the video's `error_code`."""

    def __init__(self, video: Video) -> None:
        super().__init__(video.error or "The video failed.", code=video.error_code or "failed")
        self.video = video


class VideoNotReady(TimedOut):
    """It is not there yet; asking later is fine."""

    code = "video_not_ready"


class Videos:
    def __init__(self, api: Transport) -> None:
        self._api = api

    def list(
        self,
        *,
        character_id: str | None = None,
        status: VideoStatus | None = None,
        limit: int | None = None,
    ) -> Pages[Video]:
        """Newest first. `limit`: videos per page."""
        query = {"character_id": character_id, "status": status, "limit": limit}
        return self._api.pages(Video, "/videos", "videos", query)

    def get(self, video_id: str) -> Video:
        return self._api.ask(Video, "GET", at("/video/{}", video_id))

    def create(
        self,
        character_id: str,
        text: str | None = None,
        *,
        audio: Source | None = None,
        avatar_type: AvatarType | None = None,
        voice_id: str | None = None,
        language: Language | None = None,
        speed: float | None = None,
        aspect: Literal["1:1", "9:16", "16:9"] | None = None,
        width: int | None = None,
        height: int | None = None,
        fps: int | None = None,
        background: str | None = None,
        format: Literal["mp4", "webm"] | None = None,
        idempotency_key: str | None = None,
    ) -> CreatedVideo:
        """`text` or `audio`. Comes back at once: `wait` for it."""
        body = without_none(
            character_id=character_id,
            text=text,
            audio=None if audio is None else linked(audio, "audio/mpeg"),
            avatar_type=avatar_type,
            voice_id=voice_id,
            language=language,
            speed=speed,
            aspect=aspect,
            width=width,
            height=height,
            fps=fps,
            background=background,
            format=format,
        )
        return self._api.ask(CreatedVideo, "POST", "/video", json=body, key=idempotency_key)

    def wait(
        self,
        video: str | CreatedVideo | Video,
        *,
        on_progress: Callable[[Video], None] | None = None,
        patience_s: float = WAIT_S,
    ) -> Video:
        """Until it is completed; `on_progress` is told of every change.

        Raises `VideoFailed`, or `VideoNotReady` after `patience_s`.
        """
        pacing = self._api.pacing
        until, look_s, told = pacing.now() + patience_s, _FIRST_LOOK_S, None
        while True:
            now = self.get(video if isinstance(video, str) else video.video_id)
            state = (now.status, now.progress, now.queue_position)
            if on_progress is not None and state != told:
                on_progress(now)
            told = state
            if now.status == "completed":
                return now
            if now.status == "failed":
                raise VideoFailed(now)
            if pacing.now() + look_s > until:
                raise VideoNotReady("The video isn't ready yet.")
            pacing.sleep(look_s)
            look_s = min(look_s * 1.5, _LAST_LOOK_S)

    def open(self, video: str | Video) -> Media:
        """Its file, as it arrives. Raises `VideoNotReady`."""
        now = self.get(video) if isinstance(video, str) else video
        if now.output_url is None:
            raise VideoNotReady("The video isn't ready.")
        return self._api.file(now.output_url)

    def download(self, video: str | Video, to: str | os.PathLike[str]) -> Path:
        """Its file, as `to`. Raises `VideoNotReady`."""
        return self.open(video).save(to)

    def subtitles(self, video: str | Video, format: Literal["srt", "vtt"] = "srt") -> str:
        """Raises `VideoNotReady` where there are none, or none yet."""
        now = self.get(video) if isinstance(video, str) else video
        if now.subtitles is None:
            raise VideoNotReady("The video has no subtitles.")
        url = now.subtitles.vtt_url if format == "vtt" else now.subtitles.srt_url
        return self._api.file(url).read().decode()

    def cancel(self, video_id: str) -> Video:
        return self._api.ask(Video, "POST", at("/video/{}/cancel", video_id))

    def delete(self, video_id: str) -> DeletedVideo:
        return self._api.ask(DeletedVideo, "DELETE", at("/video/{}", video_id))
