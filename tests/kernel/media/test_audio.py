"""What leaves as a file is the speech: complete, from its first sample on, and without delay."""

from __future__ import annotations

import io
import struct
import wave

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.kernel.media.audio import (
    AUDIO_FORMATS,
    SAMPLE_RATE,
    AudioFormat,
    Pcm,
    content_type,
    encode,
    encoder,
    to_int16,
    wav_header,
    with_true_size,
)

CODED: tuple[AudioFormat, ...] = ("mp3", "aac", "opus", "flac")
FILES: tuple[AudioFormat, ...] = ("mp3", "aac", "opus", "flac", "wav")
FIRST_CHUNK = 8_400
"""350 ms: what the voice hands out first."""


def speech(seconds: float = 3.0) -> Pcm:
    """Noise in syllables, after 60 ms of quiet: its place in time can be found exactly."""
    noise = np.random.default_rng(7).standard_normal(round(seconds * SAMPLE_RATE))
    smooth = np.convolve(noise, np.hanning(16) / 8, mode="same")
    time_s = np.arange(len(noise)) / SAMPLE_RATE
    loudness = np.clip(np.sin(2 * np.pi * 4 * (time_s - 0.06)), 0, 1) * (time_s > 0.06)
    pcm: Pcm = (0.3 * smooth * loudness).astype(np.float32)
    return pcm


def decoded(data: bytes) -> NDArray[np.float32]:
    """The file as a player hears it, at `SAMPLE_RATE`."""
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE)
    pieces = []
    with av.open(io.BytesIO(data), "r") as container:
        for frame in container.decode(audio=0):
            pieces += [out.to_ndarray()[0] for out in resampler.resample(frame)]
    pieces += [out.to_ndarray()[0] for out in resampler.resample(None)]
    return np.concatenate(pieces)


def streamed(audio_format: AudioFormat, pcm: Pcm, chunk: int) -> bytes:
    coder = encoder(audio_format)
    parts = [coder.feed(pcm[at : at + chunk]) for at in range(0, len(pcm), chunk)]
    return b"".join([*parts, coder.finish()])


def delay(original: Pcm, heard: NDArray[np.float32]) -> int:
    """By how many samples `heard` comes late, from the peak of the cross-correlation."""
    size = 1 << (len(original) + len(heard)).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(original, size))
    at = int(np.argmax(np.fft.irfft(product, size)))
    return at if at < size // 2 else at - size


@pytest.mark.parametrize("audio_format", FILES)
def test_sample_n_of_the_speech_is_sample_n_of_the_decoded_file(audio_format: AudioFormat) -> None:
    original = speech()

    assert delay(original, decoded(encode(audio_format, original))) == 0


@pytest.mark.parametrize("audio_format", FILES)
@pytest.mark.parametrize("samples", [2_399, 2_400, 24_001, 40_000])
def test_nothing_is_cut_off_at_the_end(audio_format: AudioFormat, samples: int) -> None:
    original = speech(2.0)[:samples]

    heard = decoded(encode(audio_format, original))

    assert samples <= len(heard) <= samples + 1_400  # at most one codec frame of silence more


@pytest.mark.parametrize("audio_format", FILES)
def test_the_speech_survives_the_codec(audio_format: AudioFormat) -> None:
    original = speech()
    heard = decoded(encode(audio_format, original))[: len(original)]

    error = np.sqrt(np.mean((heard[1_152:] - original[1_152 : len(heard)]) ** 2))

    assert error < 0.25 * np.sqrt(np.mean(original**2))


def test_lossless_formats_give_every_sample_back() -> None:
    original = speech(1.0)
    expected = to_int16(original).astype(np.float32) / 32768

    for audio_format in ("flac", "wav"):
        heard = decoded(encode(audio_format, original))
        np.testing.assert_allclose(heard, expected, atol=1e-6)


def test_mp3_keeps_the_first_sounds_of_a_speech_that_starts_after_its_usual_quiet() -> None:
    original = speech()
    onset = slice(1_440, 3_600)  # the first syllable begins 60 ms in

    heard = decoded(encode("mp3", original))

    loss = np.sqrt(np.mean((heard[onset] - original[onset]) ** 2))
    assert loss < 0.25 * np.sqrt(np.mean(original[onset] ** 2))


@pytest.mark.parametrize(
    ("audio_format", "least_s"),
    [("mp3", 0.26), ("aac", 0.2), ("opus", 0.22), ("flac", 0.3), ("wav", 0.35)],
)
def test_what_leaves_after_the_first_chunk_can_be_heard_at_once(
    audio_format: AudioFormat, least_s: float
) -> None:
    first = encoder(audio_format).feed(speech()[:FIRST_CHUNK])

    assert len(decoded(first)) / SAMPLE_RATE >= least_s


@pytest.mark.parametrize("audio_format", AUDIO_FORMATS)
def test_a_stream_says_the_same_whatever_its_chunks(audio_format: AudioFormat) -> None:
    original = speech(1.0)
    header = 44 if audio_format == "wav" else 0  # only its sizes differ

    whole = encode(audio_format, original)[header:]

    assert streamed(audio_format, original, 1_000)[header:] == whole
    assert streamed(audio_format, original, 8_400)[header:] == whole


@pytest.mark.parametrize("audio_format", AUDIO_FORMATS)
def test_an_empty_chunk_changes_nothing(audio_format: AudioFormat) -> None:
    original = speech(0.5)
    coder = encoder(audio_format, samples=len(original))

    parts = [coder.feed(original[:0]), coder.feed(original), coder.feed(original[:0])]

    assert b"".join([*parts, coder.finish()]) == encode(audio_format, original)


def test_a_wav_of_known_length_states_true_sizes() -> None:
    original = speech(0.5)

    with wave.open(io.BytesIO(encode("wav", original))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert file.getnframes() == len(original)


def test_a_streamed_wav_says_that_its_length_is_unknown_and_plays_to_its_end() -> None:
    original = speech(0.5)

    data = streamed("wav", original, 2_400)

    assert struct.unpack_from("<I", data, 4) == struct.unpack_from("<I", data, 40) == (2**32 - 1,)
    assert len(decoded(data)) == len(original)


def test_a_streamed_wav_gets_its_true_size_once_it_is_all_there() -> None:
    original = speech(0.5)

    assert with_true_size(streamed("wav", original, 2_400)) == encode("wav", original)


def test_the_wav_header_has_44_bytes() -> None:
    assert len(wav_header(None)) == len(wav_header(7)) == 44


def test_mp3_is_96_kbit_per_second_in_frames_that_stand_alone() -> None:
    data = encode("mp3", speech(1.0))
    frame = 288  # 96,000 bit/s x 576 samples / 24,000 Hz / 8

    assert len(data) % frame == 0
    for at in range(0, len(data), frame):
        assert data[at] == 0xFF and data[at + 1] & 0xE0 == 0xE0
        assert data[at + 4] == 0  # main data begins in its own frame: no bit reservoir


def test_too_loud_samples_are_clipped_and_never_wrap() -> None:
    loud = np.array([2.0, -2.0, 1.0, -1.0, 0.0], np.float32)

    assert to_int16(loud).tolist() == [32767, -32767, 32767, -32767, 0]


def test_content_types() -> None:
    assert {name: content_type(name) for name in AUDIO_FORMATS} == {
        "mp3": "audio/mpeg",
        "wav": "audio/wav",
        "flac": "audio/flac",
        "opus": "audio/ogg",
        "aac": "audio/aac",
        "pcm": "audio/pcm;rate=24000",
    }
    assert all(encoder(name).content_type == content_type(name) for name in AUDIO_FORMATS)


@pytest.mark.parametrize("audio_format", CODED)
def test_a_recording_of_nothing_is_no_error(audio_format: AudioFormat) -> None:
    assert isinstance(encoder(audio_format).finish(), bytes)
