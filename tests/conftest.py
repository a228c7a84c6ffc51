"""Fixtures that the whole suite shares."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from charafy.kernel.db import Database
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from charafy.kernel.storage_settings import Bucket
from tests.support import postgresql, s3
from tests.support.clock import ManualClock
from tests.support.needed import needed
from tests.support.second_try import FirstTries, allow_second_try

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for the servers that tests start

ON_POSTGRESQL: Final = os.environ.get("CHARAFY_TEST_DATABASE", "sqlite") == "postgresql"
"""Whether tests run on PostgreSQL: those that take their database from the fixtures below."""

_DATABASES: Final = frozenset({"settings", "new_url"})
"""The fixtures that every database that a test is given comes from."""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(FirstTries(), "first tries")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out what would do there exactly what it does without."""
    allow_second_try(items)
    if not ON_POSTGRESQL:
        return
    kept: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        given = getattr(item, "fixturenames", ())
        (others if _DATABASES.isdisjoint(given) else kept).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = kept


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    """A real PostgreSQL, for all tests of this run."""
    reason = "PostgreSQL's server programs (initdb, pg_ctl) are not installed"
    programs = needed(postgresql.programs(), reason)
    with postgresql.running(programs) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[s3.Server]:
    """A real S3-compatible server, for all tests of this run."""
    reason = "no S3 server is there (scripts/s3 builds one where Go is)"
    program = needed(s3.program(), reason)
    with s3.running(program) as server:
        yield server


@pytest.fixture
def bucket(s3_server: s3.Server) -> Iterator[Bucket]:
    """A place in it that nobody has used."""
    made = s3_server.new()
    yield made
    s3_server.drop(made)


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A server of its own in a temporary folder, on the scripted (tone) voice.

    With CHARAFY_TEST_DATABASE=postgresql its database is a PostgreSQL's, else SQLite's.
    """
    made = Settings(home=tmp_path / "home", voice_engine="scripted", demo=False)
    if not ON_POSTGRESQL:
        yield made
        return
    server: postgresql.Server = request.getfixturevalue("postgres")
    url = server.new()
    yield made.model_copy(update={"database_url": SecretStr(url)})
    server.drop(url)


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes URLs, each of a database with nothing in it."""
    if not ON_POSTGRESQL:
        numbers = itertools.count()
        yield lambda: f"sqlite:///{tmp_path / f'new{next(numbers)}.db'}"
        return
    server: postgresql.Server = request.getfixturevalue("postgres")
    made: list[str] = []

    def make() -> str:
        made.append(server.new(migrated=False))
        return made[-1]

    yield make
    for url in made:
        server.drop(url)


@pytest.fixture
def empty_url(new_url: Callable[[], str]) -> str:
    """URL of a database with nothing in it."""
    return new_url()


@pytest.fixture
def other_url(new_url: Callable[[], str]) -> str:
    """URL of a second one."""
    return new_url()


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
    if not ON_POSTGRESQL:
        shutil.copyfile(migrated, settings.home / "charafy.db")
    database = Database(settings.db_url)
    yield database
    database.close()
