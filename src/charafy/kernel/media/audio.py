"""Speech as people want to receive it: encoders that let bytes go while the voice still speaks.

Every format starts at the timeline's zero: sample n of the speech is sample n of what a player
decodes, so word times need no correction. How each one gets there, and how much sound it keeps
back (the lookahead of its codec) until the next `feed`:

=====  ============================  ==========================================  =========
name   content                       how its delay goes                          kept back
=====  ============================  ==========================================  =========
mp3    96 kbit/s CBR, to 11.25 kHz   47 zeros ahead, first two frames left out   up to 80 ms
aac    96 kbit/s ADTS                first packet left out                       up to 128 ms
opus   48 kbit/s in Ogg              the header says what to skip                up to 60 ms
flac   lossless, 16 bit              none                                        up to 50 ms
wav    16 bit                        none                                        nothing
pcm    16 bit little-endian, no      none                                        nothing
       header, 24 kHz mono
=====  ============================  ==========================================  =========

Leaving out the first two MP3 frames is sound because the bit reservoir is off, so frames stand
alone. What it costs: the first 24 ms play as a fade-in. Speech starts with at least as much quiet.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # PyAV takes a while to load: only who encodes pays for it
    from av import AudioFrame

AudioFormat = Literal["mp3", "wav", "flac", "opus", "aac", "pcm"]
AUDIO_FORMATS: Final[tuple[AudioFormat, ...]] = ("mp3", "wav", "flac", "opus", "aac", "pcm")

SAMPLE_RATE: Final = 24_000
"""Hz, mono: what encoders take."""

Pcm = NDArray[np.float32]

_UNKNOWN_SIZE = 0xFFFF_FFFF
_WAV_HEADER_BYTES = 44
_AVIO_BUFFER_BYTES = 4096


class Encoder(Protocol):
    """One recording on its way out. Used by one thread at a time; not used after `finish`."""

    @property
    def content_type(self) -> str: ...

    def feed(self, pcm: Pcm) -> bytes:
        """Take float32 mono samples at `SAMPLE_RATE`, give the bytes that are ready (maybe none).

        Samples beyond [-1, 1] are clipped.
        """
        ...

    def finish(self) -> bytes:
        """The bytes that were kept back, and the end of the file."""
        ...


def content_type(audio_format: AudioFormat) -> str:
    """The Content-Type of a format."""
    match audio_format:
        case "mp3":
            return "audio/mpeg"
        case "opus":
            return "audio/ogg"
        case "pcm":
            return f"audio/pcm;rate={SAMPLE_RATE}"
        case _:
            return f"audio/{audio_format}"


def encoder(audio_format: AudioFormat, *, samples: int | None = None) -> Encoder:
    """An encoder for one recording.

    `samples`: its whole length when it is known. Only WAV needs it: its header comes first and
    states sizes. Without it they read 0xFFFFFFFF, which players take as "until it ends".
    """
    match audio_format:
        case "pcm":
            return _Raw(content_type("pcm"), b"")
        case "wav":
            return _Raw(content_type("wav"), wav_header(samples))
        case _:
            return _Coded(audio_format)


def encode(audio_format: AudioFormat, pcm: Pcm) -> bytes:
    """A whole recording at once."""
    coder = encoder(audio_format, samples=len(pcm))
    return coder.feed(pcm) + coder.finish()


def wav_header(samples: int | None) -> bytes:
    """The 44 bytes before 16-bit mono samples; `None` when their number isn't known yet."""
    size = _UNKNOWN_SIZE if samples is None else samples * 2
    riff = _UNKNOWN_SIZE if samples is None else size + _WAV_HEADER_BYTES - 8
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE, SAMPLE_RATE * 2, 2, 16),
        *(b"data", size),
    )


def with_true_size(wav: bytes) -> bytes:
    """A WAV that was streamed without knowing its length, now that it is all there."""
    return wav_header((len(wav) - _WAV_HEADER_BYTES) // 2) + wav[_WAV_HEADER_BYTES:]


def to_int16(pcm: Pcm) -> NDArray[np.int16]:
    """Clipped, rounded 16-bit samples (32767 is full scale, so that nothing wraps)."""
    scaled: NDArray[np.float32] = np.rint(np.clip(pcm, -1.0, 1.0) * 32767.0)
    return scaled.astype(np.int16)


class _Raw:
    """Samples as they are, behind a header that was known from the start."""

    def __init__(self, kind: str, header: bytes) -> None:
        self.content_type = kind
        self._header = header

    def feed(self, pcm: Pcm) -> bytes:
        return self._take_header() + to_int16(pcm).astype("<i2").tobytes()

    def finish(self) -> bytes:
        return self._take_header()

    def _take_header(self) -> bytes:
        header, self._header = self._header, b""
        return header


class _Sink:
    """The file that PyAV writes to: holds only what was not taken yet, and can't seek."""

    def __init__(self) -> None:
        self._ready = bytearray()

    def write(self, data: bytes) -> int:
        self._ready += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._ready)
        self._ready.clear()
        return data


@dataclass(frozen=True, slots=True)
class _Coding:
    """How one format is made: PyAV's names, and what becomes of the codec's delay."""

    container: str
    codec: str
    sample_format: str
    bit_rate: int | None
    container_options: tuple[tuple[str, str], ...] = ()
    codec_options: tuple[tuple[str, str], ...] = ()
    zeros_ahead: int = 0
    packets_left_out: int = 0


_CODINGS: Final[Mapping[str, _Coding]] = MappingProxyType(
    {
        "mp3": _Coding(
            "mp3",
            "libmp3lame",
            "fltp",
            96_000,
            (("write_xing", "0"), ("id3v2_version", "0")),
            (("reservoir", "0"), ("compression_level", "5")),
            # 529 (decoder) + 576 (encoder) + 47 = 1152 samples = two frames
            zeros_ahead=47,
            packets_left_out=2,
        ),
        "aac": _Coding("adts", "aac", "fltp", 96_000, packets_left_out=1),
        "opus": _Coding(
            "ogg",
            "libopus",
            "flt",
            48_000,
            (("page_duration", "60000"),),  # microseconds; the default of 1 s would hold sound back
            (("application", "audio"), ("frame_duration", "20")),
        ),
        "flac": _Coding(
            "flac",
            "flac",
            "s16",
            None,
            (("metadata_header_padding", "0"),),
            (("frame_size", "1200"),),
        ),
    }
)


class _Coded:
    """A codec of PyAV in its container, opened with the first samples."""

    def __init__(self, audio_format: AudioFormat) -> None:
        import av

        coding = _CODINGS[audio_format]
        self.content_type = content_type(audio_format)
        self._sink = _Sink()
        self._container = av.open(
            self._sink,
            "w",
            format=coding.container,
            # bitexact: the same speech gives the same bytes (Ogg would draw a random serial)
            options={
                "flush_packets": "1",
                "fflags": "+bitexact",
                **dict(coding.container_options),
            },
            buffer_size=_AVIO_BUFFER_BYTES,
        )
        stream = self._container.add_stream(
            coding.codec, rate=SAMPLE_RATE, options=dict(coding.codec_options)
        )
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = "mono"
        stream.codec_context.format = coding.sample_format
        if coding.bit_rate:
            stream.codec_context.bit_rate = coding.bit_rate
        self._stream = stream
        self._new_frame = av.AudioFrame.from_ndarray
        self._sample_format = coding.sample_format
        self._zeros = np.zeros(coding.zeros_ahead, np.float32)
        self._left_out = coding.packets_left_out
        self._position = 0

    def feed(self, pcm: Pcm) -> bytes:
        if not len(pcm):
            return b""
        samples = pcm if self._position else np.concatenate((self._zeros, pcm))
        plane = to_int16(samples) if self._sample_format == "s16" else np.clip(samples, -1.0, 1.0)
        frame = self._new_frame(plane[np.newaxis, :], format=self._sample_format, layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._position
        self._position += len(plane)
        self._write(frame)
        return self._sink.take()

    def finish(self) -> bytes:
        if self._position:
            self._write(None)
        self._container.close()
        return self._sink.take()

    def _write(self, frame: AudioFrame | None) -> None:
        """Encode a frame; None ends the stream."""
        for packet in self._stream.encode(frame):
            if self._left_out:
                self._left_out -= 1
            else:
                self._container.mux(packet)
