"""The same commands with a server elsewhere: the same output, by its API and a key alone."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support import recordings
from tests.support.images import jpeg
from tests.support.server import Server

There = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def there(charafy: Run, server: Server, tmp_path: Path) -> There:
    """`charafy ... --server URL` on a machine that has no data of its own."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        key = {"CHARAFY_API_KEY": server.api_key, "CHARAFY_HOME": str(tmp_path / "nothing")}
        return charafy(*arguments, **{"CHARAFY_BASE_URL": server.base_url, **key, **env})

    return run


@pytest.mark.parametrize(
    "command", [("characters", "list"), ("voices", "list"), ("credits", "show", "--last", "3")]
)
def test_lists_are_the_same_from_there(charafy: Run, there: There, command: tuple[str]) -> None:
    remote, here = there(*command), charafy(*command)
    assert remote.returncode == 0, remote.stderr
    assert remote.stdout == here.stdout


def test_nothing_is_made_on_this_machine(there: There, tmp_path: Path) -> None:
    assert there("characters", "list").returncode == 0
    assert not (tmp_path / "nothing").exists()


def test_say_writes_the_file_here_and_is_paid_there(there: There, tmp_path: Path) -> None:
    target = tmp_path / "hello.wav"
    before = there("credits", "show").stdout.split()[0]
    done = there("say", "Hello there.", "--character", "emma", "-o", str(target))
    assert done.returncode == 0, done.stderr
    assert target.read_bytes()[:4] == b"RIFF"
    assert re.fullmatch(rf"Emma speaks for \d+\.\d s in {re.escape(str(target))}\.\n", done.stderr)
    after = there("credits", "show").stdout.split()[0]
    assert int(before.replace(",", "")) - int(after.replace(",", "")) == 1


def test_a_photo_is_judged_alike(charafy: Run, there: There, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg())
    remote, here = (run("characters", "preview", str(photo)) for run in (there, charafy))
    assert (remote.stdout, remote.returncode) == (here.stdout, here.returncode)


def test_a_voice_is_cloned_listed_and_deleted(there: There, tmp_path: Path) -> None:
    sample = tmp_path / "sample.mp3"
    sample.write_bytes(recordings.written("mp3"))
    made = there("voices", "clone", str(sample), "--name", "Far", "--language", "en")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("Far is there: ") and "Recording: " in made.stdout
    assert "Far" in there("voices", "list").stdout
    assert there("voices", "delete", "far").stdout.startswith("Deleted Far (")


@pytest.mark.parametrize(
    ("arguments", "env", "says"),
    [
        (("credits", "show"), {"CHARAFY_API_KEY": "ck_live_nobody"}, "API key"),
        (("credits", "show"), {"CHARAFY_API_KEY": ""}, "CHARAFY_API_KEY"),
        (("credits", "show", "--account", "a@b.c"), {}, "the API key says whose"),
        (("credits", "show", "--server", "nowhere"), {}, "https://"),
        (("credits", "show", "--server", "http://127.0.0.1:9"), {}, "can't be reached"),
        (("say", "Hi", "--character", "Nobody", "-o", "x.mp3"), {}, "no character called Nobody"),
        (("voices", "delete", "Nobody"), {}, "no cloned voice called Nobody"),
        (("converse", "Nobody", "--text", "Hi"), {}, "no character called Nobody"),
        (("converse", "Emma", "--text", "Hi", "--video", "x.avi"), {}, "end in .mp4 or .webm"),
    ],
)
def test_a_refusal_is_one_sentence_and_status_1(
    there: There, arguments: tuple[str, ...], env: dict[str, str], says: str
) -> None:
    done = there(*arguments, **env)
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
