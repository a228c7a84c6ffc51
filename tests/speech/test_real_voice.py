"""A few requests to a server with its real voice: what a newcomer hears."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.rawhttp import Exchange
from tests.support.server import Server, running

pytestmark = pytest.mark.slow

ENGLISH = "Hello, how are you? It costs $5.20 at 3 p.m."
JAPANESE = "こんにちは、元気ですか。AIと話しましょう。"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("real"), CHARAFY_VOICE_ENGINE="kokoro") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    headers = {"x-api-key": server.api_key}
    with httpx.Client(base_url=f"{server.base_url}/api/v1", headers=headers, timeout=60) as client:
        yield client


def character(client: httpx.Client, language: str) -> str:
    characters = client.get("/characters").json()["characters"]
    return next(str(c["character_id"]) for c in characters if c["language"] == language)


def heard(data: bytes) -> NDArray[np.float32]:
    with av.open(io.BytesIO(data), "r") as file:
        return np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])


@pytest.mark.parametrize(("language", "text"), [("en", ENGLISH), ("ja", JAPANESE)])
def test_a_character_says_what_it_is_given(client: httpx.Client, language: str, text: str) -> None:
    answer = client.post("/tts", json={"character_id": character(client, language), "text": text})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/mpeg"
    sound = heard(answer.content)
    assert 2 < len(sound) / 24_000 < 12
    assert 0.01 < np.sqrt(np.mean(sound**2)) < 0.5


def test_words_sound_where_their_times_say(client: httpx.Client) -> None:
    body = {"character_id": character(client, "en"), "text": "Stop! <break time='800ms'/> Go!"}
    answer = client.post("/tts/timestamps", json=body).json()

    sound = np.abs(heard(base64.b64decode(answer["audio"])))
    stop, go = answer["words"]
    assert (stop["text"].strip("!"), go["text"].strip("!")) == ("Stop", "Go")
    pause = sound[round(stop["end_s"] * 24_000) + 4_800 : round(go["start_s"] * 24_000) - 2_400]
    assert go["start_s"] - stop["end_s"] > 0.7
    assert pause.mean() < 0.005 < sound[round(go["start_s"] * 24_000) :].mean()


def test_speed_and_voice_change_the_audio(client: httpx.Client) -> None:
    voices = client.get("/voices").json()["voices"]
    other = next(v["voice_id"] for v in voices if v["language"] == "en" and v["name"] == "George")
    body = {"character_id": character(client, "en"), "text": "Hello there, my friend."}

    normal = client.post("/tts", json=body)
    fast = client.post("/tts", json=body | {"speed": 2})
    changed = client.post("/tts", json=body | {"voice_id": other})

    assert len(fast.content) < 0.7 * len(normal.content)
    assert changed.content != normal.content


def test_five_thousand_characters_stream_and_stop_when_the_client_leaves(server: Server) -> None:
    text = ("The quick brown fox jumps over the lazy dog. " * 120)[:5_000]
    body = {"model": "kokoro", "voice": "af_heart", "input": text}
    with Exchange(
        server.base_url, "/api/v1/audio/speech", body, x_api_key=server.api_key
    ) as exchange:
        status, headers = exchange.head()
        assert (status, headers["x-credits-used"]) == (200, "50")
        for _ in range(3):
            assert exchange.chunk()
        exchange.leave()

    assert becomes_idle(server)  # what is left to synthesise would take a minute and more
    credits = httpx.get(
        f"{server.base_url}/api/v1/credits", headers={"x-api-key": server.api_key}
    ).json()
    newest = credits["transactions"][0]
    assert newest["type"] == "tts"
    assert -5 <= newest["amount"] <= -1


def becomes_idle(server: Server) -> bool:
    """Whether the process stops computing within a few seconds."""
    until = time.monotonic() + 8
    used = cpu_s(server)
    while time.monotonic() < until:
        threading.Event().wait(0.5)
        before, used = used, cpu_s(server)
        if used - before <= 0.03:
            return True
    return False


def cpu_s(server: Server) -> float:
    """User and system time that the server's process has used."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
