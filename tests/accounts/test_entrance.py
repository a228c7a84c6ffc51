"""Getting in: sign-up by policy, sign-in, links and invitations."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from charafy.accounts.service import Account, AccountServices
from charafy.credits.service import Credits
from charafy.kernel.db import Database
from charafy.kernel.errors import (
    BadRequest,
    CharafyError,
    Conflict,
    Forbidden,
    NotFound,
    Unauthorized,
)
from tests.accounts.conftest import PASSWORD, Build
from tests.support.clock import ManualClock
from tests.support.postbox import Postbox, text_of, token_in


def test_a_sign_up_without_mail_may_enter_now_with_its_welcome_credits(
    services: AccountServices, db: Database, credits: Credits
) -> None:
    account = services.entrance.sign_up(" Sora@Example.COM ", PASSWORD, name="Sora")
    assert account is not None
    assert (account.email, account.name, account.role) == ("sora@example.com", "Sora", "member")
    with db.read() as tx:
        (entry,) = credits.recent(tx, account.account_id)
        assert credits.balance(tx, account.account_id).available == 100
    assert entry.reference == f"signup:{account.account_id}"
    assert services.entrance.sign_in("SORA@example.com", PASSWORD) == account


def test_an_address_makes_one_account(services: AccountServices, sora: Account) -> None:
    with pytest.raises(Conflict) as refusal:
        services.entrance.sign_up(sora.email.upper(), PASSWORD)
    assert refusal.value.code == "email_taken"


@pytest.mark.parametrize("email", ["", "sora", "a@b", "sora@example.com\nBcc: x@example.com"])
def test_what_is_no_address_is_refused(services: AccountServices, email: str) -> None:
    with pytest.raises(BadRequest, match="e-mail address"):
        services.entrance.sign_up(email, PASSWORD)


@pytest.mark.parametrize("password", ["", "too short", "x" * 257])
def test_a_password_has_between_10_and_256_characters(
    services: AccountServices, password: str
) -> None:
    with pytest.raises(BadRequest) as refusal:
        services.entrance.sign_up("sora@example.com", password)
    assert refusal.value.param == "password"
    assert services.accounts.by_email("sora@example.com") is None


def test_a_password_is_the_same_however_the_keyboard_composes_it(
    services: AccountServices,
) -> None:
    services.entrance.sign_up("sora@example.com", "パスワードは秘密です")
    decomposed = "ハ\u309aスワート\u3099は秘密て\u3099す"
    assert services.entrance.sign_in("sora@example.com", decomposed).email == "sora@example.com"


def test_a_wrong_password_and_an_unknown_address_sound_the_same(
    services: AccountServices, sora: Account
) -> None:
    with pytest.raises(Unauthorized) as wrong:
        services.entrance.sign_in(sora.email, "wrong horse")
    with pytest.raises(Unauthorized) as unknown:
        services.entrance.sign_in("nobody@example.com", PASSWORD)
    assert wrong.value.message == unknown.value.message


def test_an_account_without_a_password_is_not_entered_by_any(
    services: AccountServices, owner: Account
) -> None:
    for guess in ("", "None", PASSWORD):
        with pytest.raises(Unauthorized):
            services.entrance.sign_in(owner.email, guess)


def test_only_who_knows_the_password_learns_that_an_account_is_suspended(
    services: AccountServices, sora: Account
) -> None:
    services.accounts.suspend(sora.account_id)
    with pytest.raises(Unauthorized):
        services.entrance.sign_in(sora.email, "wrong horse")
    with pytest.raises(Forbidden) as refusal:
        services.entrance.sign_in(sora.email, PASSWORD)
    assert refusal.value.code == "account_suspended"


def test_a_closed_server_takes_no_accounts(build: Build) -> None:
    services = build(changes={"sign_up": "closed"})
    with pytest.raises(Forbidden) as refusal:
        services.entrance.sign_up("sora@example.com", PASSWORD)
    assert refusal.value.code == "sign_up_closed"


def test_by_invitation_an_invitation_makes_one_account(build: Build) -> None:
    services = build(changes={"sign_up": "invitation"})
    for missing in (None, "", "made-up"):
        with pytest.raises(Forbidden) as refusal:
            services.entrance.sign_up("sora@example.com", PASSWORD, invitation=missing)
        assert refusal.value.code == "invitation_required"
    token = services.entrance.invite()
    assert services.entrance.sign_up("sora@example.com", PASSWORD, invitation=token)
    with pytest.raises(Forbidden):
        services.entrance.sign_up("riku@example.com", PASSWORD, invitation=token)


def test_a_failed_sign_up_does_not_use_its_invitation_up(build: Build) -> None:
    services = build(changes={"sign_up": "invitation"})
    token = services.entrance.invite()
    with pytest.raises(BadRequest):
        services.entrance.sign_up("sora@example.com", "short", invitation=token)
    assert services.entrance.sign_up("sora@example.com", PASSWORD, invitation=token)


def test_an_invitation_ends_after_a_week(build: Build, clock: ManualClock) -> None:
    services = build(changes={"sign_up": "invitation"})
    token = services.entrance.invite()
    clock.advance(7 * 86_400)
    with pytest.raises(Forbidden):
        services.entrance.sign_up("sora@example.com", PASSWORD, invitation=token)


def test_a_mailed_invitation_proves_the_address_it_was_mailed_to(
    build: Build, postbox: Postbox
) -> None:
    services = build(postbox, changes={"sign_up": "invitation"})
    services.entrance.invite("sora@example.com", "ja")
    letter = postbox.next()
    assert letter["Subject"] == "Charafy: ご招待"
    account = services.entrance.sign_up("sora@example.com", PASSWORD, invitation=token_in(letter))
    assert account is not None
    assert account.email_verified_at is not None


def test_an_invitation_used_for_another_address_does_not_prove_that(
    build: Build, postbox: Postbox
) -> None:
    services = build(postbox, changes={"sign_up": "invitation"})
    token = services.entrance.invite("sora@example.com")
    postbox.next()
    assert services.entrance.sign_up("riku@example.com", PASSWORD, invitation=token) is None
    assert postbox.next()["To"] == "riku@example.com"


def test_with_mail_a_sign_up_enters_once_its_address_is_confirmed(
    mailing: AccountServices, postbox: Postbox
) -> None:
    assert mailing.entrance.sign_up("sora@example.com", PASSWORD) is None
    with pytest.raises(Forbidden) as refusal:
        mailing.entrance.sign_in("sora@example.com", PASSWORD)
    assert refusal.value.code == "email_unverified"
    mailing.identity.verify(token_in(postbox.next()))
    assert mailing.entrance.sign_in("sora@example.com", PASSWORD).email_verified_at


def test_with_mail_a_taken_address_is_told_only_to_its_reader(
    mailing: AccountServices, postbox: Postbox
) -> None:
    taken = mailing.accounts.create("sora@example.com", password=PASSWORD)
    mailing.sessions.begin(taken.account_id)
    assert mailing.entrance.sign_up("sora@example.com", "another horse") is None
    letter = postbox.next()
    assert "There is one already" in text_of(letter)
    assert "token=" not in text_of(letter)
    assert mailing.accounts.get(taken.account_id).has_password
    with pytest.raises(Unauthorized):
        mailing.entrance.sign_in("sora@example.com", "another horse")


@pytest.mark.parametrize("first", ["a squatter's horse", PASSWORD])
def test_nobody_puts_a_password_under_an_address_that_its_reader_then_confirms(
    mailing: AccountServices, postbox: Postbox, first: str
) -> None:
    """Whoever came first: both letters go to the reader, who can't tell whose sign-up they are."""
    second = PASSWORD if first != PASSWORD else "a squatter's horse"
    mailing.entrance.sign_up("sora@example.com", first)
    confirmation = token_in(postbox.next())
    mailing.entrance.sign_up("sora@example.com", second, name="Sora")
    choice = token_in(postbox.next())

    mailing.identity.verify(confirmation)
    for password in (first, second):
        with pytest.raises(Unauthorized):
            mailing.entrance.sign_in("sora@example.com", password)

    mailing.identity.reset(choice, "the reader's own horse")
    assert mailing.entrance.sign_in("sora@example.com", "the reader's own horse").name == "Sora"


def test_who_signs_up_twice_with_one_password_confirms_by_the_newer_letter(
    mailing: AccountServices, postbox: Postbox
) -> None:
    for _ in range(2):
        mailing.entrance.sign_up("sora@example.com", PASSWORD)
    older, newer = token_in(postbox.next()), token_in(postbox.next())
    with pytest.raises(BadRequest):
        mailing.identity.verify(older)
    mailing.identity.verify(newer)
    assert mailing.entrance.sign_in("sora@example.com", PASSWORD)


def test_an_account_in_use_is_never_taken_over_by_signing_up_again(
    services: AccountServices, build: Build, postbox: Postbox
) -> None:
    before_mail = services.entrance.sign_up("sora@example.com", PASSWORD)
    assert before_mail is not None
    services.keys.create(before_mail.account_id, "In use")
    mailing = build(postbox)
    mailing.entrance.sign_up("sora@example.com", "another horse")
    assert "There is one already" in text_of(postbox.next())
    with pytest.raises(Unauthorized):
        mailing.entrance.sign_in("sora@example.com", "another horse")


def test_the_owner_enters_although_no_mail_can_reach_the_default_address(
    mailing: AccountServices,
) -> None:
    owner = mailing.accounts.create("owner@localhost", role="owner", password=PASSWORD)
    assert mailing.entrance.sign_in("owner@localhost", PASSWORD) == owner


def test_a_sign_in_link_works_once(services: AccountServices, owner: Account) -> None:
    token = services.accounts.sign_in_link(owner.account_id)
    assert services.links.valid(token, "sign_in")
    assert services.entrance.sign_in_by_link(token) == owner
    with pytest.raises(BadRequest) as refusal:
        services.entrance.sign_in_by_link(token)
    assert refusal.value.code == "link_invalid"


def test_a_sign_in_link_ends_after_15_minutes(
    services: AccountServices, clock: ManualClock, owner: Account
) -> None:
    token = services.accounts.sign_in_link(owner.account_id)
    clock.advance(15 * 60)
    with pytest.raises(BadRequest):
        services.entrance.sign_in_by_link(token)


def test_a_link_for_one_purpose_serves_no_other(services: AccountServices, sora: Account) -> None:
    token = services.accounts.sign_in_link(sora.account_id)
    with pytest.raises(BadRequest):
        services.identity.verify(token)
    with pytest.raises(BadRequest):
        services.identity.reset(token, "another horse")
    assert services.entrance.sign_in_by_link(token)


def test_there_is_no_link_for_an_account_that_is_not_there(services: AccountServices) -> None:
    with pytest.raises(NotFound):
        services.accounts.sign_in_link("5d6f0f4e-6f0e-4b52-9f39-3f2a1c0f7a11")


def test_expired_links_and_sessions_are_swept(
    services: AccountServices, clock: ManualClock, sora: Account
) -> None:
    services.accounts.sign_in_link(sora.account_id)
    session = services.sessions.begin(sora.account_id)
    assert (services.links.sweep(), services.sessions.sweep()) == (0, 0)
    clock.advance(15 * 86_400)
    assert services.sessions.find(session.token) is None
    assert (services.links.sweep(), services.sessions.sweep()) == (1, 1)


def test_of_many_who_use_one_link_at_once_one_gets_in(
    services: AccountServices, owner: Account
) -> None:
    token = services.accounts.sign_in_link(owner.account_id)
    assert sorted(at_once(lambda: services.entrance.sign_in_by_link(token))) == [
        "Account",
        *["BadRequest"] * 7,
    ]


def test_of_many_sign_ups_with_one_address_at_once_one_makes_the_account(
    services: AccountServices,
) -> None:
    outcomes = at_once(lambda: services.entrance.sign_up("sora@example.com", PASSWORD))
    assert sorted(outcomes) == ["Account", *["Conflict"] * 7]
    assert len(services.accounts.list()) == 1


def at_once(do: Callable[[], object]) -> list[str]:
    """What eight threads that start together got: the type of the result or of the error."""
    together = Barrier(8)

    def attempt(_number: int) -> str:
        together.wait(timeout=5)
        try:
            return type(do()).__name__
        except CharafyError as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(attempt, range(8)))
