"""Make a backup of a house that goes on working.

Which order is right: a file is written before the row that names it is committed, and removed
after that row is gone. Of a database copied first, a row may name a file that was removed before
the files were copied; of one copied last, a file that came after they were. So files are copied
before the database and again after it, those that came meanwhile: a file that a row of the copy
names was there when the copy was taken, so that it was there before, or still is afterwards. The
exception is a file that came after one pass and went before the next; as the long pass is
followed by another of what came during it, these two are seconds apart, and what was lost its
owner removed in these seconds. A file too many does no harm: the server removes what no row names.

The records of jobs (DBOS) are left out on purpose. They only say which step of a video was done;
what is ordered, held and paid stands in the database, and what a step made lies in the storage,
where the step looks first. Copied a moment apart from the database they could say that a video
has ended which the database still waits for; without them a worker begins such a video again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from obstore.exceptions import BaseError

from charafy import __version__
from charafy.kernel.backups import postgresql, sqlite
from charafy.kernel.backups.manifest import (
    DATABASE,
    LIST,
    MEDIA,
    SECRET,
    BackupRefused,
    Entry,
    Kind,
    Manifest,
    digest,
    opened,
    pieces_of,
)
from charafy.kernel.clock import Clock, iso
from charafy.kernel.db import Database
from charafy.kernel.errors import NotFound
from charafy.kernel.fingerprints import require_same
from charafy.kernel.secret_settings import load_secret, of_another_database
from charafy.kernel.settings import Settings
from charafy.kernel.storage import content_type_of
from charafy.kernel.stores import Store

OWN: Final = ("house/", "probe/")
"""What a bucket holds of itself: whose it is, and what it was tried with."""


def save(settings: Settings, store: Store, target: Path, clock: Clock) -> Manifest:
    """Copy database, storage and secret into the new folder `target`, for this user alone.

    It appears whole or not at all; what a killed process leaves has another name and no list.
    Raises `BackupRefused`, `DatabaseRefused`, `SecretRefused`, `StorageUnavailable`.
    """
    if target.exists() or target.is_symlink():
        raise BackupRefused(f"{target} exists already: name a folder that doesn't.")
    secret = _secret_of(settings)
    _require_its_secret(settings, secret)
    kind, begun_at = kind_of(settings), iso(clock.now())
    part: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        files: dict[str, Entry] = {}
        _keep(part, SECRET, [secret], files)
        for _long_and_short in range(2):
            _copy_new(store, part, files)
        database_at = iso(clock.now())
        revision = _copy_database(settings, part, files)
        _copy_new(store, part, files)
        manifest = Manifest(
            charafy=__version__,
            database=kind,
            revision=revision,
            begun_at=begun_at,
            database_at=database_at,
            files=tuple(files.values()),
        )
        _keep(part, LIST, [manifest.to_json()], {})
        _appear(part, target)
    except (OSError, BaseError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise BackupRefused(f"The backup could not be written to {target}: {why}.") from None
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
    return manifest


def kind_of(settings: Settings) -> Kind:
    """Which database the settings name."""
    return "sqlite" if settings.db_url.startswith("sqlite") else "postgresql"


def sqlite_file(settings: Settings) -> Path:
    """Where a SQLite database lies."""
    return Path(settings.db_url.removeprefix("sqlite:///"))


def _secret_of(settings: Settings) -> bytes:
    if settings.secret is None and not (settings.home / SECRET).exists():
        raise BackupRefused(
            f"There is nothing to save: {settings.home} holds no {SECRET}; see CHARAFY_HOME."
        )
    return load_secret(settings.home, settings.secret)


def _require_its_secret(settings: Settings, secret: bytes) -> None:
    """A backup with the secret of another database would be missed when it is needed."""
    if kind_of(settings) == "sqlite" and not sqlite_file(settings).is_file():
        return  # which is said where it is to be copied
    database = Database(settings.db_url)
    try:
        database.answers()
        refused = partial(of_another_database, settings.home, settings.secret)
        require_same(database, secret, refused)
    except sa.exc.DatabaseError:
        if kind_of(settings) == "postgresql":
            raise
        # It is damaged, which is said where it is to be copied, too.
    finally:
        database.close()


def _copy_database(settings: Settings, part: Path, files: dict[str, Entry]) -> str:
    """The copy, and the revision of its schema."""
    kind = kind_of(settings)
    path = DATABASE[kind]
    if kind == "sqlite":
        sqlite.copy(sqlite_file(settings), part / path)
        revision = sqlite.revision(part / path)
    else:
        postgresql.require_tools()
        revision = postgresql.revision(settings.db_url)
        postgresql.dump(settings.db_url, part / path)
        if postgresql.revision(settings.db_url) != revision:
            raise BackupRefused("A later version of Charafy was started meanwhile: save it again.")
    if revision is None:
        raise BackupRefused("There is nothing to save: the database holds no Charafy yet.")
    with opened(part, path) as file:
        size, sha256 = digest(pieces_of(file))
        os.fsync(file.fileno())
    files[path] = Entry(path=path, size=size, sha256=sha256)
    return revision


def _copy_new(store: Store, part: Path, files: dict[str, Entry]) -> None:
    """Files that aren't there yet: a key's bytes never change. What vanishes is left out."""
    for key in store.keys("", None):
        if MEDIA + key in files or key.startswith(OWN) or not _is_key(key):
            continue
        try:
            size = store.head(key).size
            pieces: Iterable[bytes] = store.stream(key, 0, size) if size else ()
        except FileNotFoundError:
            continue
        if _keep(part, MEDIA + key, pieces, files).size != size:
            raise BackupRefused(f"The storage gave only part of {key}: save it again.")


def _is_key(key: str) -> bool:
    """Not so are files half written, and what others put there."""
    try:
        content_type_of(key)
    except NotFound:
        return False
    return True


def _keep(part: Path, path: str, pieces: Iterable[bytes], files: dict[str, Entry]) -> Entry:
    """Write a file of the backup, piece by piece and to the disk, and list it."""
    whole = part / path
    _folders(part, whole.parent)
    size, sha = 0, hashlib.sha256()
    handle = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        for piece in pieces:
            file.write(piece)
            sha.update(piece)
            size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    files[path] = entry = Entry(path=path, size=size, sha256=sha.hexdigest())
    return entry


def _folders(part: Path, folder: Path) -> None:
    if folder == part or folder.is_dir():
        return
    _folders(part, folder.parent)
    folder.mkdir(mode=0o700)


def _appear(part: Path, target: Path) -> None:
    part.rename(target)
    if os.name == "posix":  # Windows opens no folders
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
