"""Fixtures that the whole suite shares."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from charafy.kernel.db import Database, metadata
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A server of its own in a temporary folder, on the scripted (tone) voice."""
    return Settings(home=tmp_path / "home", voice_engine="scripted", demo=False)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    # Until the first migration is written: the tables of the features that exist.
    for feature in ("accounts", "credits", "characters", "voices", "embed"):
        try:
            if find_spec(f"charafy.{feature}.tables"):
                importlib.import_module(f"charafy.{feature}.tables")
        except ModuleNotFoundError:
            continue
    if find_spec("charafy.kernel.http.idempotency_tables"):
        importlib.import_module("charafy.kernel.http.idempotency_tables")
    settings.home.mkdir(parents=True, exist_ok=True)
    database = Database(settings.db_url)
    with database.write() as tx:
        metadata.create_all(tx)
    yield database
    database.close()
