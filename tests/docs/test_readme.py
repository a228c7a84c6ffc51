"""Every recipe of the README works as it is pasted, with one's own key, ids and picture."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import httpx
import pytest

from tests.support import recordings
from tests.support.images import jpeg
from tests.support.server import Server, running

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Shop:
    """A running server and what a reader of the README puts into its recipes."""

    server: Server
    character_id: str
    voice_id: str

    def filled(self, code: str) -> str:
        return (
            code.replace(ADDRESS, self.server.base_url)
            .replace("YOUR_API_KEY", self.server.api_key)
            .replace("CHAR_ID", self.character_id)
            .replace("VOICE_UUID", self.voice_id)
        )

    def run(self, code: str, folder: Path) -> str:
        command = self.filled(code)
        # -f: an answer that is not 200 fails the recipe.
        command = re.sub(r"^curl ", "curl -f ", command, flags=re.MULTILINE)
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("readme")
    with running(home, CHARAFY_VOICE_ENGINE="scripted", CHARAFY_WORKER="on") as server:
        headers = {"x-api-key": server.api_key}
        with httpx.Client(base_url=f"{server.base_url}/api/v1", headers=headers) as api:
            characters = api.get("/characters").json()["characters"]
            voices = api.get("/voices").json()["voices"]
        japanese = next(v["voice_id"] for v in voices if v["language"] == "ja")
        english = next(c["character_id"] for c in characters if c["language"] == "en")
        yield Shop(server, english, japanese)


def recipe(beginning: str) -> str:
    """The first code block after the words with which a recipe begins."""
    after = TEXT[TEXT.index(beginning) :]
    block = re.search(r"```(?:sh|python)\n(.+?)```", after, re.DOTALL)
    assert block
    return block[1]


def test_it_is_short_enough_to_be_read() -> None:
    assert len(TEXT.splitlines()) < 250


def test_every_code_block_is_run_by_a_test() -> None:
    blocks = re.findall(r"```(?:sh|python)\n", TEXT)
    tested = ("make run", "The first start", *(f"**{number}." for number in range(1, 9)))
    assert len(blocks) == len(tested)
    assert all(beginning in TEXT for beginning in tested[2:])


def test_the_two_commands_exist() -> None:
    for target in ("run", "test"):
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=README.parent, capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr


def test_the_first_line_speaks(shop: Shop, tmp_path: Path) -> None:
    shop.run(recipe("The first start makes"), tmp_path)
    assert (tmp_path / "hello.mp3").read_bytes()[:2] == b"\xff\xf3"


def test_1_a_character_is_made(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(jpeg())
    made = json.loads(shop.run(recipe("**1. Make a character**"), tmp_path))
    assert made["embed_url"].endswith(made["character_id"])


def test_2_speech_comes_in_the_format_and_at_the_speed_asked_for(
    shop: Shop, tmp_path: Path
) -> None:
    shop.run(recipe("**2. Speak in the format"), tmp_path)
    assert (tmp_path / "moment.wav").read_bytes()[:4] == b"RIFF"


def test_3_every_word_has_its_time(shop: Shop, tmp_path: Path) -> None:
    answer = json.loads(shop.run(recipe("**3. Know when every word"), tmp_path))
    assert [word["text"].strip(".") for word in answer["words"]] == ["Nice", "to", "meet", "you"]
    assert answer["words"][-1]["end_s"] <= answer["duration_s"]
    assert answer["visemes"]


def test_4_an_openai_client_speaks(shop: Shop, tmp_path: Path) -> None:
    code = shop.filled(recipe("**4. Keep your OpenAI client.**"))
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "hello.mp3").read_bytes()[:2] == b"\xff\xf3"


def test_5_the_same_request_again_costs_nothing_and_answers_the_same(
    shop: Shop, tmp_path: Path
) -> None:
    def balance() -> int:
        headers = {"x-api-key": shop.server.api_key}
        url = f"{shop.server.base_url}/api/v1/credits"
        return int(httpx.get(url, headers=headers, timeout=10).json()["credits_remaining"])

    before = balance()
    shop.run(recipe("**5. Never pay twice.**"), tmp_path)
    first = (tmp_path / "order.mp3").read_bytes()
    shop.run(recipe("**5. Never pay twice.**"), tmp_path)
    assert (tmp_path / "order.mp3").read_bytes() == first
    assert balance() == before - 1


def test_7_a_voice_is_cloned(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "voice-sample.mp3").write_bytes(recordings.written("mp3"))
    made = json.loads(shop.run(recipe("**7. Clone a voice**"), tmp_path))
    assert (made["name"], made["credits_used"]) == ("My Voice", 100)


def test_6_a_video_is_made(shop: Shop, tmp_path: Path) -> None:
    code = shop.filled(recipe("**6. Film it.**"))
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=120)
    with av.open(str(tmp_path / "hello.mp4")) as container:
        assert {stream.type for stream in container.streams} == {"video", "audio"}
        assert len(list(container.decode(video=0))) > 25


def test_8_a_conversation_is_prepaid_and_may_be_begun(shop: Shop, tmp_path: Path) -> None:
    ticket = json.loads(shop.run(recipe("**8. Talk with it.**"), tmp_path))
    assert ticket["token"].startswith("eyJ")
    assert ticket["credits_used"] == ticket["billing"]["prepaid_credits"] == 50
