"""Whatever a service does, speech ends in bounded time with a sentence of ours."""

from __future__ import annotations

import threading
import time
import tracemalloc

import httpx
import pytest

from charafy.engines.voice import VoiceFailed
from charafy.engines.voice.remote.service import Service
from tests.engines.voice.remote.conftest import HASTY, Remote
from tests.support.fake_voice_services import KEY, Trouble

TEXT = "Hello there, my friend."


def failure(remote: Remote) -> str:
    """What a speech fails with, spoken by a voice that was cloned before the trouble began."""
    trouble, remote.fake.trouble = remote.fake.trouble, None
    fields = remote.cloned()
    remote.fake.trouble = trouble
    remote.fake.asked.clear()
    with pytest.raises(VoiceFailed) as raised:
        list(remote.speaker.speak(fields, TEXT, "en"))
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return str(raised.value)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("cut off", "broke off"),
        ("cut off before an answer", "broke off"),
        ("web page", "sent"),
        ("packed", "packed"),
        ("no sound", "silence"),
        ("endless", "far more"),
        ("huge", "far more"),
    ],
)
def test_answers_that_are_no_speech(remote: Remote, trouble: Trouble, words: str) -> None:
    remote.fake.trouble = trouble
    told = failure(remote)
    assert words in told
    assert "upstream" not in told


def test_a_wav_that_ends_before_it_says(remote: Remote) -> None:
    remote.fake.trouble = "short wav"
    if remote.kind == "openai":
        assert "broke off" in failure(remote)
    else:  # half a row of JSON
        assert "can't be read" in failure(remote)


def test_noise_in_place_of_a_file(remote: Remote) -> None:
    remote.fake.trouble = "garbage"
    assert "read" in failure(remote)


def test_a_huge_answer_is_not_kept(remote: Remote) -> None:
    remote.fake.trouble = "huge"
    tracemalloc.start()
    try:
        failure(remote)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The fake runs in this process and makes 60 MB twice; we keep a few.
    assert peak < 160_000_000


@pytest.mark.parametrize("trouble", ["silent server", "drip"])
def test_who_does_not_answer_is_left_in_time(remote: Remote, trouble: Trouble) -> None:
    hasty = remote.but(waits=HASTY)
    fields = remote.cloned()
    remote.fake.trouble = trouble
    began = time.monotonic()
    with pytest.raises(VoiceFailed, match="in time"):
        list(hasty.speaker.speak(fields, TEXT, "en"))
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "status 400"),
        (401, "API key"),
        (402, "credit"),
        (403, "API key"),
        (404, "does not know"),
        (422, "status 422"),
        (500, "status 500"),
        (302, "status 302"),
    ],
)
def test_refusals_are_told_in_our_words_and_not_repeated(
    remote: Remote, status: int, words: str
) -> None:
    fields = remote.cloned()
    remote.fake.statuses = [status]
    remote.fake.error = {"detail": {"status": "odd", "message": f"{KEY} said {TEXT}"}}
    remote.fake.headers = {"Location": "http://127.0.0.1:1/elsewhere"}
    remote.fake.asked.clear()
    with pytest.raises(VoiceFailed, match=words) as raised:
        list(remote.speaker.speak(fields, TEXT, "en"))
    assert len(remote.fake.asked) == 1
    assert remote.slept == []
    for secret in (KEY, TEXT, "odd", remote.fake.url):
        assert secret not in str(raised.value)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_service_is_asked_again_after_a_pause(remote: Remote, status: int) -> None:
    fields = remote.cloned()
    remote.fake.statuses = [status, status]
    assert list(remote.speaker.speak(fields, TEXT, "en"))
    assert remote.slept == [0.3, 1.0]


def test_a_service_that_stays_busy_is_left_after_three_attempts(remote: Remote) -> None:
    fields = remote.cloned()
    remote.fake.statuses = [429] * 9
    remote.fake.asked.clear()
    with pytest.raises(VoiceFailed, match="busy"):
        list(remote.speaker.speak(fields, TEXT, "en"))
    assert len(remote.fake.asked) == 3


@pytest.mark.parametrize(
    ("told", "slept"), [("2", [2.0]), ("60", None), ("Wed, 21 Oct 2015 07:28:00 GMT", [0.3])]
)
def test_a_pause_that_the_service_asks_for_is_kept_if_it_is_short(
    remote: Remote, told: str, slept: list[float] | None
) -> None:
    fields = remote.cloned()
    remote.fake.statuses, remote.fake.headers = [429], {"Retry-After": told}
    speech = remote.speaker.speak(fields, TEXT, "en")
    if slept is None:
        with pytest.raises(VoiceFailed, match="busy"):
            list(speech)
    else:
        assert list(speech)
    assert remote.slept == (slept or [])


def test_what_broke_off_before_anything_came_is_asked_again(remote: Remote) -> None:
    fields = remote.cloned()
    remote.fake.trouble = "cut off before an answer"
    remote.fake.asked.clear()
    with pytest.raises(VoiceFailed):
        list(remote.speaker.speak(fields, TEXT, "en"))
    assert len(remote.fake.asked) == 3


def test_what_broke_off_in_the_middle_is_not(remote: Remote) -> None:
    """It was made, and is paid for."""
    fields = remote.cloned()
    remote.fake.trouble = "cut off"
    remote.fake.asked.clear()
    with pytest.raises(VoiceFailed):
        list(remote.speaker.speak(fields, TEXT, "en"))
    assert len(remote.fake.asked) == 1


def test_nobody_there(remote: Remote) -> None:
    fields = remote.cloned()
    remote.fake.url = "http://127.0.0.1:9"
    with pytest.raises(VoiceFailed, match="reached"):
        list(remote.speaker.speak(fields, TEXT, "en"))
    assert remote.slept == [0.3, 1.0]


@pytest.mark.parametrize("address", ["http://", "ftp://127.0.0.1", "http://[::bad", "//x"])
def test_an_address_that_is_none(remote: Remote, address: str) -> None:
    fields = remote.cloned()
    remote.fake.url = address
    with pytest.raises(VoiceFailed):
        list(remote.speaker.speak(fields, TEXT, "en"))


def test_a_wrong_key_is_told_without_the_key(remote: Remote) -> None:
    fields = remote.cloned()
    with pytest.raises(VoiceFailed, match="API key") as raised:
        list(remote.but(key="sk-wrong-77").speaker.speak(fields, TEXT, "en"))
    assert "77" not in str(raised.value)


def test_after_a_failure_the_next_speech_is_as_ever(remote: Remote) -> None:
    remote.fake.trouble = "cut off"
    failure(remote)
    remote.fake.trouble = None
    assert remote.speak(TEXT)


def test_many_speeches_at_once(remote: Remote) -> None:
    fields, speaker = remote.cloned(), remote.speaker
    said: list[int] = []

    def speak() -> None:
        said.append(len(list(speaker.speak(fields, TEXT, "en"))))

    threads = [threading.Thread(target=speak) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert said == [1] * 8


def test_a_client_that_was_passed_in_is_left_open() -> None:
    client = httpx.Client(trust_env=False)
    Service("http://127.0.0.1:9", {}, client=client).close()
    assert not client.is_closed
    client.close()
