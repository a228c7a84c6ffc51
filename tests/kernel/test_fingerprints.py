"""A database belongs to one secret, which the first server says and every other is held against."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from charafy.ground import Ground, lay_ground
from charafy.kernel.db import Database
from charafy.kernel.fingerprints import fingerprint_of, keep_same, known_fingerprint
from charafy.kernel.migrate import current_revision, migrate
from charafy.kernel.secret_settings import SecretRefused
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock
from tests.support.earlier import upgrade

OURS, THEIRS = secrets.token_bytes(32), secrets.token_bytes(32)


def refused() -> SecretRefused:
    return SecretRefused("another's")


def known(db: Database) -> str | None:
    with db.read() as tx:
        return known_fingerprint(tx)


def ground(settings: Settings, home: Path, clock: ManualClock, secret: bytes | None) -> Ground:
    """Of a machine that has a data folder of its own, and the database of `settings`."""
    given = SecretStr(secret.hex()) if secret else None
    if settings.database_url is None:  # then it lies in the data folder
        home.mkdir()
        (home / "charafy.db").symlink_to(settings.home / "charafy.db")
    return lay_ground(settings.model_copy(update={"home": home, "secret": given}), clock)


def test_the_first_server_says_which_and_others_with_the_same_one_start(
    db: Database, clock: ManualClock
) -> None:
    assert known(db) is None
    for _server in range(2):
        keep_same(db, OURS, clock, refused)
        assert known(db) == fingerprint_of(OURS)


def test_a_server_with_another_one_is_refused_and_changes_nothing(
    db: Database, clock: ManualClock
) -> None:
    keep_same(db, OURS, clock, refused)
    with pytest.raises(SecretRefused):
        keep_same(db, THEIRS, clock, refused)
    assert known(db) == fingerprint_of(OURS)


def test_of_two_that_start_at_the_same_instant_one_is_refused(
    db: Database, clock: ManualClock
) -> None:
    wanted = [secrets.token_bytes(32) for _ in range(4)]
    together = threading.Barrier(len(wanted))
    started: list[bytes] = []

    def start(secret: bytes) -> None:
        with closing(Database(db.url)) as own:
            together.wait(30)
            try:
                keep_same(own, secret, clock, refused)
            except SecretRefused:
                return
            started.append(secret)

    threads = [threading.Thread(target=start, args=(secret,)) for secret in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [fingerprint_of(secret) for secret in started] == [known(db)]


def test_what_the_database_holds_is_not_the_secret_nor_made_by_a_key_of_it(db: Database) -> None:
    assert OURS.hex() not in fingerprint_of(OURS)
    assert len(fingerprint_of(OURS)) == 64
    assert fingerprint_of(OURS) != fingerprint_of(THEIRS)


@pytest.fixture
def earlier(empty_url: str) -> Iterator[Database]:
    """As the last version left it that asked for no fingerprint."""
    database = Database(empty_url)
    upgrade(database, "0012")
    yield database
    database.close()


def test_a_database_of_an_earlier_version_belongs_to_none_until_a_server_starts(
    earlier: Database, clock: ManualClock
) -> None:
    assert known(earlier) is None
    migrate(earlier)
    assert known(earlier) is None
    keep_same(earlier, OURS, clock, refused)
    assert known(earlier) == fingerprint_of(OURS)


def test_a_machine_that_made_its_own_secret_is_told_what_to_do(
    settings: Settings, db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    keep_same(db, OURS, clock, refused)
    there = ground(settings, tmp_path / "there", clock, None)
    with closing(there.db), pytest.raises(SecretRefused) as told:
        there.make_current(serves=True)
    assert str(told.value) == (
        f"The secret in {tmp_path / 'there' / 'secret'} is not the one that this database's keys, "
        "sessions and links were made with: put the file secret of the machines that made them in "
        "its place, or remove it and set CHARAFY_SECRET to theirs; where all of them may end, run "
        "`charafy migrate --new-secret`."
    )


def test_a_machine_that_was_given_another_secret_is_told_what_to_do(
    settings: Settings, db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    keep_same(db, OURS, clock, refused)
    there = ground(settings, tmp_path / "there", clock, THEIRS)
    with closing(there.db), pytest.raises(SecretRefused) as told:
        there.make_current(serves=True)
    assert str(told.value).startswith("CHARAFY_SECRET is not the one that this database's keys")
    assert str(tmp_path / "there" / "secret") in str(told.value)
    assert THEIRS.hex() not in str(told.value)


def test_a_command_is_held_against_it_but_does_not_decide_it(
    settings: Settings, db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    there = ground(settings, tmp_path / "there", clock, THEIRS)
    with closing(there.db):
        there.make_current()
        assert known(db) is None
        keep_same(db, OURS, clock, refused)
        with pytest.raises(SecretRefused):
            there.make_current()


def test_who_is_refused_leaves_the_schema_as_it_is(
    db: Database, settings: Settings, clock: ManualClock, tmp_path: Path
) -> None:
    """So that a machine of the next version does not stop the others by the way."""
    keep_same(db, OURS, clock, refused)
    with db.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0012'")
    there = ground(settings, tmp_path / "there", clock, THEIRS)
    with closing(there.db), pytest.raises(SecretRefused):
        there.make_current(serves=True)
    with db.read() as tx:
        assert current_revision(tx) == "0012"


def test_the_database_is_another_secret_s_when_that_is_said_and_may_be_the_old_one_s_again(
    settings: Settings, db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    keep_same(db, OURS, clock, refused)
    there = ground(settings, tmp_path / "there", clock, THEIRS)
    with closing(there.db):
        there.take_database()
        there.make_current(serves=True)
    assert known(db) == fingerprint_of(THEIRS)
    here = ground(settings, tmp_path / "here", clock, OURS)
    with closing(here.db):
        here.take_database()
    assert known(db) == fingerprint_of(OURS)
