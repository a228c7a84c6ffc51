"""What one process ends is ended in all of them at once, by way of a real Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from charafy.accounts.keys import REMEMBERED_S
from charafy.accounts.service import Account, AccountServices
from charafy.kernel.db import Database
from charafy.kernel.errors import Forbidden, Unauthorized
from charafy.kernel.observe import Metrics
from charafy.kernel.shared import RETRY_S, Shared
from tests.accounts.conftest import SECRET, Build
from tests.accounts.test_keys import statements
from tests.support import redis
from tests.support.clock import ManualClock

NewProcess = Callable[[], AccountServices]


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    with redis.running() as server:
        yield server


@pytest.fixture
def new_process(server: redis.Redis, clock: ManualClock, build: Build) -> Iterator[NewProcess]:
    """The feature as one more process has it."""
    opened: list[Shared] = []

    def make() -> AccountServices:
        opened.append(Shared(server.url(), SECRET, clock, Metrics()))
        return build(shared=opened[-1])

    yield make
    for shared in opened:
        shared.close()


@pytest.fixture
def key(services: AccountServices, sora: Account) -> str:
    return services.keys.create(sora.account_id, "Website").key


def test_a_key_that_is_known_costs_no_query(
    new_process: NewProcess, db: Database, key: str
) -> None:
    here = new_process().keys
    here.authenticate(key)
    with statements(db) as seen:
        here.authenticate(key)
    assert seen == []


def test_a_key_revoked_elsewhere_ends_here_at_once(
    new_process: NewProcess, services: AccountServices, sora: Account, key: str
) -> None:
    here, elsewhere = new_process().keys, new_process().keys
    for keys in (here, elsewhere):
        keys.authenticate(key)
    elsewhere.revoke(sora.account_id, services.keys.list(sora.account_id)[0].key_id)
    for keys in (here, elsewhere):
        with pytest.raises(Unauthorized):
            keys.authenticate(key)


def test_an_account_suspended_elsewhere_is_shut_out_here_at_once(
    new_process: NewProcess, sora: Account, key: str
) -> None:
    here, elsewhere = new_process(), new_process()
    here.keys.authenticate(key)
    elsewhere.accounts.suspend(sora.account_id)
    with pytest.raises(Forbidden, match="suspended"):
        here.keys.authenticate(key)


def test_without_redis_the_database_is_asked_every_time(
    new_process: NewProcess,
    server: redis.Redis,
    services: AccountServices,
    sora: Account,
    key: str,
) -> None:
    here, elsewhere = new_process().keys, new_process().keys
    here.authenticate(key)
    server.kill()
    here.authenticate(key)
    elsewhere.revoke(sora.account_id, services.keys.list(sora.account_id)[0].key_id)
    with pytest.raises(Unauthorized):
        here.authenticate(key)


def test_what_was_remembered_before_redis_forgot_is_not_trusted_afterwards(
    new_process: NewProcess,
    server: redis.Redis,
    services: AccountServices,
    sora: Account,
    key: str,
) -> None:
    here = new_process().keys
    here.authenticate(key)
    server.kill()
    # By a process that never reaches Redis: nobody changes the mark.
    services.keys.revoke(sora.account_id, services.keys.list(sora.account_id)[0].key_id)
    server.start()
    with pytest.raises(Unauthorized):
        here.authenticate(key)


def test_keys_are_remembered_again_once_redis_is_back(
    new_process: NewProcess, server: redis.Redis, clock: ManualClock, db: Database, key: str
) -> None:
    here = new_process().keys
    server.kill()
    here.authenticate(key)
    server.start()
    clock.advance(RETRY_S)
    here.authenticate(key)
    with statements(db) as seen:
        here.authenticate(key)
    assert seen == []
    clock.advance(REMEMBERED_S)
    with statements(db) as seen:
        here.authenticate(key)
    assert seen, "a second is over, whatever the mark says"
