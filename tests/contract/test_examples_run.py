"""Every example of the documentation runs when it is pasted: curl, Python and JavaScript.

What differs from the page: the key, the ids and the address of the photo.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from charafy.kernel.settings import Settings
from charafy.reference.guides import guides
from charafy.reference.names import OPERATIONS
from charafy.reference.operations import chapters
from charafy.reference.samples import Sample, samples
from charafy.web.pages import PAGE_LANGUAGES
from tests.support import recordings
from tests.support.npm import install
from tests.support.server import Server

NOT_RUN = {
    "delete_account",
    "suspend_account",
    "unsuspend_account",
    "buy_credits",
    "connect_conversation",
    "add_ice_candidates",
}
"""What would end the account that runs them, or needs a payment provider or a browser."""
RECORDING = "voice-sample.mp3"
OPERATION_NAMES = [name for _, _, name in OPERATIONS if name not in NOT_RUN]


@dataclass(frozen=True, slots=True)
class Paste:
    """Runs an example as its reader would, in an empty folder."""

    server: Server
    folder: Path
    values: dict[str, str]
    made: dict[str, Callable[[], str]]
    """What takes time or is limited: made for the examples that speak of it."""

    def run(self, sample: Sample) -> str:
        """What it printed. Fails with what it complained about."""
        code = sample.code
        for placeholder, value in self.values.items():
            code = code.replace(placeholder, value)
        for placeholder, make in self.made.items():
            if placeholder in code:
                code = code.replace(placeholder, make())
        if sample.language == "python":
            return self._run_here(code)
        done = subprocess.run(
            self._command(sample.language, code),
            cwd=self.folder,
            env={
                "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
                "CHARAFY_HOME": str(self.server.home),
                "HOME": str(self.folder),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{code}\n\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _run_here(self, code: str) -> str:
        """In this process: starting an interpreter for each would take longer than all the rest."""
        said = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(said):
            exec(compile(code, "example.py", "exec"), {"__name__": "__main__"})
        return said.getvalue()

    def _command(self, language: str, code: str) -> list[str]:
        match language:
            case "bash":
                # What the server refuses must not pass for an answer.
                (self.folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
                return ["bash", "-euo", "pipefail", "-c", code]
            case "sh":
                return ["bash", "-euo", "pipefail", "-c", code]
            case "javascript":
                node = shutil.which("node")
                if node is None:
                    pytest.skip("node is not installed")
                if "charafy-client" in code:
                    package = httpx.get(f"{self.server.base_url}/charafy-client.tgz", timeout=30)
                    install(package.content, self.folder)
                (self.folder / "example.mjs").write_text(code, encoding="utf-8")
                return [node, "example.mjs"]
            case _:
                pytest.fail(f"nobody knows how to run {language}")


@pytest.fixture
def paste(server: Server, tmp_path: Path, photo_host: str) -> Iterator[Paste]:
    """With a character and a key that an example may change or delete."""
    with httpx.Client(
        base_url=f"{server.base_url}/api/v1", headers={"x-api-key": server.api_key}, timeout=30
    ) as api:
        voices = api.get("/voices").json()["voices"]
        voice_id = next(voice["voice_id"] for voice in voices if voice["language"] == "en")
        photo = f"http://{photo_host}/photo.jpg"
        body = {"name": "Emma", "image": photo, "voice_id": voice_id, "language": "en"}
        character_id = api.post("/characters", json=body).raise_for_status().json()["character_id"]
        key_id = api.post("/keys", json={"name": "spare"}).raise_for_status().json()["key_id"]
        # Long enough to be still under way.
        video = {"character_id": character_id, "text": "Again and again. " * 290}

        def order() -> str:
            answer = api.post("/video", json=video).raise_for_status()
            return str(answer.json()["video_id"])

        def listen() -> str:
            # No such host: whatever is sent there finds nobody.
            hook = {"url": "https://receiver.invalid/hook"}
            answer = api.post("/webhooks", json=hook).raise_for_status()
            return str(answer.json()["endpoint_id"])

        def deliver() -> str:
            endpoint = f"/webhooks/{listen()}"
            api.post(f"{endpoint}/test").raise_for_status()
            return str(api.get(f"{endpoint}/deliveries").json()["deliveries"][0]["delivery_id"])

        def talk() -> str:
            body = {"character_id": character_id, "session_limit_seconds": 60}
            answer = api.post("/conversation/token", json=body).raise_for_status()
            return str(answer.json()["conversation_id"])

        def clone() -> str:
            answer = api.post(
                "/voice/clone",
                files={"audio": recordings.speech()},
                data={"name": "My Voice"},
            )
            return str(answer.raise_for_status().json()["voice_id"])

        values = {
            "YOUR_API_KEY": server.api_key,
            "CHAR_ID": character_id,
            "KEY_ID": key_id,
            "ACCOUNT_ID": api.get("/account").json()["account_id"],
            "https://example.com/photo.jpg": photo,
            '"af_heart"': f'"{voice_id}"',
            "greeting-0001": f"greeting-{character_id}",
        }
        made = {
            "VIDEO_ID": order,
            "CONVERSATION_ID": talk,
            "VOICE_ID": clone,
            "ENDPOINT_ID": listen,
            "DELIVERY_ID": deliver,
        }
        (tmp_path / RECORDING).write_bytes(recordings.written("mp3"))
        yield Paste(server, tmp_path, values, made)
        for left in api.get("/videos", params={"status": "processing"}).json()["videos"]:
            api.delete(f"/video/{left['video_id']}")
        api.delete(f"/characters/{character_id}")
        api.delete(f"/keys/{key_id}")
        for endpoint in api.get("/webhooks").json()["endpoints"]:
            api.delete(f"/webhooks/{endpoint['endpoint_id']}")


@pytest.fixture(scope="module")
def examples(server: Server) -> dict[str, tuple[Sample, ...]]:
    """The samples of each operation, as the server's own document gives them."""
    document = httpx.get(f"{server.base_url}/openapi.json").json()
    return {
        operation.id: samples(operation, server.base_url)
        for chapter in chapters(document)
        for operation in chapter.operations
    }


def test_all_operations_have_examples(examples: dict[str, tuple[Sample, ...]]) -> None:
    assert examples.keys() == set(OPERATION_NAMES) | NOT_RUN
    assert {sample.language for found in examples.values() for sample in found} == {
        "bash",
        "python",
        "javascript",
    }


@pytest.mark.parametrize("name", OPERATION_NAMES)
@pytest.mark.parametrize("position", [0, 1, 2], ids=["curl", "python", "javascript"])
def test_an_operation_s_example_runs(
    paste: Paste, examples: dict[str, tuple[Sample, ...]], name: str, position: int
) -> None:
    said = paste.run(examples[name][position])

    saved = [path for path in paste.folder.glob("*.mp3") if path.name != RECORDING]
    if saved:
        assert all(path.stat().st_size > 2_000 for path in saved)
    else:
        assert len(said) > 10


@pytest.mark.slow
@pytest.mark.parametrize("language", PAGE_LANGUAGES)
def test_the_examples_of_the_guides_run(paste: Paste, language: str) -> None:
    settings = Settings(public_url=paste.server.base_url)
    ran = 0
    for guide in guides(settings, language):
        for block in guide.blocks:
            for sample in getattr(block, "samples", ()):
                if sample.language in ("bash", "python", "sh", "javascript"):
                    paste.run(sample)
                    ran += 1
    assert ran >= 15
