"""Recordings from outside: what is read, what is refused, and why."""

from __future__ import annotations

import io
import resource

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from charafy.kernel.errors import BadRequest
from charafy.kernel.media.audio import SAMPLE_RATE, AudioFormat, encode
from charafy.kernel.media.recordings import read_recording
from tests.support import recordings

MOST_KB = 500_000
"""Of memory for reading anything."""


def beep_after(silence_s: float, duration_s: float) -> NDArray[np.float32]:
    at = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * 440 * at) * (at >= silence_s)).astype(np.float32)


def recorded(container: str, codec: str, rate: int, layout: str) -> bytes:
    """Half a second of silence, then a tone on every channel."""
    written = io.BytesIO()
    with av.open(written, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = layout
        channels = stream.codec_context.channels
        at = np.arange(rate) / rate
        tone = (0.3 * np.sin(2 * np.pi * 440 * at) * (at >= 0.5)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(
            np.repeat(tone[np.newaxis], channels, 0), format="fltp", layout=layout
        )
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.codec_context.format.name, layout, rate)
        for converted in resampler.resample(frame):
            out.mux(stream.encode(converted))
        out.mux(stream.encode(None))
    return written.getvalue()


@pytest.mark.parametrize("audio_format", ["mp3", "wav", "flac", "opus", "aac"])
def test_what_we_write_we_read_without_a_shift(audio_format: AudioFormat) -> None:
    pcm = read_recording(encode(audio_format, beep_after(1.0, 2.0)))
    assert len(pcm) / SAMPLE_RATE == pytest.approx(2.0, abs=0.06)
    assert int(np.argmax(np.abs(pcm) > 0.15)) / SAMPLE_RATE == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("container", "codec", "rate", "layout"),
    [
        ("wav", "pcm_s16le", 44_100, "stereo"),
        ("wav", "pcm_u8", 8_000, "mono"),
        ("mp4", "aac", 48_000, "stereo"),
        ("webm", "libopus", 48_000, "mono"),
        ("ogg", "libopus", 48_000, "stereo"),
        ("flac", "flac", 96_000, "5.1"),
    ],
)
def test_any_rate_and_any_channels_become_one_channel_at_ours(
    container: str, codec: str, rate: int, layout: str
) -> None:
    pcm = read_recording(recorded(container, codec, rate, layout))
    assert pcm.dtype == np.float32
    assert len(pcm) / SAMPLE_RATE == pytest.approx(1.0, abs=0.1)
    assert int(np.argmax(np.abs(pcm) > 0.1)) / SAMPLE_RATE == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello, I am text",
        b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1/secret.ts\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"\xff\xfb\x90\x00" + bytes(200),
        b"ID3\x04" + bytes(300),
        b"OggS" + bytes(60),
        b"\x00\x00\x00\x18ftypM4A " + bytes(100),
    ],
)
def test_what_is_no_recording_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(BadRequest, match=r"^audio: the recording") as refused:
        read_recording(data)
    assert refused.value.code in ("invalid_audio", "audio_too_short")


def test_a_file_without_sound_is_refused() -> None:
    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=5)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        out.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(stream.encode(None))
    with pytest.raises(BadRequest, match="no sound"):
        read_recording(written.getvalue())


def test_lengths_outside_the_limits_are_refused() -> None:
    with pytest.raises(BadRequest) as too_long:
        read_recording(encode("flac", beep_after(0, 3.0)), max_s=2.0)
    with pytest.raises(BadRequest) as too_short:
        read_recording(encode("wav", beep_after(0, 0.1)))
    with pytest.raises(BadRequest) as too_large:
        read_recording(encode("wav", beep_after(0, 1.0)), max_bytes=10_000)
    assert too_long.value.code == "audio_too_long"
    assert too_short.value.code == "audio_too_short"
    assert too_large.value.code == "audio_too_long"


def test_a_small_file_of_endless_silence_is_not_decoded_to_its_end() -> None:
    long = encode("flac", np.zeros(600 * SAMPLE_RATE, np.float32))
    assert len(long) < 500_000
    with pytest.raises(BadRequest) as refused:
        read_recording(long, max_s=1.0)
    assert refused.value.code == "audio_too_long"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_never_worse(data: st.DataObject) -> None:
    whole = bytearray(encode(data.draw(st.sampled_from(["mp3", "flac", "opus"])), beep_after(0, 1)))
    for _ in range(data.draw(st.integers(1, 20))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        pcm = read_recording(bytes(whole[: data.draw(st.integers(1, len(whole)))]))
    except BadRequest:
        return
    assert np.isfinite(pcm).all()
    assert np.abs(pcm).max() <= 1.0


def in_one_piece(samples: int, rate: int) -> bytes:
    """A Matroska file of silence in a single packet, whose rate is what it says."""
    written = io.BytesIO()
    with av.open(written, "w", format="matroska") as out:
        stream = out.add_stream("pcm_s16le", rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = "mono"
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, samples), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = rate
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return written.getvalue()


@pytest.mark.parametrize(("samples", "rate"), [(10_000, 1), (2_000, 1), (100_000, 100)])
def test_a_few_bytes_never_become_hours(samples: int, rate: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadRequest):
        read_recording(in_one_piece(samples, rate))
    # Brought to our rate, the first of these takes more than five gigabytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_KB


def test_one_piece_longer_than_all_may_be_is_refused_unread() -> None:
    with pytest.raises(BadRequest) as refused:
        read_recording(in_one_piece(4_000_000, 4_000))
    assert refused.value.code == "audio_too_long"


def test_many_channels_become_one_without_being_cut_off() -> None:
    pcm = read_recording(recordings.many_channels(8, 96_000))
    peak = np.abs(pcm).max()
    assert 0.1 < peak <= 1.0
    assert np.mean(np.abs(pcm) > 0.999) < 0.001


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_film_is_read_where_it_may_be_and_refused_where_it_may_not(container: str) -> None:
    film = recordings.film(container, "aac" if container == "mp4" else "libopus")
    assert len(read_recording(film)) / SAMPLE_RATE == pytest.approx(12.5, abs=0.1)
    with pytest.raises(BadRequest, match="is a video") as refused:
        read_recording(film, allow_video=False)
    assert refused.value.code == "audio_is_video"


def test_the_picture_of_a_cover_is_no_film() -> None:
    pcm = read_recording(recordings.with_cover(), allow_video=False)
    assert len(pcm) / SAMPLE_RATE == pytest.approx(12.5, abs=0.1)


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("webm", "libopus")])
def test_sound_alone_is_no_film_in_whatever_container(container: str, codec: str) -> None:
    sound = recordings.sound_only(container, codec)
    assert len(read_recording(sound, allow_video=False)) / SAMPLE_RATE == pytest.approx(12.5, 0.01)
