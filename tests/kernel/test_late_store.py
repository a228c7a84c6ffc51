"""An S3 that is away when a process starts: it starts all the same, and finds it later."""

from __future__ import annotations

from pathlib import Path

import pytest

from charafy.kernel.clock import SystemClock
from charafy.kernel.storage import Storage
from charafy.kernel.storage_settings import StorageAway, StorageRefused
from charafy.kernel.stores import FolderStore, StorageUnavailable

KEY = "speech/hello.mp3"


class Fickle(FolderStore):
    """A folder that is away, or somebody else's, when a test says so."""

    wrong: StorageRefused | None = None
    tried = 0

    def check(self) -> None:
        self.tried += 1
        if self.wrong is not None:
            raise self.wrong
        super().check()


@pytest.fixture
def store(tmp_path: Path) -> Fickle:
    return Fickle(tmp_path / "media")


@pytest.fixture
def storage(store: Fickle, monkeypatch: pytest.MonkeyPatch) -> Storage:
    monkeypatch.setattr("charafy.kernel.late_store.RETRY_S", 0.0)
    return Storage(store, b"s" * 32, "http://localhost", SystemClock())


def test_what_is_there_is_used_at_once(storage: Storage) -> None:
    storage.check(may_be_away=True)
    assert storage.problem() is None
    storage.put(KEY, b"hello", "audio/mpeg")


def test_what_refuses_is_not_waited_for(storage: Storage, store: Fickle) -> None:
    store.wrong = StorageRefused("The key is wrong.")
    with pytest.raises(StorageRefused, match="The key is wrong"):
        storage.check(may_be_away=True)


def test_what_is_away_is_found_by_whoever_needs_it_once_it_is_back(
    storage: Storage, store: Fickle
) -> None:
    store.wrong = StorageAway("Nothing answers.")
    with pytest.raises(StorageAway):
        storage.check()
    storage.check(may_be_away=True)
    assert "Media can't be kept yet" in str(storage.problem())
    for touch in (
        lambda: storage.put(KEY, b"hello", "audio/mpeg"),
        lambda: storage.get(KEY),
        lambda: storage.stat(KEY),
        lambda: storage.keys("speech/"),
        lambda: storage.delete(KEY),
    ):
        with pytest.raises(StorageUnavailable):
            touch()
    store.wrong = None
    storage.put(KEY, b"hello", "audio/mpeg")
    assert storage.get(KEY)[0] == b"hello"
    assert storage.problem() is None


def test_nothing_is_touched_that_turns_out_to_be_anothers(storage: Storage, store: Fickle) -> None:
    store.wrong = StorageAway("Nothing answers.")
    storage.check(may_be_away=True)
    store.wrong = StorageRefused("It holds the media of another Charafy.")
    with pytest.raises(StorageUnavailable):
        storage.keys("speech/")
    assert storage.problem() is not None


def test_not_everybody_tries_at_once(
    storage: Storage, store: Fickle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charafy.kernel.late_store.RETRY_S", 3_600.0)
    store.wrong = StorageAway("Nothing answers.")
    storage.check(may_be_away=True)
    for _ in range(3):
        assert storage.problem() is not None
    assert store.tried == 2
