"""Accounts are listed, suspended, and deleted with everything they own."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from charafy.accounts.service import Account, AccountServices
from charafy.accounts.tables import accounts, api_keys, one_time_tokens, sessions
from charafy.credits.service import Credits
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import BadRequest, Conflict, NotFound, Unauthorized
from tests.accounts.conftest import PASSWORD, Build
from tests.support.clock import ManualClock


def test_accounts_are_listed_newest_first_in_pages(
    services: AccountServices, clock: ManualClock
) -> None:
    made = []
    for number in range(7):
        made.append(services.accounts.create(f"person{number}@example.com").account_id)
        if number % 2:  # some are made in the same instant
            clock.advance(1)
    seen: list[str] = []
    while page := services.accounts.list(limit=3, after=seen[-1] if seen else None):
        seen += [account.account_id for account in page]
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(set(seen)) == 7
    assert seen[0] == made[6]


def test_a_page_behind_an_unknown_account_is_an_error(services: AccountServices) -> None:
    with pytest.raises(NotFound):
        services.accounts.list(after="nonsense")


def test_the_owner_is_found_again(services: AccountServices, owner: Account) -> None:
    services.accounts.create("sora@example.com")
    assert services.accounts.owner() == owner


def test_there_is_no_owner_before_the_first_start(services: AccountServices) -> None:
    assert services.accounts.owner() is None


def test_an_account_is_made_with_the_plan_and_credits_asked_for(
    services: AccountServices, db: Database, credits: Credits
) -> None:
    account = services.accounts.create("rich@example.com", plan="free", credits=0)
    assert account.plan == "free"
    with db.read() as tx:
        assert credits.balance(tx, account.account_id).available == 0


@pytest.mark.parametrize("name", ["n" * 101, "two\nlines", "nul\x00"])
def test_a_name_is_one_short_line(services: AccountServices, sora: Account, name: str) -> None:
    with pytest.raises(BadRequest, match="name"):
        services.accounts.rename(sora.account_id, name)


def test_a_name_may_be_written_in_any_script(services: AccountServices, sora: Account) -> None:
    assert services.accounts.rename(sora.account_id, "  空 そら  ").name == "空 そら"


def test_suspending_ends_sessions_and_an_owner_is_never_suspended(
    services: AccountServices, sora: Account, owner: Account
) -> None:
    session = services.sessions.begin(sora.account_id)
    assert services.accounts.suspend(sora.account_id).status == "suspended"
    assert services.sessions.find(session.token) is None
    with pytest.raises(Conflict):
        services.accounts.suspend(owner.account_id)
    assert services.accounts.unsuspend(sora.account_id).status == "active"
    assert services.entrance.sign_in(sora.email, PASSWORD)


def test_deleting_erases_rows_files_keys_sessions_and_links(
    build: Build, db: Database, credits: Credits
) -> None:
    erased: list[str] = []
    services = build(
        on_delete=[credits.close, lambda _tx, account: erased.append(f"rows of {account}")],
        erase_files=lambda account: erased.append(f"files of {account}"),
    )
    sora = services.accounts.create("sora@example.com")
    riku = services.accounts.create("riku@example.com")
    key = services.keys.create(sora.account_id, "Website").key
    services.keys.authenticate(key)
    services.sessions.begin(sora.account_id)
    services.accounts.sign_in_link(sora.account_id)

    services.accounts.delete(sora.account_id)

    assert erased == [f"files of {sora.account_id}", f"rows of {sora.account_id}"]
    with pytest.raises(Unauthorized):
        services.keys.authenticate(key)
    with pytest.raises(NotFound):
        services.accounts.get(sora.account_id)
    with db.read() as tx:
        for table in (api_keys, sessions, one_time_tokens):
            assert tx.execute(sa.select(table)).all() == []
        assert [row.id for row in tx.execute(sa.select(accounts))] == [riku.account_id]
        assert credits.balance(tx, riku.account_id).available == 100
        # The books stay, and add up to nothing.
        assert sum(entry.amount for entry in credits.recent(tx, sora.account_id)) == 0


def test_the_address_of_a_deleted_account_is_free_again(build: Build, credits: Credits) -> None:
    services = build(on_delete=[credits.close])
    first = services.accounts.create("sora@example.com")
    services.accounts.delete(first.account_id)
    assert services.accounts.create("sora@example.com").account_id != first.account_id


def test_a_deletion_that_was_interrupted_is_completed_later(
    build: Build, db: Database, credits: Credits
) -> None:
    def full_disk(_account_id: str) -> None:
        raise OSError("no space")

    failing = build(on_delete=[credits.close], erase_files=full_disk)
    sora = failing.accounts.create("sora@example.com", name="Sora", password=PASSWORD)
    key = failing.keys.create(sora.account_id, "Website").key
    with pytest.raises(OSError, match="no space"):
        failing.accounts.delete(sora.account_id)

    with pytest.raises(Unauthorized):
        failing.keys.authenticate(key)
    with pytest.raises(NotFound):
        failing.accounts.get(sora.account_id)
    with pytest.raises(Unauthorized):
        failing.entrance.sign_in("sora@example.com", PASSWORD)
    assert failing.accounts.list() == []

    erased: list[str] = []
    repaired = build(on_delete=[credits.close], erase_files=erased.append)
    assert repaired.accounts.finish_deletions() == 1
    assert erased == [sora.account_id]
    assert repaired.accounts.finish_deletions() == 0
    with db.read() as tx:
        assert tx.execute(sa.select(accounts)).all() == []


def test_rows_that_can_not_be_erased_leave_all_of_them_for_the_next_try(
    build: Build, db: Database
) -> None:
    def refuse(_tx: Tx, _account_id: str) -> None:
        raise RuntimeError("still in use")

    def rename(tx: Tx, account_id: str) -> None:
        tx.execute(accounts.update().values(name=f"erased {account_id}"))

    services = build(on_delete=[rename, refuse])
    sora = services.accounts.create("sora@example.com")
    with pytest.raises(RuntimeError):
        services.accounts.delete(sora.account_id)
    with db.read() as tx:
        (row,) = tx.execute(sa.select(accounts)).all()
    assert (row.name, row.status) == ("", "deleting")


def test_the_owners_account_can_not_be_deleted(services: AccountServices, owner: Account) -> None:
    with pytest.raises(Conflict):
        services.accounts.delete(owner.account_id)
    assert services.accounts.owner() == owner
