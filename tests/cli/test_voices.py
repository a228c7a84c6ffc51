"""Voices cloned, listed and deleted on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from charafy.cli import voices
from charafy.engines.voice.cloning import Clone, Progress, Reference
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.cli.conftest import Run
from tests.support import recordings

STATEMENT = "I am the speaker and agree."


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "sample.m4a"
    path.write_bytes(recordings.sound_only("mp4", "aac"))
    return path


def credits(charafy: Run) -> str:
    return charafy("credits", "show").stdout


def test_a_voice_is_cloned_for_nothing_and_told_about_honestly(
    charafy: Run, recording: Path
) -> None:
    before = credits(charafy)
    answer = charafy(
        "voices", "clone", str(recording), "--name", "Me", "--language", "en",
        "--consent", STATEMENT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    first, measured, likeness = answer.stdout.splitlines()
    voice_id = re.fullmatch(r"Me is there: ([0-9a-f-]{36})", first)
    assert voice_id
    assert re.match(r"Recording: 12\.5 s with 1\d\.\d s of speech, \d+ dB above", measured)
    assert likeness == (
        "Similarity: not measured "
        "(voice matching: the nearest voice that the embedded engine can speak with)"
    )
    assert credits(charafy) == before

    [line] = [x for x in charafy("voices", "list").stdout.splitlines() if voice_id[1] in x]
    assert line.split()[1:] == ["Me", "en", "matching", "cloned"]
    given = charafy("voices", "consents").stdout
    assert voice_id[1] in given
    assert "operator" in given
    assert STATEMENT in given

    assert charafy("voices", "delete", "me").stdout == f"Deleted Me ({voice_id[1]}).\n"
    assert voice_id[1] not in charafy("voices", "list").stdout
    assert voice_id[1] in charafy("voices", "consents").stdout  # for 30 days


def test_a_recording_that_won_t_do_shows_what_was_measured(charafy: Run, tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    path.write_bytes(recordings.written("wav", recordings.pcm()[12_000:24_000]))
    answer = charafy("voices", "clone", str(path), "--name", "Me")
    assert answer.returncode == 1
    measured, problem = answer.stdout.splitlines()
    assert measured.startswith("Recording: 0.5 s with 0.5 s of speech")
    assert problem.startswith("too_little_speech: ")
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("clone", "missing.wav", "--name", "Me"), "missing.wav can't be read"),
        (("clone", "/dev/null", "--name", "Me"), "audio: the recording is empty."),
        (("clone", "/dev/null", "--name", ""), "name: must not be empty"),
        (("clone", "/dev/null", "--name", "Me", "--language", "fr"), "language: must be"),
        (("delete", "Heart"), "There is no cloned voice called Heart"),
    ],
)
def test_what_is_wrong_is_one_sentence(charafy: Run, arguments: tuple[str, ...], says: str) -> None:
    answer = charafy("voices", *arguments)
    assert answer.returncode == 1
    assert says in answer.stderr.replace("\n", " ")
    assert "Traceback" not in answer.stderr


class Better(ScriptedCloner):
    """Finds one that is measured to be closer."""

    def refine(self, reference: Reference, clone: Clone, progress: Progress) -> Clone | None:
        found = super().refine(reference, clone, progress)
        return found and Clone(found.data, "matching", 0.81, refined=True)


@pytest.fixture
def house(settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The commands' house in this process, with a cloner that refines."""
    del db
    made = build_house(settings, cloner=Better(refines=True))
    made.accounts.create("owner@localhost", role="owner", plan="owner")

    @contextmanager
    def opened() -> Iterator[House]:
        yield made

    monkeypatch.setattr(voices, "open_house", opened)
    yield made
    made.close()


def ask(*arguments: str) -> str:
    answer = CliRunner().invoke(voices.app(), list(arguments))
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_with_refine_the_better_clone_is_looked_for_here_and_now(
    house: House, recording: Path
) -> None:
    said = ask("clone", str(recording), "--name", "Me", "--refine")
    assert "Refinement: cloned and refined" in said
    assert "Similarity: 0.81 (voice matching" in said
    assert [key for key in house.storage.keys("voices/") if "reference" in key] == []
    assert "cloned and refined" in ask("list")


def test_without_it_the_worker_is_left_to_it(house: House, recording: Path) -> None:
    said = ask("clone", str(recording), "--name", "Me")
    assert "The worker looks for a better clone now" in said
    assert house.voice_room.refinery.claim("worker") is not None
    assert "a better clone is being looked for" in ask("list")


def test_two_voices_of_one_name_are_told_apart_by_id(house: House, recording: Path) -> None:
    for _ in range(2):
        ask("clone", str(recording), "--name", "Me")
    answer = CliRunner().invoke(voices.app(), ["delete", "Me"])
    assert answer.exit_code == 1
    owner = house.accounts.owner()
    assert owner
    for voice in house.voices.available(owner.account_id):
        if voice.clone:
            ask("delete", voice.voice_id)
    assert house.storage.keys("voices/") == []
