"""A conversation as one film: the face that the server drew, and its voice, in time."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from charafy.kernel.media.audio import SAMPLE_RATE, Pcm
from charafy.kernel.media.video import VIDEO_FORMATS, Film, VideoFormat

if TYPE_CHECKING:
    from charafy.client.sight import Rgb

FPS: Final = 25
_QUALITY: Final = 95
"""Pictures are kept as JPEG until the end: as they come they would be 20 MB a second."""
_WINDOW: Final = 51
"""Pieces of sound, 20 ms each, whose arrivals are judged together: one may come late."""
_SHIFT_S: Final = 0.04
"""Less is jitter of the line; more, and some of the sound was lost or held up."""

Heard = Sequence[tuple[float, Pcm]]
"""When each piece of sound came, and its samples."""


class Recording:
    """Pictures as they come, then `save`. Moments are those of `time.monotonic()`."""

    def __init__(self) -> None:
        self._pictures: list[tuple[float, bytes]] = []

    @property
    def began(self) -> float | None:
        """When the first picture came."""
        return self._pictures[0][0] if self._pictures else None

    def see(self, at: float, picture: Rgb) -> None:
        import cv2

        flags = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        done, coded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), flags)
        if done:
            self._pictures.append((at, coded.tobytes()))

    def save(self, path: Path, heard: Heard, *, until: float) -> float:
        """From the first picture `until`, as .mp4 or .webm; its seconds.

        Raises `ValueError` without a picture or for another name, `OSError`. The file is there
        whole or not at all.
        """
        if self.began is None or until <= self.began:
            raise ValueError("There is no picture.")
        seconds = until - self.began
        unfinished = path.with_name(f".{uuid.uuid4()}{path.suffix.lower()}")
        try:
            self._film(unfinished, laid_out(heard, self.began, seconds), format_of(path))
            os.replace(unfinished, path)  # noqa: PTH105 - one step, also over an older film
        finally:
            unfinished.unlink(missing_ok=True)
        return seconds

    def _film(self, path: Path, pcm: Pcm, video_format: VideoFormat) -> None:
        began, first = self._pictures[0]
        shown = _picture(first)
        height, width = (side - side % 2 for side in shown.shape[:2])
        following = [*self._pictures[1:], (float("inf"), b"")]
        with Film(
            path, pcm, width=width, height=height, fps=FPS, video_format=video_format
        ) as film:
            while film.at_s < len(pcm) / SAMPLE_RATE:
                newest = None
                while following[0][0] <= began + film.at_s:
                    newest = following.pop(0)[1]
                if newest is not None:
                    shown = _picture(newest)
                film.show(_fitted(shown, width, height))


def format_of(path: Path) -> VideoFormat:
    """Raises `ValueError` where the name is no film's."""
    for video_format in VIDEO_FORMATS:
        if path.suffix.lower() == f".{video_format}":
            return video_format
    raise ValueError("The file's name must end in .mp4 or .webm.")


def laid_out(heard: Heard, start: float, seconds: float) -> Pcm:
    """The sound from `start` on, each piece where it was heard, silence between.

    Pieces follow each other as they were sent, although they arrive earlier and later than that;
    only where what is heard was really held up does it go on later.
    """
    pcm = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    if not heard:
        return pcm
    sent = np.cumsum([0, *(len(piece) for _, piece in heard)])[:-1] / SAMPLE_RATE
    held = np.array([at for at, _ in heard]) - sent
    usual = _smoothed(held)
    lag = usual[0]
    for (_, piece), at_s, now in zip(heard, sent, usual, strict=True):
        if abs(now - lag) > _SHIFT_S:
            lag = now
        first = round((at_s + lag - start) * SAMPLE_RATE)
        skipped = max(0, -first)
        part = piece[skipped : max(0, len(pcm) - first)]
        pcm[first + skipped : first + skipped + len(part)] = part
    return pcm


def _smoothed(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    """The median around each."""
    half = _WINDOW // 2
    return [float(np.median(values[max(0, n - half) : n + half + 1])) for n in range(len(values))]


def _picture(coded: bytes) -> Rgb:
    import cv2

    found = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None, "a picture of our own"
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)


def _fitted(picture: Rgb, width: int, height: int) -> Rgb:
    if picture.shape[:2] == (height, width):
        return picture
    import cv2

    return np.asarray(cv2.resize(picture, (width, height)), np.uint8)
