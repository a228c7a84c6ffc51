"""The contract's own curl lines, run by the real curl, unchanged but for host, key, ids and photo.

What differs: `https://charafy.ai` is the test server, YOUR_API_KEY its key, CHAR_ID and VOICE_UUID
ids of its own, and https://example.com/photo.jpg a picture on this machine. `voice-sample.mp3` lies
in the folder.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import contract, recordings
from tests.support.server import Server

ENDPOINTS = contract.endpoints()
BUILT = (
    "GET /v1/characters",
    "POST /v1/characters",
    "PUT /v1/characters/CHAR_ID/avatar",
    "PUT /v1/characters/CHAR_ID/embed",
    "GET /v1/voices",
    "POST /v1/voice/clone",
    "POST /v1/tts",
    "POST /v1/video",
    "GET /v1/credits",
)
"""What of the contract exists so far."""


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    content_type: str
    body: str


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs curl lines in a folder of their own."""

    server: Server
    folder: Path
    photo_host: str
    character_id: str
    voice_id: str

    def run(self, line: str) -> Ran:
        for placeholder, value in (
            (contract.HOST, self.server.base_url),
            ("YOUR_API_KEY", self.server.api_key),
            ("CHAR_ID", self.character_id),
            ("VOICE_UUID", self.voice_id),
            ("https://example.com/photo.jpg", f"http://{self.photo_host}/photo.jpg"),
        ):
            line = line.replace(placeholder, value)
        # curl reads what we want to know besides from its own settings: the line stays as it is.
        (self.folder / ".curlrc").write_text(
            'silent\nshow-error\nnoproxy="*"\nwrite-out="\\n%{http_code} %{content_type}"\n'
        )
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "CURL_HOME": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        body, _, status = done.stdout.rpartition("\n")
        code, _, content_type = status.partition(" ")
        return Ran(int(code), content_type, body)


@pytest.fixture
def shell(server: Server, tmp_path: Path, photo_host: str) -> Shell:
    headers = {"x-api-key": server.api_key}
    base = f"{server.base_url}/api/v1"
    characters = httpx.get(f"{base}/characters", headers=headers).json()["characters"]
    voices = httpx.get(f"{base}/voices", headers=headers).json()["voices"]
    (tmp_path / "voice-sample.mp3").write_bytes(recordings.written("mp3"))
    return Shell(server, tmp_path, photo_host, characters[0]["character_id"], voices[0]["voice_id"])


def assert_like(answer: Any, example: Any, where: str = "answer") -> None:
    """The example's fields in its order and of its types; ours may follow behind them."""
    if isinstance(example, dict):
        assert isinstance(answer, dict), where
        assert list(answer)[: len(example)] == list(example), where
        for name, value in example.items():
            assert_like(answer[name], value, f"{where}.{name}")
    elif isinstance(example, list):
        assert isinstance(answer, list), where
        assert answer, f"{where} is empty: nothing was compared"
        for item in answer:
            assert_like(item, example[0], f"{where}[]")
    elif example is None:
        assert answer is None or isinstance(answer, int), where
    else:
        assert type(answer) is type(example), f"{where}: {answer!r} is no {type(example).__name__}"


def test_the_contract_has_the_endpoints_that_are_tested_here() -> None:
    assert set(BUILT) <= ENDPOINTS.keys()
    assert len(ENDPOINTS) == 11


@pytest.mark.parametrize("name", [name for name in BUILT if ENDPOINTS[name].answer is not None])
def test_a_curl_line_answers_the_fields_of_its_example_in_order(shell: Shell, name: str) -> None:
    ran = shell.run(ENDPOINTS[name].curl)

    assert (ran.status, ran.content_type) == (200, "application/json"), ran.body
    assert_like(json.loads(ran.body), ENDPOINTS[name].answer)


def test_the_create_line_makes_a_character_that_the_list_line_shows(shell: Shell) -> None:
    created = json.loads(shell.run(ENDPOINTS["POST /v1/characters"].curl).body)
    listed = json.loads(shell.run(ENDPOINTS["GET /v1/characters"].curl).body)["characters"]

    found = next(c for c in listed if c["character_id"] == created["character_id"])
    assert (found["name"], found["language"], found["voice_id"]) == ("Sakura", "ja", shell.voice_id)
    assert found["embed_url"] == created["embed_url"]
    assert found["embed_url"] == f"{shell.server.base_url}/embed/{created['character_id']}"
    assert httpx.get(found["photo_url"]).headers["content-type"] == "image/jpeg"


def test_the_embed_line_answers_what_it_sent_and_null_for_the_rest(shell: Shell) -> None:
    ran = shell.run(ENDPOINTS["PUT /v1/characters/CHAR_ID/embed"].curl)

    answer = json.loads(ran.body)
    expected = ENDPOINTS["PUT /v1/characters/CHAR_ID/embed"].answer
    for name in ("embed_enabled", "allowed_origins"):
        assert answer[name] == expected[name]
    for name in expected:
        if name.endswith(("_seconds", "_concurrent")):
            assert answer[name] == expected[name], name


def test_the_speech_line_saves_an_mp3(shell: Shell) -> None:
    ran = shell.run(ENDPOINTS["POST /v1/tts"].curl)

    assert (ran.status, ran.content_type) == (200, "audio/mpeg"), ran.body
    saved = (shell.folder / "speech.mp3").read_bytes()
    assert saved[:3] == b"ID3" or saved[0] == 0xFF
    assert len(saved) > 4_000


def test_the_video_line_makes_a_video_which_the_polling_line_shows(shell: Shell) -> None:
    created = json.loads(shell.run(ENDPOINTS["POST /v1/video"].curl).body)
    polling = ENDPOINTS["GET /v1/video/VIDEO_ID"]
    line = polling.curl.replace("VIDEO_ID", created["video_id"])
    assert created["poll_url"] in line.replace(contract.HOST, shell.server.base_url)

    give_up = time.monotonic() + 60
    while (answer := json.loads(shell.run(line).body))["status"] == "processing":
        assert time.monotonic() < give_up, answer
        time.sleep(0.2)

    assert_like(answer, polling.answer)
    assert answer["status"] == "completed"
    film = httpx.get(answer["output_url"])
    assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")


def test_the_quick_start_lines_run(shell: Shell) -> None:
    listing, speech, video, *_later = contract.quick_start()

    assert shell.run(listing).status == 200
    assert shell.run(speech).status == 200
    assert shell.run(video).status == 200
    assert (shell.folder / "speech.mp3").stat().st_size > 4_000


def test_the_voices_line_lists_presets_whose_samples_play(shell: Shell) -> None:
    voices = json.loads(shell.run(ENDPOINTS["GET /v1/voices"].curl).body)["voices"]

    assert {voice["language"] for voice in voices} == {"ja", "en"}
    presets = [voice for voice in voices if voice["is_preset"]]
    assert voices[: len(presets)] == presets
    sample = httpx.get(voices[0]["sample_url"], timeout=30)
    assert (sample.status_code, sample.headers["content-type"]) == (200, "audio/mpeg")
    assert len(sample.content) > 4_000


def test_the_clone_line_makes_a_voice_that_the_list_line_shows_and_that_speaks(
    shell: Shell,
) -> None:
    made = json.loads(shell.run(ENDPOINTS["POST /v1/voice/clone"].curl).body)
    listed = json.loads(shell.run(ENDPOINTS["GET /v1/voices"].curl).body)["voices"]

    found = next(voice for voice in listed if voice["voice_id"] == made["voice_id"])
    assert (found["name"], found["language"], found["is_preset"]) == ("My Voice", "ja", False)
    assert (made["credits_used"], found["sample_url"]) == (100, made["sample_url"])
    sample = httpx.get(made["sample_url"], timeout=30)
    assert (sample.status_code, sample.headers["content-type"]) == (200, "audio/mpeg")
