"""Fixtures that the whole suite shares."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from charafy.kernel.db import Database
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for the servers that tests start


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A server of its own in a temporary folder, on the scripted (tone) voice."""
    return Settings(home=tmp_path / "home", voice_engine="scripted", demo=False)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with this version's schema and nothing in it, to be copied."""
    path = tmp_path_factory.mktemp("schema") / "charafy.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()  # folds the write-ahead log into the one file
    return path


@pytest.fixture
def db(settings: Settings, migrated: Path) -> Iterator[Database]:
    settings.home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(migrated, settings.home / "charafy.db")
    database = Database(settings.db_url)
    yield database
    database.close()
