"""Sound from outside: recognised by its bytes, decoded within limits, one channel at our rate.

The demuxer is chosen by the first bytes and told to the decoder, so playlists, concatenations and
whatever else could name other files is never reachable.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from charafy.kernel.errors import BadRequest
from charafy.kernel.media.audio import SAMPLE_RATE, Pcm

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, VideoStream
    from av.container import InputContainer

MAX_RECORDING_BYTES = 10 * 1024 * 1024
MAX_RECORDING_S = 600.0
MIN_RECORDING_S = 0.2
MAX_CHANNELS = 8
MIN_RATE = 4_000
MAX_RATE = 192_000
"""Hz. Below, a few bytes would become hours at our rate."""


def read_recording(
    data: bytes,
    *,
    max_bytes: int = MAX_RECORDING_BYTES,
    max_s: float = MAX_RECORDING_S,
    param: str = "audio",
    allow_video: bool = True,
) -> Pcm:
    """float32 mono samples at `SAMPLE_RATE` of a WAV, MP3, FLAC, OGG, AAC, M4A/MP4 or WebM file.

    Without `allow_video` a film is refused; the picture of a record's cover is none. Raises
    `BadRequest` about `param` (`invalid_audio`, `audio_is_video`, `audio_too_long`,
    `audio_too_short`).
    """
    if len(data) > max_bytes:
        raise _bad(param, f"is larger than {max_bytes // 1024 // 1024} MB", "audio_too_long")
    demuxer = _demuxer(data)
    if demuxer is None:
        raise _bad(param, "is not a WAV, MP3, FLAC, OGG, AAC, M4A or WebM recording")
    try:
        pcm = _decode(data, demuxer, round(max_s * SAMPLE_RATE), allow_video)
    except _IsVideo:
        raise _bad(param, "is a video: send its sound alone", "audio_is_video") from None
    except Exception:  # noqa: BLE001 - hostile bytes make decoders raise anything
        raise _bad(param, "is damaged or holds no sound that can be read") from None
    if len(pcm) > max_s * SAMPLE_RATE:
        raise _bad(param, f"is longer than {max_s:g} seconds", "audio_too_long")
    if len(pcm) < MIN_RECORDING_S * SAMPLE_RATE:
        raise _bad(param, f"is shorter than {MIN_RECORDING_S:g} seconds", "audio_too_short")
    return pcm


_MAGIC: Final[Sequence[tuple[str, Callable[[bytes], bool]]]] = (
    ("wav", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WAVE"),
    ("flac", lambda head: head[:4] == b"fLaC"),
    ("ogg", lambda head: head[:4] == b"OggS"),
    ("matroska", lambda head: head[:4] == b"\x1a\x45\xdf\xa3"),
    ("mov", lambda head: head[4:8] == b"ftyp"),
    ("aac", lambda head: head[0] == 0xFF and head[1] & 0xF6 == 0xF0),
    ("mp3", lambda head: head[:3] == b"ID3" or (head[0] == 0xFF and head[1] & 0xE0 == 0xE0)),
)


def _demuxer(data: bytes) -> str | None:
    head = data[:16]
    if len(head) < 16:
        return None
    return next((name for name, fits in _MAGIC if fits(head)), None)


class _IsVideo(Exception):
    """It has moving pictures."""


def _decode(data: bytes, demuxer: str, max_samples: int, allow_video: bool) -> Pcm:
    """One sample more than `max_samples` at most: enough to tell that there are more."""
    import av

    parts: list[Pcm] = []
    count = 0
    with av.open(io.BytesIO(data), "r", format=demuxer, metadata_errors="ignore") as container:
        if not allow_video and any(map(_moves, container.streams.video)):
            raise _IsVideo
        stream = container.streams.audio[0]
        _require_sane(stream)
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        for frame in _frames(container, stream):
            if frame is not None and frame.samples * SAMPLE_RATE > max_samples * frame.sample_rate:
                # Longer alone than all may be; it is not even brought to our rate.
                return np.zeros(max_samples + 1, np.float32)
            for resampled in resampler.resample(frame):
                samples = resampled.to_ndarray()[0]
                parts.append(samples)
                count += len(samples)
            if count > max_samples:
                break
        channels = stream.codec_context.channels
    pcm = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    pcm = np.nan_to_num(pcm[: max_samples + 1], posinf=1.0, neginf=-1.0)
    if channels > 2 and len(pcm):
        # One channel of two is their mean; of more it is a sum, which may be far too loud.
        pcm /= max(1.0, float(np.abs(pcm).max()))
    return pcm.clip(-1.0, 1.0)


def _moves(stream: VideoStream) -> bool:
    from av.stream import Disposition

    return not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame | None]:
    """Every frame, then None, which lets the resampler give what it kept."""
    import av

    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue  # one bad packet is a click; a file of nothing else gives no samples
    yield None


def _require_sane(stream: AudioStream) -> None:
    context = stream.codec_context
    channels, rate = context.channels, context.sample_rate
    if not 1 <= channels <= MAX_CHANNELS or not MIN_RATE <= rate <= MAX_RATE:
        raise ValueError("channels or samples a second that nobody records")


def _bad(param: str, why: str, code: str = "invalid_audio") -> BadRequest:
    return BadRequest(f"{param}: the recording {why}.", code=code, param=param)
