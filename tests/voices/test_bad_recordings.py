"""What nobody speaks in gets a clear answer, costs nothing and leaves nothing."""

from __future__ import annotations

import resource
from collections.abc import Callable

import numpy as np
import pytest

from charafy.kernel.media.recordings import MAX_RECORDING_BYTES
from tests.support import recordings
from tests.support.images import jpeg
from tests.support.neighbours import Customer, Street
from tests.voices.conftest import PRICE, START, Credits, clone

Make = Callable[[], bytes]
MOST_KB = 500_000
"""Of memory for looking at anything."""


def minutes(count: int) -> bytes:
    """Somebody who speaks that long."""
    return recordings.written("mp3", np.tile(recordings.pcm(), 5 * count)[: count * 60 * 24_000])


def ten_megabytes_and_a_bit() -> bytes:
    return recordings.written("wav") + bytes(MAX_RECORDING_BYTES + 100_000)


UNREADABLE: dict[str, tuple[Make, str]] = {
    "nothing": (bytes, "invalid_audio"),
    "text": (lambda: b"I am a text, not a recording.", "invalid_audio"),
    "a picture": (jpeg, "invalid_audio"),
    "a zip file that swells": (recordings.zipped, "invalid_audio"),
    "a playlist": (lambda: b"#EXTM3U\nhttp://127.0.0.1/voice.mp3\n" * 9, "invalid_audio"),
    "half an M4A file": (lambda: recordings.sound_only("mp4", "aac")[:40_000], "invalid_audio"),
    "a film": (recordings.film, "audio_is_video"),
    "a WebM film": (lambda: recordings.film("webm", "libopus"), "audio_is_video"),
    "ten minutes": (lambda: minutes(10), "audio_too_long"),
    "61 seconds": (
        lambda: recordings.written("mp3", np.tile(recordings.pcm(), 5)[: 61 * 24_000]),
        "audio_too_long",
    ),
    "hours of silence": (recordings.hours_of_silence, "audio_too_long"),
    "10.1 MB": (ten_megabytes_and_a_bit, "audio_too_large"),
    "a tenth of a second": (
        lambda: recordings.written("wav", recordings.pcm()[:2_400]),
        "audio_too_short",
    ),
}

UNUSABLE: dict[str, tuple[Make, str]] = {
    "silence": (lambda: recordings.written("mp3", recordings.silence(10)), "no_speech"),
    "music": (lambda: recordings.written("mp3", recordings.music(10)), "music_or_noise"),
    "noise": (lambda: recordings.written("wav", recordings.noise(10)), "music_or_noise"),
    "half a second": (
        lambda: recordings.written("wav", recordings.pcm()[12_000:24_000]),
        "too_little_speech",
    ),
    "the beginning of a file": (lambda: recordings.speech()[:60_000], "too_little_speech"),
}

USABLE: dict[str, Make] = {
    "WAV": lambda: recordings.written("wav"),
    "WAV of 96 kHz and 8 channels": recordings.many_channels,
    "MP3": lambda: recordings.written("mp3"),
    "MP3 with a cover": recordings.with_cover,
    "M4A": lambda: recordings.sound_only("mp4", "aac"),
    "AAC": lambda: recordings.written("aac"),
    "WebM": lambda: recordings.sound_only("webm", "libopus"),
    "Ogg Opus": lambda: recordings.sound_only("ogg", "libopus"),
    "most of a WAV file": lambda: recordings.written("wav")[:300_000],
    "most of a WebM file": lambda: recordings.sound_only("webm", "libopus")[:100_000],
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_no_recording_is_refused_by_its_content(
    alice: Customer, house_street: Street, credits: Credits, what: str
) -> None:
    make, code = UNREADABLE[what]
    audio = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for answer in (alice.send("/voice/preview", audio), clone(alice, audio)):
        assert answer.status_code == 400, answer.text
        error = answer.json()
        assert (error["code"], error["param"]) == (code, "audio")
        assert error["error"].startswith("audio: the recording ")
        assert "quality" not in error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_KB
    assert credits() == (START, 0)
    assert house_street.files() == []


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_nobody_speaks_in_is_told_in_a_report_and_not_cloned(
    alice: Customer, house_street: Street, credits: Credits, what: str
) -> None:
    make, code = UNUSABLE[what]
    audio = make()
    report = alice.send("/voice/preview", audio)
    assert (report.status_code, report.json()["usable"]) == (200, False)
    problem = report.json()["problems"][0]
    assert (problem["code"], problem["fatal"]) == (code, True)

    refused = clone(alice, audio)
    assert refused.status_code == 400
    error = refused.json()
    assert (error["error"], error["code"], error["param"]) == (problem["message"], code, "audio")
    assert error["quality"] == report.json()
    assert credits() == (START, 0)
    assert house_street.files() == []


@pytest.mark.parametrize("what", USABLE)
def test_every_common_kind_of_recording_is_cloned(
    alice: Customer, credits: Credits, what: str
) -> None:
    answer = clone(alice, USABLE[what]())
    assert answer.status_code == 200, answer.text
    assert credits() == (START - PRICE, 0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("voice.txt", "text/plain"),
        ("film.mp4", "video/mp4"),
        ("../../etc/passwd", "application/zip"),
        ("声.wav", "audio/wav"),
        ("x" * 3_000, ""),
    ],
)
def test_names_and_declared_types_of_files_mean_nothing(
    alice: Customer, house_street: Street, name: str, kind: str
) -> None:
    answer = alice.http.post(
        "/api/v1/voice/clone",
        files={"audio": (name, recordings.written("mp3"), kind)},
        data={"name": "My Voice"},
        headers={"x-api-key": alice.key},
    )
    assert answer.status_code == 200, answer.text
    [kept] = house_street.files()
    assert kept.startswith(f"voices/{answer.json()['voice_id']}/clone-")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "\u202egnp"}, "name"),
        ({"name": "a", "language": "fr"}, "language"),
        ({"name": "a", "consent": "x" * 2_001}, "consent"),
        ({}, "name"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(
    alice: Customer, fields: dict[str, str], param: str
) -> None:
    answer = alice.send("/voice/clone", recordings.speech(), **fields)
    assert (answer.status_code, answer.json()["param"]) == (400, param)


def test_names_of_one_and_a_hundred_characters_are_names(alice: Customer) -> None:
    for name in ("声", "声" * 100):
        assert clone(alice, name=name).json()["name"] == name


@pytest.mark.parametrize("path", ["/voice/clone", "/voice/preview"])
def test_without_a_file_it_is_missed(alice: Customer, path: str) -> None:
    answer = alice.send(path, None, name="My Voice")
    assert (answer.status_code, answer.json()["param"]) == (400, "audio")
    assert answer.json()["error"] == "audio: this field is required."

    parts = {"audio": (None, "hello"), "name": (None, "My Voice")}
    answer = alice.http.post(f"/api/v1{path}", files=parts, headers={"x-api-key": alice.key})
    assert (answer.status_code, answer.json()["param"]) == (400, "audio")
    assert answer.json()["error"] == "audio: must be sent as a file."


@pytest.mark.parametrize("path", ["/voice/clone", "/voice/preview"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"audio": "data:audio/mpeg;base64,AAAA", "name": "My Voice"}'),
        ("application/x-www-form-urlencoded", b"audio=x&name=y"),
        ("audio/mpeg", b"ID3"),
        ("", b"ID3"),
    ],
)
def test_a_body_of_another_kind_is_told_what_it_should_be(
    alice: Customer, path: str, kind: str, body: bytes
) -> None:
    answer = alice.http.post(
        f"/api/v1{path}", content=body, headers={"x-api-key": alice.key, "content-type": kind}
    )
    assert answer.status_code == 400
    assert "multipart/form-data" in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b'--x\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\nID3',
        b"--x\r\n" * 3_000,
    ],
)
def test_a_form_that_breaks_off_is_400(alice: Customer, body: bytes) -> None:
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        answer = alice.http.post(
            "/api/v1/voice/clone",
            content=body,
            headers={"x-api-key": alice.key, "content-type": kind},
        )
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"].endswith(".")
