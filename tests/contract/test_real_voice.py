"""The first journey on the real voice: a newcomer's server speaks English and Japanese."""

from __future__ import annotations

import base64
import io
import time
import wave
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.server import running

pytestmark = pytest.mark.slow

TEXTS = {"en": "Hello, how are you?", "ja": "こんにちは、元気ですか。"}
READY_S = 120


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        running(tmp_path_factory.mktemp("kokoro")) as server,
        httpx.Client(
            base_url=server.base_url, headers={"x-api-key": server.api_key}, timeout=60
        ) as client,
    ):
        deadline = time.monotonic() + READY_S
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline, client.get("/readyz").text
            time.sleep(0.2)
        yield client


@pytest.fixture(scope="module")
def cast(api: httpx.Client) -> dict[str, str]:
    """A demo character for each language."""
    characters = api.get("/api/v1/characters").json()["characters"]
    return {character["language"]: character["character_id"] for character in characters}


@pytest.mark.parametrize("language", TEXTS)
def test_a_demo_character_speaks_its_language(
    api: httpx.Client, cast: dict[str, str], language: str
) -> None:
    body = {"character_id": cast[language], "text": TEXTS[language], "format": "wav"}
    answer = api.post("/api/v1/tts", json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    samples = decoded(answer.content)
    assert 0.8 < len(samples) / 24_000 < 5
    loud = np.abs(samples) > 0.02
    assert 0.2 < loud.mean() < 0.95
    assert np.abs(samples).max() <= 1


@pytest.mark.parametrize("language", TEXTS)
def test_timestamps_cover_what_is_heard(
    api: httpx.Client, cast: dict[str, str], language: str
) -> None:
    body = {"character_id": cast[language], "text": TEXTS[language], "format": "wav"}
    answer = api.post("/api/v1/tts/timestamps", json=body).json()

    samples = decoded(base64.b64decode(answer["audio"]))
    assert answer["duration_s"] == pytest.approx(len(samples) / 24_000, abs=0.001)
    for kind in ("words", "phonemes"):
        marks = answer[kind]
        assert len(marks) >= 2, kind
        times = [time for mark in marks for time in (mark["start_s"], mark["end_s"])]
        assert times == sorted(times), kind
        assert 0 <= times[0] < times[-1] <= answer["duration_s"], kind
    shapes = answer["visemes"]
    edges = [0, *(shape["end_s"] for shape in shapes)]
    assert [shape["start_s"] for shape in shapes] == edges[:-1]
    assert edges[-1] == answer["duration_s"]
    assert len({shape["viseme"] for shape in shapes}) >= 4
    first, last = answer["words"][0]["start_s"], answer["words"][-1]["end_s"]
    heard = np.flatnonzero(np.abs(samples) > 0.02) / 24_000
    assert heard[0] == pytest.approx(first, abs=0.15)
    # The voice lets a last vowel fade: its mark may outlast what is loud enough to count here.
    assert heard[-1] - 0.15 <= last <= heard[-1] + 0.7


def test_words_are_those_of_the_text(api: httpx.Client, cast: dict[str, str]) -> None:
    body = {"character_id": cast["en"], "text": TEXTS["en"]}
    words = api.post("/api/v1/tts/timestamps", json=body).json()["words"]

    assert "".join(word["text"] for word in words).replace(" ", "").strip("?").lower() in (
        "hello,howareyou",
        "hellohowareyou",
    )


def test_twice_the_speed_takes_about_half_as_long(api: httpx.Client, cast: dict[str, str]) -> None:
    def duration_s(speed: float) -> float:
        body = {"character_id": cast["en"], "text": TEXTS["en"] * 3, "speed": speed}
        return float(api.post("/api/v1/tts/timestamps", json=body).json()["duration_s"])

    assert 0.4 < duration_s(2) / duration_s(1) < 0.75


def decoded(data: bytes) -> NDArray[np.float32]:
    """Samples of a streamed WAV, whose header can't know its length."""
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 24_000, 2)
    return np.frombuffer(data[44:], "<i2").astype(np.float32) / np.float32(32_768)
