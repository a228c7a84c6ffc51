"""Make a house of a backup: everything is looked at before anything is written.

The database comes last: a restore that was broken off leaves files and no house, and may be
repeated with `replace`. Media may come back to another kind of storage, as a key says the same in
all of them; a database only to its own kind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import Final

from charafy.kernel.backups import postgresql, sqlite
from charafy.kernel.backups.manifest import (
    DATABASE,
    MEDIA,
    SECRET,
    BackupRefused,
    Manifest,
    opened,
    pieces_of,
    read_manifest,
    verify,
)
from charafy.kernel.backups.saving import OWN, kind_of, sqlite_file
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.files import write_private
from charafy.kernel.fingerprints import take_over
from charafy.kernel.migrate import migrate, require_known
from charafy.kernel.roll_tables import workers
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage, content_type_of
from charafy.kernel.stores import Store
from charafy.kernel.wording import counted

_NAMES: Final = MappingProxyType({"sqlite": "SQLite", "postgresql": "PostgreSQL"})


def restore(
    settings: Settings, store: Store, source: Path, clock: Clock, *, replace: bool = False
) -> Manifest:
    """Fill the settings' database, storage and data folder from the backup in `source`.

    `replace`: although something is there already. Of it, a SQLite database and the secret are put
    aside (`replaced-…` in the data folder), a PostgreSQL database's tables are dropped, and media
    stay until the server finds that no row names them. An older schema moves forward. Raises
    `BackupRefused`, `DatabaseRefused`, `StorageRefused`, `StorageUnavailable`.
    """
    manifest = read_manifest(source)
    _require_kind(settings, manifest)
    require_known(manifest.revision)
    verify(source, manifest)
    with opened(source, SECRET) as file:
        secret = file.read()
    _require_place(settings, store, secret, replace=replace)
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Where the media are another house's, this says so.
        Storage(store, secret, settings.base_url, clock).check()
        for key in manifest.media:
            store.put(key, source / (MEDIA + key), content_type_of(key))
        if manifest.database == "sqlite":
            _place_sqlite(settings, source, secret, clock)
        else:
            _place_postgresql(settings, source, secret, clock, replace=replace)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BackupRefused(f"The backup could not be restored: {why}.") from None
    return manifest


def _require_kind(settings: Settings, manifest: Manifest) -> None:
    wanted, found = kind_of(settings), manifest.database
    if wanted == found:
        return
    raise BackupRefused(
        f"This backup is of a {_NAMES[found]} database, and the settings name one of "
        f"{_NAMES[wanted]}: it can only be restored into its own kind; see CHARAFY_DATABASE_URL."
    )


def _require_place(settings: Settings, store: Store, secret: bytes, *, replace: bool) -> None:
    """Nothing may be there that would be lost, and nobody who would write into it."""
    given = settings.secret
    if given is not None and bytes.fromhex(given.get_secret_value()) != secret:
        raise BackupRefused(
            "CHARAFY_SECRET differs from the backup's secret, under which its keys and links were "
            "made: unset it, or set it to what it was then."
        )
    there = []
    own = settings.home / SECRET
    if own.exists() and own.read_bytes() != secret:
        there.append(f"{own} is another secret")
    if any(not key.startswith(OWN) for key in store.keys("", None)):
        there.append("the storage holds files")
    if kind_of(settings) == "sqlite":
        if files := sqlite.files_of(sqlite_file(settings)):
            sqlite.put_to_rest(files[0])
            there.append(f"{files[0]} exists")
    elif not _is_empty(settings):
        there.append("the database holds tables")
    if there and not replace:
        raise BackupRefused(
            f"There is a house already: {', '.join(there)}. Restore into an empty one, or replace "
            "it with --replace."
        )


def _is_empty(settings: Settings) -> bool:
    """Raises `BackupRefused` while others work with it, `DatabaseRefused` where it isn't."""
    postgresql.require_tools()
    database = Database(settings.db_url)
    try:
        database.answers()
        with database.read() as tx:
            if found := postgresql.others(tx):
                raise BackupRefused(
                    f"The database is in use by {counted(found, 'other connection')}: stop "
                    "every process of Charafy on every machine first."
                )
            return postgresql.is_empty(tx)
    finally:
        database.close()


def _place_sqlite(settings: Settings, source: Path, secret: bytes, clock: Clock) -> None:
    """Made ready aside, so that it is there whole and of this version's schema, or not at all."""
    target = sqlite_file(settings)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=target.parent) as folder:
        ready = Path(folder) / target.name
        with opened(source, DATABASE["sqlite"]) as old, ready.open("xb") as new:
            for piece in pieces_of(old):
                new.write(piece)
        ready.chmod(0o600)
        sqlite.check(ready)
        _make_current(f"sqlite:///{ready}", secret, clock)
        sqlite.put_to_rest(ready)
        with ready.open("rb") as file:
            os.fsync(file.fileno())
        _put_aside(settings, clock)
        write_private(settings.home / SECRET, secret)
        ready.rename(target)


def _put_aside(settings: Settings, clock: Clock) -> None:
    home = settings.home
    jobs = settings.jobs_db_url.removeprefix("sqlite:///")
    found = [*sqlite.files_of(sqlite_file(settings)), *sqlite.files_of(Path(jobs))]
    if (home / SECRET).exists():
        found.append(home / SECRET)
    if not found:
        return
    aside = Path(tempfile.mkdtemp(prefix=f"replaced-{clock.now():%Y%m%d-%H%M%S}-", dir=home))
    for path in found:
        shutil.move(path, aside / path.name)


def _place_postgresql(
    settings: Settings, source: Path, secret: bytes, clock: Clock, *, replace: bool
) -> None:
    write_private(settings.home / SECRET, secret)
    before = postgresql.tables(settings.db_url)
    with opened(source, DATABASE["postgresql"]):
        postgresql.load(settings.db_url, source / DATABASE["postgresql"], replace=replace)
    for url in {settings.db_url, settings.jobs_db_url}:
        jobs = Database(url)
        try:
            jobs.answers()
            with jobs.write() as tx:
                postgresql.forget_jobs(tx)
        finally:
            jobs.close()
    postgresql.drop_left(settings.db_url, before)
    _make_current(settings.db_url, secret, clock)


def _make_current(url: str, secret: bytes, clock: Clock) -> None:
    """This version's schema, which belongs to the secret that came with it, and no worker at work:
    what they had begun is anybody's.
    """
    database = Database(url)
    try:
        migrate(database)
        with database.write() as tx:
            gone = workers.update().where(workers.c.lost_at.is_(None))
            tx.execute(gone, {"lost_at": clock.now()})
            take_over(tx, secret, clock)
    finally:
        database.close()
