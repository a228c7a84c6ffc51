"""The steps from an order to a film, each of which may be done twice without harm.

A step leaves what it made in storage (or, what only the next step needs, in the workshop: a folder
of this machine) under the video's id, whole or not at all, and starts by looking whether it is
there already.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy.exc import OperationalError

from charafy.engines.voice import Mark
from charafy.kernel.errors import CharafyError, NotFound
from charafy.kernel.media.audio import Pcm
from charafy.kernel.storage import CONTENT_TYPES, Storage
from charafy.speech.service import Spoken
from charafy.videos import sound
from charafy.videos.endings import Made
from charafy.videos.models import Failure, Order, Video, folder, marks_key, speech_key
from charafy.videos.subtitles import subtitles, to_srt, to_vtt
from charafy.videos.work import Unwanted, Work

_SPEAKING: Final = 0.6
"""Share of the whole that speaking is, by the time it takes; none of it for a recording."""
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_NO_ROOM_SAID: Final = ("no space left", "disk is full", "quota exceeded")


class Studio(Protocol):
    """Where speech and film are made: the engines behind a video."""

    def speak(self, order: Order, on_chunk: Callable[[float], None]) -> Spoken: ...

    def film(
        self, video: Video, speech: Spoken, path: Path, on_frame: Callable[[float], None]
    ) -> float:
        """Write the film to `path`; its length in seconds. Raises `Failure`."""
        ...


Tick = Callable[[float], None]
"""Hears how much of the video is done, 0..1; raises when it is not to go on."""


class Maker:
    """Safe from many threads, one per video."""

    def __init__(self, work: Work, studio: Studio, storage: Storage, workshop: Path) -> None:
        self._work = work
        self._studio = studio
        self._storage = storage
        self._workshop = workshop

    def speak(self, video: Video, tick: Tick) -> None:
        """The sound and its timeline, into storage. Nothing to do for a recording."""
        key = speech_key(video.video_id)
        if video.order.text is None or self._storage.exists(key):
            return
        speech = self._studio.speak(video.order, lambda done: tick(_SPEAKING * done))
        # The timeline first: where there is a sound, there is its timeline.
        marks = sound.to_json(speech.marks)
        self._storage.put(marks_key(video.video_id), marks, CONTENT_TYPES["json"])
        self._storage.put(key, sound.to_wav(speech.pcm), CONTENT_TYPES["wav"])

    def film(self, video: Video, tick: Tick) -> float:
        """The film, into the workshop; its length in seconds."""
        before = _SPEAKING if video.order.text is not None else 0.0
        path = self._film(video)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".part.{video.order.format}")

        def on_frame(done: float) -> None:
            tick(before + (1.0 - before) * done)

        duration_s = self._studio.film(video, self._speech(video), unfinished, on_frame)
        _sync(unfinished)
        unfinished.replace(path)
        return duration_s

    def store(self, video: Video, duration_s: float, tick: Tick) -> Made:
        """The film from the workshop and its subtitles, into storage."""
        name = f"{video.folder}video-{video.video_id[:8]}"
        key = f"{name}.{video.order.format}"
        if not self._storage.exists(key):
            if not self._film(video).exists():  # another machine made it, or someone cleaned up
                duration_s = self.film(video, tick)
            self._storage.put_file(key, self._film(video), CONTENT_TYPES[video.order.format])
        srt_key, vtt_key = self._store_subtitles(video, name)
        return Made(duration_s, key, srt_key, vtt_key)

    def settle(self, video: Video, made: Made) -> None:
        """Have it charged and announced. Raises `Unwanted`."""
        self._work.complete(video.video_id, made)

    def clean(self, video: Video | None, video_id: str) -> None:
        """Remove what nobody needs any more; `video`: as it is now, None when it is gone."""
        # Of others as well: one that was killed over it does not come back to it.
        for left in self._workshop.parent.glob(f"*/{video_id}"):
            shutil.rmtree(left, ignore_errors=True)
        kept = set()
        if video is not None and video.status == "completed":
            kept = {video.output_key, video.srt_key, video.vtt_key}
        self._storage.forget_prefix(folder(video_id), but=kept)

    def _speech(self, video: Video) -> Spoken:
        try:
            pcm: Pcm = sound.from_wav(self._storage.get(speech_key(video.video_id))[0])
        except NotFound:
            self._work.require_wanted(video)  # deleted under our hands?
            raise
        return Spoken(pcm, self._marks(video))

    def _marks(self, video: Video) -> tuple[Mark, ...]:
        """The timeline; none of a recording."""
        if video.order.text is None:
            return ()
        return sound.from_json(self._storage.get(marks_key(video.video_id))[0])

    def _store_subtitles(self, video: Video, name: str) -> tuple[str, str] | tuple[None, None]:
        if video.order.text is None:
            return None, None
        found = subtitles(video.order.text, self._marks(video))
        for ending, written in (("srt", to_srt(found)), ("vtt", to_vtt(found))):
            self._storage.put(f"{name}.{ending}", written.encode(), CONTENT_TYPES[ending])
        return f"{name}.srt", f"{name}.vtt"

    def _film(self, video: Video) -> Path:
        return self._workshop / video.video_id / f"film.{video.order.format}"


def _sync(path: Path) -> None:
    """Push the film to the disk: that this step is done may survive a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def failure_of(error: BaseException) -> Failure:
    """What the customer is told of an unexpected error."""
    for cause in _causes(error):
        if isinstance(cause, Failure):
            return cause
        if _is_no_room(cause):
            return Failure("disk_full")
    return Failure("internal")


def may_pass(error: BaseException) -> bool:
    """Whether trying again is likely to help: a busy database, a server that did not answer."""
    if isinstance(error, (Failure, Unwanted)) or any(map(_is_no_room, _causes(error))):
        return False
    return isinstance(error, (OSError, OperationalError, CharafyError))


def _is_no_room(error: BaseException) -> bool:
    said = str(error).lower()
    return getattr(error, "errno", None) in _NO_ROOM or any(map(said.__contains__, _NO_ROOM_SAID))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
