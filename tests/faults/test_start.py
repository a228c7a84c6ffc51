"""What is wrong with a machine stops the start with one sentence, and leaves all as it was."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from charafy.kernel.home import HomeRefused, require_home

PROCESSES = ("api", "worker", "talk")
KB = 1024


def start(process: str, home: Path, *, most_bytes: int | None = None) -> tuple[int, str]:
    """Start one and wait until it ends; its status and what it said. No file of it may grow beyond
    `most_bytes`, as on a disk that is full."""
    env = {
        **os.environ,
        "CHARAFY_HOME": str(home),
        "CHARAFY_VOICE_ENGINE": "scripted",
        "CHARAFY_PORT": "0",
        "CHARAFY_DEMO": "false",
        "COLUMNS": "500",
    }

    def fill() -> None:
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    ended = subprocess.run(
        [sys.executable, "-m", "charafy", process],
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        preexec_fn=fill,
    )
    return ended.returncode, ended.stderr


def of_a_later_version(home: Path) -> bytes:
    """A database that says so; its bytes."""
    home.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(home / "charafy.db")) as db:
        db.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        db.execute("INSERT INTO alembic_version VALUES ('9999')")
        db.commit()
    return (home / "charafy.db").read_bytes()


@pytest.mark.parametrize("process", PROCESSES)
def test_a_schema_of_a_later_version_is_refused_and_left_as_it_is(
    tmp_path: Path, process: str
) -> None:
    of_a_later_version(tmp_path / "home")
    status, said = start(process, tmp_path / "home")
    assert status == 1
    assert "This database was written by a later version of Charafy" in said
    assert "Traceback" not in said
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / "charafy.db")) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        assert tables == [("alembic_version",)]


@pytest.mark.parametrize("process", PROCESSES)
def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path, process: str) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    status, said = start(process, home)
    assert status == 1
    assert f"The data folder {home} can't be written (Not a directory)" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("process", PROCESSES)
def test_a_disk_that_is_full_is_said_before_anything_is_begun(tmp_path: Path, process: str) -> None:
    status, said = start(process, tmp_path / "home", most_bytes=256 * KB)
    assert status == 1
    assert f"The data folder {tmp_path / 'home'} has no room left" in said
    assert "Traceback" not in said
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EROFS, "can't be written (Read-only file system)"),
        (errno.EACCES, "can't be written (Permission denied)"),
        (errno.ENOSPC, "has no room left"),
        (errno.EDQUOT, "has no room left"),
    ],
)
def test_why_it_cannot_be_used_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("charafy.kernel.home.tempfile.TemporaryFile", refuse)
    with pytest.raises(HomeRefused) as refused:
        require_home(tmp_path)
    assert words in str(refused.value)
    assert "CHARAFY_HOME" in str(refused.value)


def test_a_folder_that_can_be_used_is_left_empty(tmp_path: Path) -> None:
    require_home(tmp_path / "new" / "home")
    assert list((tmp_path / "new" / "home").iterdir()) == []
