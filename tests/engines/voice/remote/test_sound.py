"""Sound as services send it, and silence and speed as speech needs them."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.remote.service import Answer, ServiceFailed
from charafy.engines.voice.remote.sound import as_flac, as_wav, at_speed, heard, samples, trimmed
from charafy.kernel.media.audio import encode


def tone(seconds: float = 1.0, hertz: float = 200.0, rate: int = SAMPLE_RATE) -> Pcm:
    times = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def wav(kind: int, bits: int, data: bytes, rate: int = SAMPLE_RATE, channels: int = 1) -> bytes:
    block = channels * bits // 8
    head = struct.pack("<HHIIHH", kind, channels, rate, rate * block, block, bits)
    size = struct.pack("<I", len(data))
    riff = struct.pack("<I", 36 + len(data))
    return b"RIFF" + riff + b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + size + data


def raw(pcm: Pcm) -> bytes:
    return (pcm * 32767).astype("<i2").tobytes()


@pytest.mark.parametrize(
    "body",
    [
        as_wav(tone()),
        wav(3, 32, tone().astype("<f4").tobytes()),
        wav(1, 16, raw(np.repeat(tone(), 2)), channels=2),
        wav(1, 16, raw(tone(rate=44_100)), rate=44_100),
        wav(1, 16, raw(tone(rate=16_000)), rate=16_000),
        wav(1, 8, ((tone() + 1.0) * 127.5).astype(np.uint8).tobytes()),
        wav(1, 16, raw(tone())) + b"LIST\4\0\0\0abcd",
        as_flac(tone()),
        encode("opus", tone()),
    ],
    ids=["int16", "float", "stereo", "44 kHz", "16 kHz", "8 bit", "more behind", "flac", "opus"],
)
def test_files_of_every_kind_are_one_channel_at_our_rate(body: bytes) -> None:
    found = heard(Answer("audio/wav", body), 0, 5.0)
    assert len(found) == pytest.approx(SAMPLE_RATE, abs=1500)
    middle = found[4_000:20_000]
    spectrum = np.abs(np.fft.rfft(middle))
    assert spectrum.argmax() * SAMPLE_RATE / len(middle) == pytest.approx(200, abs=3)
    assert np.abs(middle).max() == pytest.approx(0.3, abs=0.13)  # two channels add up


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_FFFF - 36, 0x7FFF_F000])
def test_a_stream_that_does_not_know_its_length_is_taken_whole(size: int) -> None:
    whole = as_wav(tone())
    body = whole[:40] + struct.pack("<I", size) + whole[44:]
    assert len(heard(Answer("audio/wav", body), 0, 5.0)) == SAMPLE_RATE


@pytest.mark.parametrize("kept", [30, 44, 1_000, 40_000])
def test_a_file_that_breaks_off_is_told(kept: int) -> None:
    with pytest.raises(ServiceFailed, match=r"broke off|can be read"):
        heard(Answer("audio/wav", as_wav(tone())[:kept]), 0, 5.0)


def test_raw_samples_have_the_rate_that_their_type_says_or_that_is_known() -> None:
    body = raw(tone(rate=16_000))
    assert len(heard(Answer("audio/pcm; rate=16000", body), 24_000, 5.0)) == SAMPLE_RATE
    assert len(heard(Answer("application/octet-stream", body), 16_000, 5.0)) == SAMPLE_RATE
    assert len(heard(Answer("", body + b"\1"), 16_000, 5.0)) == SAMPLE_RATE
    with pytest.raises(ServiceFailed, match="rate"):
        heard(Answer("audio/pcm;rate=999999", body), 16_000, 5.0)


def test_raw_samples_that_begin_like_an_mp3_are_samples() -> None:
    """-1 is 0xFFFF."""
    body = b"\xff\xff" + raw(tone())
    assert len(heard(Answer("audio/pcm", body), SAMPLE_RATE, 5.0)) == SAMPLE_RATE + 1
    labelled = Answer("audio/mpeg", body)
    assert len(heard(labelled, SAMPLE_RATE, 5.0, wants_raw=True)) == SAMPLE_RATE + 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/html", b"<html>"), ("application/json", b"{}"), ("audio/wav", b""), ("", b"")],
)
def test_what_is_no_sound_is_told(kind: str, body: bytes) -> None:
    with pytest.raises(ServiceFailed):
        heard(Answer(kind, body), SAMPLE_RATE, 5.0)


def test_more_than_the_text_needs_is_told() -> None:
    with pytest.raises(ServiceFailed, match="far more"):
        heard(Answer("audio/wav", as_wav(tone(6.0))), 0, 5.0)


def test_samples_cut_in_two_lose_half_of_one() -> None:
    assert samples(raw(tone(0.1)) + b"\7") == pytest.approx(tone(0.1), abs=1e-4)


def test_silence_around_speech_is_left_out_but_for_a_little() -> None:
    pcm = np.concatenate([np.zeros(SAMPLE_RATE), tone(), np.zeros(2 * SAMPLE_RATE)])
    kept, before_s = trimmed(pcm.astype(np.float32))
    assert before_s == pytest.approx(0.95, abs=0.03)
    assert len(kept) / SAMPLE_RATE == pytest.approx(1.15, abs=0.05)
    assert trimmed(tone())[1] == 0.0


@pytest.mark.parametrize("pcm", [np.zeros(0, np.float32), np.zeros(48_000, np.float32)])
def test_silence_alone_is_no_speech(pcm: Pcm) -> None:
    with pytest.raises(ServiceFailed, match="silence"):
        trimmed(pcm)


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2.0])
def test_another_speed_keeps_the_pitch(speed: float) -> None:
    paced = at_speed(tone(4.0), speed)
    assert len(paced) == pytest.approx(4.0 * SAMPLE_RATE / speed, rel=0.03)
    spectrum = np.abs(np.fft.rfft(paced))
    assert spectrum.argmax() * SAMPLE_RATE / len(paced) == pytest.approx(200, abs=3)


def test_ordinary_speed_changes_nothing() -> None:
    assert np.array_equal(at_speed(tone(), 1.0), tone())
