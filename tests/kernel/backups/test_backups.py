"""A backup is whole or none, believed only where it is what was saved, and overwrites nothing."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from charafy.house import build_house
from charafy.kernel.backups.manifest import BackupRefused
from charafy.kernel.backups.restoring import restore
from charafy.kernel.backups.saving import save
from charafy.kernel.db import Database
from charafy.kernel.db_url import DatabaseRefused
from charafy.kernel.fingerprints import keep_same, known_fingerprint
from charafy.kernel.roll import Roll
from charafy.kernel.secret_settings import SecretRefused, load_secret
from charafy.kernel.settings import Settings
from charafy.kernel.storage_settings import StorageRefused
from charafy.kernel.stores import FolderStore, Store, store_of
from tests.support import s3
from tests.support.clock import ManualClock
from tests.support.earlier import upgrade
from tests.support.videos import customer

KEY = "speech/aa/hello.mp3"
SOUND = b"sound" * 100_000


@pytest.fixture
def home(settings: Settings, db: Database) -> Settings:
    """A house with a secret and one file."""
    del db
    load_secret(settings.home)
    store(settings).put(KEY, SOUND, "audio/mpeg")
    return settings


@pytest.fixture
def target(home: Settings, other_url: str, tmp_path: Path) -> Settings:
    """An empty one."""
    changed: dict[str, Any] = {"home": tmp_path / "other"}
    if home.database_url is not None:
        changed["database_url"] = SecretStr(other_url)
    return home.model_copy(update=changed)


@pytest.fixture
def saved(home: Settings, clock: ManualClock, tmp_path: Path) -> Path:
    save(home, store(home), tmp_path / "saved", clock)
    return tmp_path / "saved"


def store(settings: Settings) -> Store:
    return store_of(settings.bucket, settings.media)


def put_back(settings: Settings, saved: Path, clock: ManualClock, **more: bool) -> None:
    restore(settings, store(settings), saved, clock, **more)


def rewrite(saved: Path, **changes: Any) -> None:
    """Have the list say something else."""
    path = saved / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def listed(saved: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((saved / "manifest.json").read_text())["files"]
    return found


def untouched(settings: Settings) -> bool:
    return not any(path.is_file() for path in settings.home.rglob("*"))


def test_it_holds_what_its_list_says_and_nobody_else_may_read_it(saved: Path) -> None:
    files = {entry["path"]: entry for entry in listed(saved)}
    there = {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()}
    assert there == {*files, "manifest.json"}
    assert there > {"secret", f"media/{KEY}"}
    for path, entry in files.items():
        data = (saved / path).read_bytes()
        assert (entry["size"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in saved.rglob("*")}
    assert modes == {True: 0o700, False: 0o600}
    assert stat.S_IMODE(saved.stat().st_mode) == 0o700


def test_what_comes_back_is_what_was_saved(
    home: Settings, saved: Path, target: Settings, clock: ManualClock
) -> None:
    put_back(target, saved, clock)
    assert store(target).get(KEY) == SOUND
    assert (target.home / "secret").read_bytes() == (home.home / "secret").read_bytes()
    assert stat.S_IMODE((target.home / "secret").stat().st_mode) == 0o600


def test_a_secret_of_the_settings_is_saved_and_has_to_be_the_same_again(
    home: Settings, target: Settings, clock: ManualClock, tmp_path: Path
) -> None:
    (home.home / "secret").unlink()
    given = {"secret": SecretStr(secrets.token_hex(32))}
    saved = tmp_path / "by settings"
    save(home.model_copy(update=given), store(home), saved, clock)
    other = {"secret": SecretStr(secrets.token_hex(32))}
    with pytest.raises(BackupRefused, match="CHARAFY_SECRET differs from the backup's secret"):
        put_back(target.model_copy(update=other), saved, clock)
    assert untouched(target)
    put_back(target.model_copy(update=given), saved, clock)
    assert store(target).get(KEY) == SOUND


def belongs_to(settings: Settings, clock: ManualClock) -> None:
    """A server was started there."""
    with closing(build_house(settings, clock=clock)) as house:
        house.ground.make_current(serves=True)


def test_the_database_comes_back_with_the_secret_that_it_belongs_to(
    home: Settings, target: Settings, clock: ManualClock, tmp_path: Path
) -> None:
    belongs_to(home, clock)
    save(home, store(home), tmp_path / "saved", clock)
    put_back(target, tmp_path / "saved", clock)
    belongs_to(target, clock)


def test_a_backup_of_before_there_were_fingerprints_starts_as_well(
    home: Settings, saved: Path, target: Settings, clock: ManualClock
) -> None:
    put_back(target, saved, clock)
    with closing(Database(target.db_url)) as database, database.read() as tx:
        assert known_fingerprint(tx) is not None
    belongs_to(target, clock)


def test_a_house_of_another_secret_is_replaced_with_its_secret(
    home: Settings, saved: Path, target: Settings, clock: ManualClock
) -> None:
    belongs_to(target, clock)
    before = (target.home / "secret").read_bytes()
    put_back(target, saved, clock, replace=True)
    assert (target.home / "secret").read_bytes() != before
    belongs_to(target, clock)


def test_a_backup_of_an_earlier_schema_replaces_one_of_this_version(
    home: Settings, target: Settings, clock: ManualClock, tmp_path: Path, new_url: Any
) -> None:
    """Tables that came since are gone with the rest, so that they can come anew."""
    old = home.model_copy(update={"home": tmp_path / "old"})
    load_secret(old.home)
    if home.database_url is not None:
        old = old.model_copy(update={"database_url": SecretStr(new_url())})
    with closing(Database(old.db_url)) as database:
        upgrade(database, "0010")
    save(old, store(old), tmp_path / "saved", clock)
    belongs_to(target, clock)
    put_back(target, tmp_path / "saved", clock, replace=True)
    belongs_to(target, clock)


def test_a_machine_with_another_secret_saves_nothing(
    home: Settings, clock: ManualClock, tmp_path: Path
) -> None:
    with closing(Database(home.db_url)) as database:
        keep_same(database, secrets.token_bytes(32), clock, SecretRefused)
    with pytest.raises(SecretRefused, match="is not the one that this database's keys"):
        save(home, store(home), tmp_path / "saved", clock)
    assert not (tmp_path / "saved").exists()


def test_media_move_between_a_folder_and_a_bucket(
    home: Settings, target: Settings, clock: ManualClock, tmp_path: Path, s3_server: s3.Server
) -> None:
    bucket = s3_server.new()
    in_s3 = target.model_copy(update=s3.settings_of(bucket))
    save(home, store(home), tmp_path / "one", clock)
    put_back(in_s3, tmp_path / "one", clock)
    assert store(in_s3).get(KEY) == SOUND

    save(in_s3, store(in_s3), tmp_path / "two", clock)
    # Whose the bucket is was not copied with it: the next one is claimed anew.
    assert [e["path"] for e in listed(tmp_path / "two") if "media" in e["path"]] == [f"media/{KEY}"]


def test_another_house_s_bucket_is_left_alone(
    saved: Path, target: Settings, clock: ManualClock, s3_server: s3.Server
) -> None:
    in_s3 = target.model_copy(update=s3.settings_of(s3_server.new()))
    store(in_s3).claim(json.dumps({"house": "somebody's"}))
    with pytest.raises(StorageRefused, match="another Charafy"):
        put_back(in_s3, saved, clock)


class Growing(FolderStore):
    """A storage to which a file comes, and its row, once its files were listed twice."""

    def __init__(self, root: Path, come: Any) -> None:
        super().__init__(root)
        self._listed = 0
        self._come = come

    def keys(self, prefix: str, older_than: datetime | None) -> list[str]:
        found = super().keys(prefix, older_than)
        self._listed += 1
        if self._listed == 2:
            self._come()
        return found


def test_a_file_that_comes_before_the_database_is_copied_is_in_it(
    home: Settings, tmp_path: Path, clock: ManualClock
) -> None:
    late = "speech/bb/late.mp3"
    growing = Growing(home.media, lambda: store(home).put(late, SOUND, "audio/mpeg"))
    save(home, growing, tmp_path / "saved", clock)
    assert (tmp_path / "saved/media" / late).read_bytes() == SOUND


def test_a_full_disk_leaves_nothing_that_looks_like_a_backup(
    home: Settings, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(BackupRefused, match="No space left on device"):
            save(home, store(home), tmp_path / "backups" / "saved", clock)
    assert list((tmp_path / "backups").iterdir()) == []


def test_what_is_there_is_not_overwritten(home: Settings, saved: Path, clock: ManualClock) -> None:
    with pytest.raises(BackupRefused, match="exists already"):
        save(home, store(home), saved, clock)
    with pytest.raises(BackupRefused, match="There is a house already"):
        put_back(home, saved, clock)


def test_a_house_is_replaced_when_that_is_said(
    home: Settings, saved: Path, target: Settings, clock: ManualClock
) -> None:
    put_back(target, saved, clock)
    with closing(build_house(target)) as house:
        who = customer(house)  # since the backup
    put_back(target, saved, clock, replace=True)
    with closing(build_house(target)) as house:
        assert house.accounts.list(limit=10) == []
    if target.database_url is None:
        [aside] = target.home.glob("replaced-*")
        with closing(Database(f"sqlite:///{aside / 'charafy.db'}")) as before, before.read() as tx:
            found = tx.execute(sa.text("SELECT id FROM accounts")).scalars().all()
        assert list(found) == [who.account_id]


def test_a_house_at_work_is_not_replaced(home: Settings, saved: Path, clock: ManualClock) -> None:
    with closing(Database(home.db_url)) as database, database.read() as tx:
        tx.execute(sa.text("SELECT 1"))
        with pytest.raises(BackupRefused, match=r"in use.* stop every process"):
            put_back(home, saved, clock, replace=True)


@pytest.mark.parametrize("which", ["secret", f"media/{KEY}", "database"])
def test_a_damaged_file_is_refused_before_anything_is_written(
    which: str, saved: Path, target: Settings, clock: ManualClock
) -> None:
    path = next(saved.glob("database.*")) if which == "database" else saved / which
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BackupRefused, match=f"damaged: {path.relative_to(saved)}"):
        put_back(target, saved, clock)
    assert untouched(target)


def test_a_missing_file_is_refused(saved: Path, target: Settings, clock: ManualClock) -> None:
    (saved / "media" / KEY).unlink()
    with pytest.raises(BackupRefused, match="is missing"):
        put_back(target, saved, clock)
    assert untouched(target)


def test_a_later_version_s_backup_is_refused(
    saved: Path, target: Settings, clock: ManualClock
) -> None:
    rewrite(saved, revision="v9999_from_the_future")
    with pytest.raises(DatabaseRefused, match="written by a later version"):
        put_back(target, saved, clock)
    rewrite(saved, format=2)
    with pytest.raises(BackupRefused, match="made by a later version"):
        put_back(target, saved, clock)
    assert untouched(target)


def test_another_kind_of_database_is_refused(
    saved: Path, target: Settings, clock: ManualClock
) -> None:
    other = "postgresql://charafy:x@127.0.0.1:1/none" if target.database_url is None else None
    url = SecretStr(other) if other else None
    elsewhere = target.model_copy(update={"database_url": url})
    with pytest.raises(BackupRefused, match="only be restored into its own kind"):
        put_back(elsewhere, saved, clock)


@pytest.mark.parametrize(
    "path", ["media/../../escaped.mp3", "../escaped.mp3", "/etc/escaped.mp3", "media/a/B.mp3"]
)
def test_a_list_leads_nowhere_else(
    path: str, saved: Path, target: Settings, clock: ManualClock, tmp_path: Path
) -> None:
    (tmp_path / "escaped.mp3").write_bytes(b"")
    none = hashlib.sha256(b"").hexdigest()
    rewrite(saved, files=[*listed(saved), {"path": path, "size": 0, "sha256": none}])
    with pytest.raises(BackupRefused, match="names a file that none holds"):
        put_back(target, saved, clock)
    assert untouched(target)


def test_links_are_not_followed(
    home: Settings, saved: Path, target: Settings, clock: ManualClock
) -> None:
    there = saved / "secret"
    there.unlink()
    there.symlink_to(home.home / "secret")
    with pytest.raises(BackupRefused, match="is a link"):
        put_back(target, saved, clock)
    assert untouched(target)


@pytest.mark.parametrize("words", [b"", b"[]", b"{", b'{"format": 1}', b"[" * 100_000])
def test_a_list_that_is_none_is_refused(
    words: bytes, saved: Path, target: Settings, clock: ManualClock
) -> None:
    (saved / "manifest.json").write_bytes(words)
    with pytest.raises(BackupRefused, match="damaged"):
        put_back(target, saved, clock)


def test_a_folder_that_is_no_backup_is_refused(
    target: Settings, clock: ManualClock, tmp_path: Path
) -> None:
    with pytest.raises(BackupRefused, match="is no backup"):
        put_back(target, tmp_path, clock)


def test_workers_of_the_saved_house_are_gone(
    home: Settings, target: Settings, clock: ManualClock, tmp_path: Path
) -> None:
    """So that nobody waits for them, and one of the same name may start at once."""
    with closing(Database(home.db_url)) as database:
        Roll(database, clock).enter("worker", "somewhere")
    save(home, store(home), tmp_path / "saved", clock)
    put_back(target, tmp_path / "saved", clock)
    with closing(Database(target.db_url)) as database:
        Roll(database, clock).enter("worker", "elsewhere")
