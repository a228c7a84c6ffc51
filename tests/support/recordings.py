"""Recordings that voices are cloned from, and what people send instead of one."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from charafy.kernel.media.audio import SAMPLE_RATE, AudioFormat, Pcm, encode
from charafy.kernel.media.recordings import read_recording
from tests.support.images import jpeg

FOLDER = Path(__file__).parents[1] / "data" / "voices"


@cache
def speech() -> bytes:
    """Twelve seconds of somebody reading English, as FLAC."""
    return (FOLDER / "sonnet.flac").read_bytes()


@cache
def other_speech() -> bytes:
    """Twelve seconds of somebody else, as FLAC."""
    return (FOLDER / "sensibility.flac").read_bytes()


@cache
def pcm() -> Pcm:
    """`speech`, decoded."""
    return read_recording(speech())


def written(audio_format: AudioFormat, samples: Pcm | None = None) -> bytes:
    """`speech`, or other samples, in another format."""
    return encode(audio_format, pcm() if samples is None else samples)


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def noise(seconds: float) -> Pcm:
    """White, as loud as speech."""
    made = np.random.default_rng(7).standard_normal(round(seconds * SAMPLE_RATE))
    return (0.1 * made).astype(np.float32)


def music(seconds: float) -> Pcm:
    """Four chords, each half a second, with some overtones."""
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    roots = np.array([220.0, 174.6, 261.6, 196.0])[(time_s / 0.5).astype(int) % 4]
    phase = 2 * np.pi * np.cumsum(roots) / SAMPLE_RATE
    tones = sum(
        np.sin(step * over * phase) / over for step in (1.0, 1.26, 1.5) for over in (1, 2, 3)
    )
    return (0.08 * tones * np.exp(-3 * (time_s % 0.5))).astype(np.float32)


def many_channels(channels: int = 8, rate: int = 96_000) -> bytes:
    """Five seconds of `speech` on every channel of a 16-bit WAV of that rate."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    frame = av.AudioFrame.from_ndarray(pcm()[np.newaxis, : 5 * SAMPLE_RATE], "flt", "mono")
    frame.sample_rate = SAMPLE_RATE
    mono = np.concatenate([part.to_ndarray()[0] for part in resampler.resample(frame)])
    return wav(np.repeat(mono[:, np.newaxis], channels, 1), rate)


def wav(samples: NDArray[np.int16], rate: int) -> bytes:
    """16-bit samples [n, channels] as a WAV file."""
    head = io.BytesIO()
    channels, data = samples.shape[1], samples.astype("<i2").tobytes()
    head.write(b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt ")
    head.write((16).to_bytes(4, "little") + (1).to_bytes(2, "little"))
    head.write(channels.to_bytes(2, "little") + rate.to_bytes(4, "little"))
    head.write((rate * channels * 2).to_bytes(4, "little") + (channels * 2).to_bytes(2, "little"))
    head.write((16).to_bytes(2, "little") + b"data" + len(data).to_bytes(4, "little") + data)
    return head.getvalue()


def film(container: str = "mp4", codec: str = "aac") -> bytes:
    """`speech` with moving pictures."""
    made = io.BytesIO()
    with av.open(made, "w", format=container) as out:
        pictures = out.add_stream("libx264" if container == "mp4" else "libvpx", rate=5)
        assert isinstance(pictures, av.VideoStream)
        pictures.width = pictures.height = 64
        pictures.pix_fmt = "yuv420p"
        sound = out.add_stream(codec, rate=48_000)
        assert isinstance(sound, av.AudioStream)
        for _ in range(25):
            out.mux(pictures.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(pictures.encode(None))
        _mux_speech(out, sound)
    return made.getvalue()


def sound_only(container: str, codec: str, rate: int = 48_000) -> bytes:
    """`speech` in a container that may hold films, without one."""
    made = io.BytesIO()
    with av.open(made, "w", format=container) as out:
        sound = out.add_stream(codec, rate=rate)
        assert isinstance(sound, av.AudioStream)
        _mux_speech(out, sound)
    return made.getvalue()


def _mux_speech(out: av.container.OutputContainer, sound: av.AudioStream) -> None:
    frame = av.AudioFrame.from_ndarray(pcm()[np.newaxis], "flt", "mono")
    frame.sample_rate = SAMPLE_RATE
    context = sound.codec_context
    resampler = av.AudioResampler(context.format.name, context.layout.name, context.sample_rate)
    fifo = av.AudioFifo()
    for converted in (*resampler.resample(frame), *resampler.resample(None)):
        fifo.write(converted)
    for block in fifo.read_many(context.frame_size or 1024, partial=True):
        out.mux(sound.encode(block))
    out.mux(sound.encode(None))


def with_cover() -> bytes:
    """`speech` as an MP3 with the picture of a record's cover."""
    body = b"\0image/jpeg\0\3\0" + jpeg((64, 64))
    frame = b"APIC" + len(body).to_bytes(4, "big") + b"\0\0" + body
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + frame + written("mp3")


def zipped() -> bytes:
    """A zip file that swells to 100 MB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("voice.wav", bytes(100_000_000))
    return made.getvalue()


@cache
def hours_of_silence() -> bytes:
    """A FLAC file of some kilobytes that decodes to more than an hour."""
    made = io.BytesIO()
    with av.open(made, "w", format="flac") as out:
        stream = out.add_stream("flac", rate=48_000)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = "mono"
        stream.codec_context.format = "s16"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000 * 60), np.int16), "s16", "mono")
        frame.sample_rate = 48_000
        for minute in range(70):
            frame.pts = minute * 48_000 * 60
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return made.getvalue()
