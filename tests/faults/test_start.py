"""What is wrong with a machine stops the start with one sentence, and leaves all as it was."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import secrets
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from charafy.kernel.db import Database
from charafy.kernel.fingerprints import keep_same
from charafy.kernel.home import HomeRefused, require_home
from charafy.kernel.migrate import migrate
from charafy.kernel.secret_settings import SecretRefused
from tests.support.clock import ManualClock

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


def run(words: str, home: Path) -> tuple[int, str]:
    """A command; its status and all that it said."""
    ended = subprocess.run(
        [sys.executable, "-m", "charafy", *words.split()],
        env={**os.environ, "CHARAFY_HOME": str(home), "CHARAFY_VOICE_ENGINE": "scripted"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    return ended.returncode, ended.stdout + ended.stderr


def belongs_to_another_secret(home: Path) -> None:
    """A current database, beside which the secret is gone."""
    home.mkdir(parents=True)
    with contextlib.closing(Database(f"sqlite:///{home / 'charafy.db'}")) as db:
        migrate(db)
        keep_same(db, secrets.token_bytes(32), ManualClock(), SecretRefused)


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
def test_a_secret_that_the_database_does_not_belong_to_is_refused(
    tmp_path: Path, process: str
) -> None:
    home = tmp_path / "home"
    belongs_to_another_secret(home)
    status, said = start(process, home)
    assert status == 1
    assert f"The secret in {home / 'secret'} is not the one that this database's keys" in said
    assert "Traceback" not in said


def test_the_doctor_says_so_and_a_new_secret_is_taken_when_that_is_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    belongs_to_another_secret(home)
    wrong = "is not the one that this database's keys"
    status, said = run("doctor", home)
    assert (status, wrong in said, "ledger" in said) == (1, True, False)
    assert run("accounts list", home)[0] == 1
    assert run("migrate", home)[0] == 0
    assert wrong in run("doctor", home)[1]
    assert run("migrate --new-secret", home)[0] == 0
    assert run("accounts list", home)[0] == 0
    assert "the one that the database's keys were made with" in run("doctor", home)[1]


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
