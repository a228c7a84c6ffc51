"""Members: their characters, keys, credits and account; the owner: everyone's."""

from __future__ import annotations

import re

import pytest

from charafy.accounts.service import Account
from charafy.kernel.errors import CharafyError, Unauthorized
from tests.dashboard.conftest import PASSWORD, Site
from tests.support.browser import Browser


def account_of(site: Site, email: str = "sora@example.com") -> Account:
    account = site.services.accounts.by_email(email)
    assert account is not None
    return account


def new_key(browser: Browser, name: str, kind: str = "live") -> str:
    browser.open("/dashboard/keys")
    browser.submit("/dashboard/keys", name=name, kind=kind)
    found = re.search(rf"<code>(ck_{kind}_\w+)</code>", browser.html)
    assert found, browser.html
    return found[1]


def test_someone_new_can_hear_voices_and_invite_the_demo_characters(site: Site) -> None:
    browser = site.member()
    assert len(re.findall(r"/sample\.mp3", browser.html)) == 8
    assert "/api/v1/characters" in browser.html
    browser.submit("/dashboard/demo")
    mine = site.house.characters.list(account_of(site).account_id)
    assert {character.name for character in mine} == {"Emma", "Hana", "Leo"}
    for character in mine:
        assert character.character_id in browser.html


def test_movements_are_told_in_the_readers_language(site: Site) -> None:
    browser = site.member()
    browser.open("/dashboard", language="ja")
    assert "付与" in browser.html and "Welcome credits" in browser.html


def test_the_lines_to_paste_name_a_character_of_the_readers_language(site: Site) -> None:
    browser = site.member()
    browser.submit("/dashboard/demo")
    mine = site.house.characters.list(account_of(site).account_id)
    for language in ("en", "ja"):
        browser.open(f"/dashboard?lang={language}")
        (named,) = re.findall(r"&#34;character_id&#34;: &#34;([\w-]+)", browser.html)
        assert named in {c.character_id for c in mine if c.language == language}
    assert "YOUR_API_KEY" in browser.html


def test_a_new_key_is_shown_once_inside_lines_that_work_when_pasted(site: Site) -> None:
    browser = site.member()
    key = new_key(browser, "Website")
    assert browser.page is not None
    assert browser.page.headers["cache-control"] == "no-store"
    assert f"x-api-key: {key}" in browser.html
    assert site.services.keys.authenticate(key).account_id == account_of(site).account_id
    browser.open("/dashboard/keys")
    assert key not in browser.html
    assert f"ck_live_…{key[-4:]}" in browser.html


def test_a_test_key_can_be_made_and_a_key_without_a_name_can_not(site: Site) -> None:
    browser = site.member()
    assert site.services.keys.authenticate(new_key(browser, "Trying", "test")).is_test
    browser.open("/dashboard/keys")
    assert browser.submit("/dashboard/keys", name="  ").status_code == 400
    assert "A name has between" in browser.html


def test_a_form_that_is_sent_twice_makes_one_key_and_says_so(site: Site) -> None:
    browser = site.member()
    browser.open("/dashboard/keys")
    form = browser.forms()["/dashboard/keys"] | {"name": "Website", "kind": "live"}
    assert browser.client.post("/dashboard/keys", data=form).status_code == 200
    again = browser.client.post("/dashboard/keys", data=form)
    assert again.status_code == 409
    assert "made a key already" in again.text
    unnumbered = browser.client.post("/dashboard/keys", data=form | {"form": ""})
    assert unnumbered.status_code == 403
    assert len(site.services.keys.list(account_of(site).account_id)) == 1


def test_a_key_is_revoked_at_once(site: Site) -> None:
    browser = site.member()
    key = new_key(browser, "Website")
    (action,) = [action for action in browser.forms() if action.endswith("/revoke")]
    browser.submit(action)
    assert browser.path == "/dashboard/keys"
    assert "Revoked keys" in browser.html
    with pytest.raises(Unauthorized):
        site.services.keys.authenticate(key)


def test_a_strangers_key_can_not_be_revoked(site: Site) -> None:
    theirs = new_key(site.member("riku@example.com"), "Theirs")
    key_id = site.services.keys.authenticate(theirs).key_id
    browser = site.member()
    browser.open("/dashboard/keys")
    form = browser.forms()["/dashboard/keys"]
    answer = browser.client.post(f"/dashboard/keys/{key_id}/revoke", data=form)
    assert answer.status_code == 404
    assert site.services.keys.authenticate(theirs)


def test_name_and_address_can_change(site: Site) -> None:
    browser = site.member()
    browser.open("/dashboard/account")
    browser.submit("/dashboard/account/name", name="空")
    assert account_of(site).name == "空"
    browser.submit("/dashboard/account/email", email="new@example.com")
    assert browser.path == "/dashboard/account"
    assert account_of(site, "new@example.com").name == "空"
    assert browser.submit("/dashboard/account/email", email="nonsense").status_code == 400


def test_a_new_password_needs_the_current_one_and_ends_other_sessions(site: Site) -> None:
    elsewhere = site.member()
    browser = site.browser()
    browser.open("/sign-in")
    browser.submit("/sign-in", email="sora@example.com", password=PASSWORD)
    browser.open("/dashboard/account")
    refused = browser.submit(
        "/dashboard/account/password", current="wrong horse", password="a new horse"
    )
    assert refused.status_code == 403
    browser.submit("/dashboard/account/password", current=PASSWORD, password="a new horse")
    assert "Your new password is set" in browser.html
    browser.open("/dashboard")
    assert browser.path == "/dashboard"
    elsewhere.open("/dashboard")
    assert elsewhere.path == "/sign-in"


def test_deleting_the_account_needs_its_address_and_then_erases_it(site: Site) -> None:
    browser = site.member()
    browser.submit("/dashboard/demo")
    account = account_of(site)
    key = new_key(browser, "Website")
    browser.open("/dashboard/account")
    assert browser.submit("/dashboard/account/delete", confirmation="yes").status_code == 400
    assert account_of(site) == account
    browser.submit("/dashboard/account/delete", confirmation="sora@example.com")
    assert browser.path == "/"
    assert site.services.accounts.by_email("sora@example.com") is None
    assert site.house.characters.list(account.account_id) == ()
    with pytest.raises(Unauthorized):
        site.services.keys.authenticate(key)
    browser.open("/dashboard")
    assert browser.path == "/sign-in"


def test_the_owner_sets_a_first_password_and_can_not_delete_the_server(site: Site) -> None:
    browser = site.operator()
    browser.open("/dashboard/account")
    assert "/dashboard/account/delete" not in browser.forms()
    assert "current" not in browser.forms()["/dashboard/account/password"]
    browser.submit("/dashboard/account/password", password="a new horse")
    assert site.services.entrance.sign_in("owner@localhost", "a new horse")


def test_the_operator_suspends_and_lets_in_again(site: Site) -> None:
    member = site.member()
    account = account_of(site)
    browser = site.operator()
    browser.open("/operator")
    browser.submit(f"/operator/accounts/{account.account_id}/suspend")
    assert "suspended" in browser.html
    member.open("/dashboard")
    assert member.path == "/sign-in"
    assert member.submit("/sign-in", email=account.email, password=PASSWORD).status_code == 403
    browser.submit(f"/operator/accounts/{account.account_id}/unsuspend")
    member.submit("/sign-in", email=account.email, password=PASSWORD)
    assert member.path == "/dashboard"


def test_a_grant_that_is_sent_twice_counts_once(site: Site) -> None:
    site.member()
    account = account_of(site)
    browser = site.operator()
    browser.open("/operator")
    action = f"/operator/accounts/{account.account_id}/credits"
    form = browser.forms()[action] | {"amount": "400"}
    for _ in range(2):
        assert browser.client.post(action, data=form).status_code == 200
    with site.house.db.read() as tx:
        assert site.house.credits.balance(tx, account.account_id).available == 500


@pytest.mark.parametrize("amount", ["", "0", "-5", "2.5", "1e3", "９", "99999999999999999999"])
def test_a_grant_is_a_whole_number(site: Site, amount: str) -> None:
    browser = site.operator()
    browser.open("/operator")
    action = f"/operator/accounts/{site.owner.account_id}/credits"
    assert browser.submit(action, amount=amount).status_code == 400
    assert "whole number" in browser.html


def test_the_operators_invitation_is_a_link_that_works(site: Site) -> None:
    browser = site.operator()
    browser.open("/operator")
    browser.submit("/operator/invitations")
    link = re.search(r"/sign-up\?invitation=([\w-]+)", browser.html)
    assert link
    assert site.services.links.valid(link[1], "invitation")


def test_an_invitation_that_is_sent_twice_is_made_once(site: Site) -> None:
    browser = site.operator()
    browser.open("/operator")
    form = browser.forms()["/operator/invitations"]
    first = browser.client.post("/operator/invitations", data=form)
    assert "/sign-up?invitation=" in first.text
    again = browser.client.post("/operator/invitations", data=form)
    assert again.status_code == 409
    assert "made an invitation already" in again.text
    assert "/sign-up?invitation=" not in again.text


def test_many_accounts_come_in_pages(site: Site) -> None:
    for number in range(30):
        site.services.accounts.create(f"person{number}@example.com")
    browser = site.operator()
    browser.open("/operator")
    first = set(re.findall(r"person\d+@", browser.html))
    more = re.search(r'href="(/operator\?after=[\w-]+)"', browser.html)
    assert more
    browser.open(more[1])
    rest = set(re.findall(r"person\d+@", browser.html))
    assert len(first | rest) == 30
    assert not first & rest


def test_what_people_write_about_themselves_stays_text(site: Site) -> None:
    site.services.accounts.create("evil@example.com", name="<script>alert(1)</script>")
    browser = site.operator()
    browser.open("/operator")
    assert "&lt;script&gt;alert(1)" in browser.html
    assert "<script>alert" not in browser.html


def test_a_suspended_account_is_told_so_only_with_the_right_password(site: Site) -> None:
    site.member()
    site.services.accounts.suspend(account_of(site).account_id)
    with pytest.raises(CharafyError):
        site.services.entrance.sign_in("sora@example.com", PASSWORD)
    browser = site.browser()
    browser.open("/sign-in")
    browser.submit("/sign-in", email="sora@example.com", password="wrong horse")
    assert "suspended" not in browser.html
    browser.submit("/sign-in", email="sora@example.com", password=PASSWORD)
    assert "suspended" in browser.html
