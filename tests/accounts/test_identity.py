"""Proving and replacing addresses and passwords, without ever telling who has an account."""

from __future__ import annotations

import pytest

from charafy.accounts.service import Account, AccountServices
from charafy.kernel.errors import BadRequest, Conflict, Forbidden, Unauthorized
from tests.accounts.conftest import PASSWORD
from tests.support.clock import ManualClock
from tests.support.postbox import Postbox, html_of, text_of, token_in

NEW = "a new horse"


@pytest.fixture
def mailed(mailing: AccountServices, postbox: Postbox) -> Account:
    """An account whose address is confirmed, on a server that sends mail."""
    mailing.entrance.sign_up("sora@example.com", PASSWORD)
    return mailing.identity.verify(token_in(postbox.next()))


def test_a_forgotten_password_is_replaced_by_a_link_in_a_letter(
    mailing: AccountServices, postbox: Postbox, mailed: Account
) -> None:
    session = mailing.sessions.begin(mailed.account_id)
    mailing.identity.send_reset("Sora@example.com", "ja")
    letter = postbox.next()
    assert letter["Subject"] == "Charafy: パスワードの再設定"
    mailing.identity.reset(token_in(letter), NEW)
    assert mailing.entrance.sign_in(mailed.email, NEW)
    with pytest.raises(Unauthorized):
        mailing.entrance.sign_in(mailed.email, PASSWORD)
    assert mailing.sessions.find(session.token) is None


def test_a_reset_link_works_once_and_the_newest_counts(
    mailing: AccountServices, postbox: Postbox, mailed: Account
) -> None:
    mailing.identity.send_reset(mailed.email)
    older = token_in(postbox.next())
    mailing.identity.send_reset(mailed.email)
    newer = token_in(postbox.next())
    with pytest.raises(BadRequest):
        mailing.identity.reset(older, NEW)
    mailing.identity.reset(newer, NEW)
    with pytest.raises(BadRequest):
        mailing.identity.reset(newer, "yet another horse")


def test_a_reset_link_ends_after_an_hour(
    mailing: AccountServices, postbox: Postbox, clock: ManualClock, mailed: Account
) -> None:
    mailing.identity.send_reset(mailed.email)
    clock.advance(3600)
    with pytest.raises(BadRequest):
        mailing.identity.reset(token_in(postbox.next()), NEW)


def test_a_bad_password_does_not_use_the_reset_link_up(
    mailing: AccountServices, postbox: Postbox, mailed: Account
) -> None:
    mailing.identity.send_reset(mailed.email)
    token = token_in(postbox.next())
    with pytest.raises(BadRequest, match="password"):
        mailing.identity.reset(token, "short")
    mailing.identity.reset(token, NEW)


def test_no_letter_and_no_hint_for_an_address_without_an_account(
    mailing: AccountServices, postbox: Postbox, mailed: Account
) -> None:
    mailing.identity.send_reset("nobody@example.com")
    mailing.identity.send_verification("nobody@example.com")
    mailing.identity.send_verification(mailed.email)  # confirmed already
    mailing.identity.send_reset(mailed.email)
    assert postbox.next()["To"] == mailed.email
    assert postbox.is_empty()


def test_a_suspended_account_gets_no_reset(
    mailing: AccountServices, postbox: Postbox, mailed: Account
) -> None:
    mailing.accounts.suspend(mailed.account_id)
    mailing.identity.send_reset(mailed.email)
    mailing.accounts.unsuspend(mailed.account_id)
    mailing.identity.send_reset(mailed.email)
    postbox.next()
    assert postbox.is_empty()


def test_suspending_ends_links_that_are_on_their_way(
    mailing: AccountServices, postbox: Postbox, mailed: Account
) -> None:
    mailing.identity.send_reset(mailed.email)
    mailing.accounts.suspend(mailed.account_id)
    with pytest.raises(BadRequest):
        mailing.identity.reset(token_in(postbox.next()), NEW)


def test_the_letter_to_confirm_an_address_can_be_sent_again(
    mailing: AccountServices, postbox: Postbox
) -> None:
    mailing.entrance.sign_up("sora@example.com", PASSWORD)
    postbox.next()
    mailing.identity.send_verification("sora@example.com")
    letter = postbox.next()
    token = token_in(letter)
    assert f"/verify?token={token}" in text_of(letter)
    assert f"/verify?token={token}" in html_of(letter)
    assert mailing.identity.verify(token).email_verified_at


def test_a_new_address_counts_once_confirmed_and_the_old_one_is_told(
    mailing: AccountServices, postbox: Postbox, mailed: Account
) -> None:
    unchanged = mailing.identity.change_email(mailed.account_id, "sora@new.example.com", "en")
    assert unchanged.email == "sora@example.com"
    letter = postbox.next()
    assert letter["To"] == "sora@new.example.com"
    assert mailing.identity.verify(token_in(letter)).email == "sora@new.example.com"
    notice = postbox.next()
    assert notice["To"] == "sora@example.com"
    assert "is now another one" in text_of(notice)


def test_changing_to_a_taken_address_is_told_only_to_its_reader(
    mailing: AccountServices, postbox: Postbox, mailed: Account
) -> None:
    mailing.accounts.create("riku@example.com")
    assert mailing.identity.change_email(mailed.account_id, "riku@example.com") == mailed
    letter = postbox.next()
    assert letter["To"] == "riku@example.com"
    assert "token=" not in text_of(letter)


def test_of_two_who_move_to_one_address_the_first_to_confirm_has_it(
    mailing: AccountServices, postbox: Postbox, mailed: Account
) -> None:
    riku = mailing.accounts.create("riku@example.com")
    mailing.identity.change_email(mailed.account_id, "shared@example.com")
    first = token_in(postbox.next())
    mailing.identity.change_email(riku.account_id, "shared@example.com")
    second = token_in(postbox.next())
    mailing.identity.verify(first)
    with pytest.raises(Conflict):
        mailing.identity.verify(second)
    assert mailing.accounts.get(riku.account_id).email == "riku@example.com"


def test_without_mail_a_new_address_counts_at_once_but_unconfirmed(
    services: AccountServices, sora: Account
) -> None:
    moved = services.identity.change_email(sora.account_id, "sora@new.example.com")
    assert (moved.email, moved.email_verified_at) == ("sora@new.example.com", None)
    services.accounts.create("riku@example.com")
    with pytest.raises(Conflict):
        services.identity.change_email(sora.account_id, "riku@example.com")


def test_changing_the_password_ends_the_other_sessions(
    services: AccountServices, sora: Account
) -> None:
    here = services.sessions.begin(sora.account_id)
    elsewhere = services.sessions.begin(sora.account_id)
    link = services.accounts.sign_in_link(sora.account_id)
    services.identity.change_password(sora.account_id, PASSWORD, NEW, keep_session=here.token)
    assert services.sessions.find(here.token) is not None
    assert services.sessions.find(elsewhere.token) is None
    with pytest.raises(BadRequest):
        services.entrance.sign_in_by_link(link)
    assert services.entrance.sign_in(sora.email, NEW)


def test_changing_the_password_needs_the_current_one(
    services: AccountServices, sora: Account
) -> None:
    with pytest.raises(Forbidden) as refusal:
        services.identity.change_password(sora.account_id, "wrong horse", NEW)
    assert refusal.value.code == "wrong_password"
    assert services.entrance.sign_in(sora.email, PASSWORD)


def test_an_owner_who_came_by_link_sets_a_first_password(
    services: AccountServices, owner: Account
) -> None:
    services.identity.change_password(owner.account_id, "", NEW)
    assert services.entrance.sign_in(owner.email, NEW)
    with pytest.raises(Forbidden):
        services.identity.change_password(owner.account_id, "", "third horse")
