"""API keys: shown once, checked fast, ended at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from charafy.accounts.credentials import new_key
from charafy.accounts.keys import MAX_KEYS
from charafy.accounts.service import Account, AccountServices
from charafy.accounts.tables import api_keys
from charafy.kernel.db import Database
from charafy.kernel.errors import BadRequest, Forbidden, NotFound, Unauthorized
from charafy.kernel.http.caller import ALL_SCOPES
from charafy.kernel.settings import Settings
from tests.accounts.conftest import Build
from tests.support.clock import ManualClock
from tests.support.stored import stored


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(db.engine, "before_cursor_execute", note)


def test_a_key_lets_its_account_in(services: AccountServices, sora: Account) -> None:
    new = services.keys.create(sora.account_id, "Website")
    caller = services.keys.authenticate(new.key)
    assert caller.account_id == sora.account_id
    assert caller.key_id == new.info.key_id
    assert caller.plan == "standard"
    assert caller.scopes == frozenset(ALL_SCOPES)
    assert not caller.is_test
    assert not caller.is_operator


def test_a_test_key_says_so(services: AccountServices, sora: Account) -> None:
    key = services.keys.create(sora.account_id, "Trying", kind="test").key
    assert key.startswith("ck_test_")
    assert services.keys.authenticate(key).is_test


def test_a_key_may_do_only_what_its_scopes_say(services: AccountServices, sora: Account) -> None:
    key = services.keys.create(sora.account_id, "Speaker", scopes=["speech:write"]).key
    assert services.keys.authenticate(key).scopes == {"speech:write"}


@pytest.mark.parametrize("scopes", [[], ["everything"], ["speech:write", "root"]])
def test_unknown_scopes_are_refused(
    services: AccountServices, sora: Account, scopes: list[str]
) -> None:
    with pytest.raises(BadRequest, match="scopes"):
        services.keys.create(sora.account_id, "Odd", scopes=scopes)


def test_a_live_key_of_the_owner_operates_the_server_and_a_test_key_does_not(
    services: AccountServices, owner: Account
) -> None:
    live = services.keys.create(owner.account_id, "Operate").key
    test = services.keys.create(owner.account_id, "Try", kind="test").key
    assert services.keys.authenticate(live).is_operator
    assert not services.keys.authenticate(test).is_operator


def test_a_mistyped_key_is_refused_without_a_query(
    services: AccountServices, db: Database, sora: Account
) -> None:
    key = services.keys.create(sora.account_id, "Website").key
    with statements(db) as seen, pytest.raises(Unauthorized, match="typo"):
        services.keys.authenticate(key[:-1] + ("A" if key[-1] != "A" else "B"))
    assert seen == []


def test_a_well_formed_key_that_nobody_made_is_refused(
    services: AccountServices,
) -> None:
    with pytest.raises(Unauthorized, match="not known"):
        services.keys.authenticate(new_key("live"))


def test_the_key_itself_is_stored_nowhere(
    services: AccountServices, db: Database, settings: Settings, sora: Account
) -> None:
    key = services.keys.create(sora.account_id, "Website").key
    services.keys.authenticate(key)
    kept = stored(db, settings.home)
    assert any(b"Website" in data for data in kept)
    assert not any(key.encode() in data or key[8:].encode() in data for data in kept)


def test_a_revoked_key_ends_at_once(services: AccountServices, sora: Account) -> None:
    new = services.keys.create(sora.account_id, "Website")
    services.keys.authenticate(new.key)
    services.keys.revoke(sora.account_id, new.info.key_id)
    with pytest.raises(Unauthorized):
        services.keys.authenticate(new.key)


def test_a_key_revoked_by_another_process_ends_within_a_second(
    services: AccountServices, build: Build, clock: ManualClock, sora: Account
) -> None:
    new = services.keys.create(sora.account_id, "Website")
    services.keys.authenticate(new.key)
    build().keys.revoke(sora.account_id, new.info.key_id)
    clock.advance(1.0)
    with pytest.raises(Unauthorized):
        services.keys.authenticate(new.key)


def test_a_request_that_was_reading_while_its_key_was_revoked_revives_nothing(
    services: AccountServices, db: Database, sora: Account
) -> None:
    new = services.keys.create(sora.account_id, "Website")
    revoked = threading.Event()

    def revoke_after_the_read(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT") and not revoked.is_set():
            revoked.set()
            worker = threading.Thread(
                target=services.keys.revoke, args=(sora.account_id, new.info.key_id)
            )
            worker.start()
            worker.join(timeout=5)

    sa.event.listen(db.engine, "after_cursor_execute", revoke_after_the_read)
    services.keys.authenticate(new.key)
    sa.event.remove(db.engine, "after_cursor_execute", revoke_after_the_read)
    assert revoked.is_set()
    with pytest.raises(Unauthorized):
        services.keys.authenticate(new.key)


def test_revoking_again_changes_nothing(
    services: AccountServices, clock: ManualClock, sora: Account
) -> None:
    key_id = services.keys.create(sora.account_id, "Website").info.key_id
    first = services.keys.revoke(sora.account_id, key_id)
    clock.advance(60)
    assert services.keys.revoke(sora.account_id, key_id) == first
    assert services.keys.list(sora.account_id) == [first]


@pytest.mark.parametrize("key_id", ["", "nonsense", "' OR 1=1 --"])
def test_a_key_that_is_not_there_can_not_be_revoked(
    services: AccountServices, sora: Account, key_id: str
) -> None:
    with pytest.raises(NotFound):
        services.keys.revoke(sora.account_id, key_id)


def test_a_strangers_key_can_not_be_seen_or_revoked(
    services: AccountServices, sora: Account
) -> None:
    riku = services.accounts.create("riku@example.com")
    new = services.keys.create(sora.account_id, "Website")
    with pytest.raises(NotFound):
        services.keys.revoke(riku.account_id, new.info.key_id)
    assert services.keys.list(riku.account_id) == []
    assert services.keys.authenticate(new.key).account_id == sora.account_id


def test_the_keys_of_a_suspended_account_answer_forbidden_at_once(
    services: AccountServices, sora: Account
) -> None:
    key = services.keys.create(sora.account_id, "Website").key
    services.keys.authenticate(key)
    services.accounts.suspend(sora.account_id)
    with pytest.raises(Forbidden) as refusal:
        services.keys.authenticate(key)
    assert refusal.value.code == "account_suspended"
    services.accounts.unsuspend(sora.account_id)
    assert services.keys.authenticate(key).account_id == sora.account_id


def test_a_busy_key_costs_one_read_a_second_and_no_write(
    services: AccountServices, db: Database, sora: Account
) -> None:
    key = services.keys.create(sora.account_id, "Website").key
    with statements(db) as seen:
        for _ in range(100):
            services.keys.authenticate(key)
    assert len([line for line in seen if line.startswith("SELECT")]) == 1
    assert not [line for line in seen if line.startswith(("UPDATE", "INSERT"))]


def test_when_a_key_was_used_is_written_once_a_minute(
    services: AccountServices, clock: ManualClock, sora: Account
) -> None:
    new = services.keys.create(sora.account_id, "Website")
    clock.advance(30)
    services.keys.authenticate(new.key)
    assert services.keys.flush_last_used() == 0
    used_at = clock.now()
    clock.advance(30)
    assert services.keys.flush_last_used() == 1
    assert services.keys.get(sora.account_id, new.info.key_id).last_used_at == used_at
    assert services.accounts.get(sora.account_id).last_seen_at == used_at
    clock.advance(60)
    assert services.keys.flush_last_used() == 0


def test_flushing_a_key_whose_account_is_gone_does_nothing(
    services: AccountServices, sora: Account
) -> None:
    services.keys.authenticate(services.keys.create(sora.account_id, "Website").key)
    services.accounts.delete(sora.account_id)
    assert services.keys.flush_last_used(now=True) == 1


def test_an_account_has_a_limited_number_of_keys_in_use(
    services: AccountServices, db: Database, sora: Account
) -> None:
    with db.write() as tx:
        for number in range(MAX_KEYS):
            services.keys.add(tx, sora.account_id, f"Key {number}")
    with pytest.raises(Forbidden) as refusal:
        services.keys.create(sora.account_id, "One more")
    assert refusal.value.code == "key_limit"
    services.keys.revoke(sora.account_id, services.keys.list(sora.account_id)[0].key_id)
    services.keys.create(sora.account_id, "One more")


@pytest.mark.parametrize("name", ["", "   ", "n" * 101])
def test_a_key_needs_a_name(services: AccountServices, sora: Account, name: str) -> None:
    with pytest.raises(BadRequest, match="name"):
        services.keys.create(sora.account_id, name)


def test_the_digest_is_found_by_its_index(db: Database) -> None:
    assert any(constraint.columns.keys() == ["hash"] for constraint in _unique(api_keys))


def _unique(table: sa.Table) -> list[sa.UniqueConstraint]:
    return [item for item in table.constraints if isinstance(item, sa.UniqueConstraint)]


def test_a_key_is_remembered_only_while_it_needs_no_look_up(
    services: AccountServices, sora: Account, clock: ManualClock
) -> None:
    keys = services.keys
    key = keys.create(sora.account_id, "app").key
    assert not keys.remembers(key)
    keys.authenticate(key)
    assert keys.remembers(key)
    clock.advance(1.0)
    assert not keys.remembers(key)
    assert not keys.remembers("ck_live_nonsense")
