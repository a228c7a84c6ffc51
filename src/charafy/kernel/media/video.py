"""Moving pictures with sound, written frame by frame into one file.

=====  ======================================  ===========================================
name   picture                                 sound
=====  ======================================  ===========================================
mp4    H.264 high, 4:2:0, index at the front   AAC-LC 96 kbit/s, priming cut by edit list
webm   VP9, 4:2:0, with alpha if asked for     Opus 64 kbit/s, priming in the header
=====  ======================================  ===========================================

Audio is the clock: frame `n` shows the moment `n / fps` of the sound, and a stream's time stamps
are counted in samples and frames, never added up, so nothing drifts however long it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from charafy.kernel.media.audio import SAMPLE_RATE, Pcm

if TYPE_CHECKING:
    from av import AudioStream, VideoFrame, VideoStream

VideoFormat = Literal["mp4", "webm"]
VIDEO_FORMATS: Final[tuple[VideoFormat, ...]] = ("mp4", "webm")

Picture = NDArray[np.uint8]
"""[height, width, 3] RGB, or 4 with straight alpha for a transparent film."""

_BT601: Final = 6  # SMPTE 170M: the matrix that OpenCV's conversion uses
_BT709: Final = 1
_SRGB_CURVE: Final = 13
_VIDEO_RANGE: Final = 1


@dataclass(frozen=True, slots=True)
class _Coding:
    container: str
    picture_codec: str
    picture_options: Mapping[str, str]
    sound_codec: str
    sound_bit_rate: int
    container_options: Mapping[str, str]


_CODINGS: Final[Mapping[VideoFormat, _Coding]] = MappingProxyType(
    {
        "mp4": _Coding(
            "mp4",
            "libx264",
            # veryfast costs what superfast does on a still background, at a third of the bytes
            MappingProxyType({"preset": "veryfast", "crf": "19"}),
            "aac",
            96_000,
            MappingProxyType({"movflags": "+faststart"}),
        ),
        "webm": _Coding(
            "webm",
            "libvpx-vp9",
            MappingProxyType({"deadline": "realtime", "cpu-used": "7", "crf": "28"}),
            "libopus",
            64_000,
            MappingProxyType({}),
        ),
    }
)


class Film:
    """One video on its way into a file. Used by one thread; a context manager.

    Leaving the context by an exception closes the file without finishing it: it is not playable.
    """

    def __init__(
        self,
        path: Path,
        pcm: Pcm,
        *,
        width: int,
        height: int,
        fps: int,
        video_format: VideoFormat = "mp4",
        transparent: bool = False,
    ) -> None:
        """`pcm`: the whole sound, mono at `SAMPLE_RATE`. Width and height must be even.

        `transparent` needs "webm". Raises `ValueError` for what no player could show.
        """
        if width % 2 or height % 2:
            raise ValueError("width and height must be even")
        if transparent and video_format != "webm":
            raise ValueError("only WebM carries transparency")
        import av

        coding = _CODINGS[video_format]
        self._transparent = transparent
        self._fps = fps
        self._pcm = pcm
        self._heard = 0
        self._shown = 0
        self._container = av.open(
            str(path), "w", format=coding.container, options=dict(coding.container_options)
        )
        self._picture = self._add_picture(coding, width, height)
        self._sound = self._add_sound(coding)
        self._new_picture = av.VideoFrame.from_ndarray
        self._new_sound = av.AudioFrame.from_ndarray

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()
        self._container.close()

    @property
    def at_s(self) -> float:
        """The moment of the sound that the next frame must show."""
        return self._shown / self._fps

    def show(self, picture: Picture) -> None:
        """Add the frame of `at_s`, and the sound up to its end."""
        frame = self._converted(picture)
        frame.pts = self._shown
        frame.time_base = Fraction(1, self._fps)
        self._container.mux(self._picture.encode(frame))
        self._shown += 1
        self._hear(round(self._shown * SAMPLE_RATE / self._fps))

    def _finish(self) -> None:
        self._hear(max(len(self._pcm), round(self._shown * SAMPLE_RATE / self._fps)))
        self._container.mux(self._picture.encode(None))
        self._container.mux(self._sound.encode(None))

    def _hear(self, until: int) -> None:
        """Encode the samples before number `until`; past the end of the sound there is silence."""
        if until <= self._heard:
            return
        part = self._pcm[self._heard : until]
        samples = np.zeros(until - self._heard, np.float32)
        np.clip(part, -1.0, 1.0, out=samples[: len(part)])
        layout = self._sound.codec_context.format.name
        frame = self._new_sound(samples[np.newaxis, :], format=layout, layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._heard
        self._heard = until
        self._container.mux(self._sound.encode(frame))

    def _converted(self, picture: Picture) -> VideoFrame:
        if self._transparent:
            return self._new_picture(picture, format="rgba").reformat(format="yuva420p")
        import cv2

        # a seventh of the time that swscale takes for the same pixels
        planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), np.uint8)
        return self._new_picture(planes, format="yuv420p")

    def _add_picture(self, coding: _Coding, width: int, height: int) -> VideoStream:
        import av

        stream = self._container.add_stream(coding.picture_codec, rate=self._fps)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuva420p" if self._transparent else "yuv420p"
        stream.options = dict(coding.picture_options)
        if self._transparent:
            stream.options = {**stream.options, "auto-alt-ref": "0"}
            stream.metadata["alpha_mode"] = "1"
        context = stream.codec_context
        # One thread: jobs run side by side, and frames arrive slower than they are coded.
        context.thread_count = 1
        context.colorspace, context.color_primaries = _BT601, _BT709
        context.color_trc, context.color_range = _SRGB_CURVE, _VIDEO_RANGE
        return stream

    def _add_sound(self, coding: _Coding) -> AudioStream:
        import av

        stream = self._container.add_stream(coding.sound_codec, rate=SAMPLE_RATE)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = "mono"
        stream.codec_context.format = "fltp" if coding.sound_codec == "aac" else "flt"
        stream.codec_context.bit_rate = coding.sound_bit_rate
        return stream
