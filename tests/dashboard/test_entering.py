"""Strangers: what greets them, how they get in, and what never tells them who else is there."""

from __future__ import annotations

import re

import pytest
from pydantic import SecretStr

from charafy.kernel.errors import CharafyError
from tests.dashboard.conftest import PASSWORD, Open, Site
from tests.support.clock import ManualClock
from tests.support.postbox import Postbox, token_in


def test_the_front_page_shows_faces_that_can_be_heard(open_site: Open) -> None:
    browser = open_site(demo=True).browser()
    assert browser.open("/").status_code == 200
    portraits = re.findall(r'<img src="(/portraits/[^"]+)"', browser.html)
    assert len(portraits) == 3
    shown = browser.client.get(portraits[0].replace("&amp;", "&"))
    assert shown.headers["content-type"].startswith("image/")
    assert len(set(re.findall(r"/api/v1/voices/[\w-]+/sample\.mp3", browser.html))) == 3


def test_a_server_without_characters_still_has_a_front_page(site: Site) -> None:
    for path in ("/", "/sign-in", "/sign-up"):
        assert site.browser().open(path).status_code == 200


def test_pages_speak_the_browsers_language_until_another_is_chosen(site: Site) -> None:
    browser = site.browser()
    browser.open("/sign-in", language="ja,en;q=0.5")
    assert '<html lang="ja">' in browser.html
    assert "パスワード" in browser.html
    browser.open("/sign-in?lang=en", language="ja")
    assert "Forgot your password?" in browser.html
    browser.open("/sign-in", language="ja")
    assert "Forgot your password?" in browser.html


def test_whoever_signs_up_is_in_with_welcome_credits(site: Site) -> None:
    browser = site.member()
    assert re.search(r"<dd>100\b", browser.html)
    assert "Welcome credits" in browser.html


def test_a_refused_sign_up_keeps_what_was_typed_but_never_the_password(site: Site) -> None:
    site.member("sora@example.com")
    browser = site.browser()
    browser.open("/sign-up")
    answer = browser.submit("/sign-up", email="sora@example.com", password=PASSWORD, name="Riku")
    assert answer.status_code == 409
    assert "There is an account with this e-mail address already." in browser.html
    assert browser.forms()["/sign-up"]["email"] == "sora@example.com"
    assert browser.forms()["/sign-up"]["name"] == "Riku"
    assert PASSWORD not in browser.html


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("sora", PASSWORD, "That is not an e-mail address."),
        ("sora@example.com", "short", "A password has between 10 and 256 characters."),
    ],
)
def test_a_bad_field_is_explained(site: Site, email: str, password: str, said: str) -> None:
    browser = site.browser()
    browser.open("/sign-up")
    assert browser.submit("/sign-up", email=email, password=password).status_code == 400
    assert said in browser.html


def test_a_closed_server_offers_no_form(open_site: Open) -> None:
    browser = open_site(sign_up="closed").browser()
    browser.open("/sign-up")
    assert "/sign-up" not in browser.forms()
    assert "takes no new accounts" in browser.html


def test_by_invitation_the_link_opens_the_form(open_site: Open) -> None:
    site = open_site(sign_up="invitation")
    browser = site.browser()
    browser.open("/sign-up")
    assert "/sign-up" not in browser.forms()
    browser.open(f"/sign-up?invitation={site.services.entrance.invite()}")
    browser.submit("/sign-up", email="sora@example.com", password=PASSWORD)
    assert browser.path == "/dashboard"


def test_signing_in_and_out(site: Site) -> None:
    site.member()
    browser = site.browser()
    browser.open("/sign-in")
    browser.submit("/sign-in", email="Sora@Example.com", password=PASSWORD)
    assert browser.path == "/dashboard"
    cookie = browser.client.cookies["charafy_session"]
    browser.open("/sign-in")
    assert browser.path == "/dashboard"
    browser.submit("/sign-out")
    assert browser.path == "/"
    assert "charafy_session" not in browser.client.cookies
    assert site.services.sessions.find(cookie) is None


def test_who_is_asked_to_sign_in_comes_to_the_page_that_they_wanted(site: Site) -> None:
    site.member()
    browser = site.browser()
    browser.open("/dashboard/credits?days=7&by=kind")
    assert browser.path == "/sign-in"
    browser.submit("/sign-in", email="sora@example.com", password="wrong horse")
    browser.submit("/sign-in", email="sora@example.com", password=PASSWORD)
    assert (browser.path, browser.page.url.query) == ("/dashboard/credits", b"days=7&by=kind")
    browser.submit("/sign-out")
    browser.open("/sign-in")
    browser.submit("/sign-in", email="sora@example.com", password=PASSWORD)
    assert browser.path == "/dashboard", "once"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/dashboard/../../x",
        "/dashboardx",
        "/files/a.mp4",
        "",
    ],
)
def test_a_sign_in_leads_to_pages_of_the_dashboard_only(site: Site, elsewhere: str) -> None:
    site.member()
    browser = site.browser()
    browser.client.cookies.set("charafy_back", elsewhere)
    browser.open("/sign-in")
    browser.submit("/sign-in", email="sora@example.com", password=PASSWORD)
    assert browser.path == "/dashboard"


def test_what_a_script_or_a_form_asks_for_is_no_page_to_come_back_to(site: Site) -> None:
    browser = site.browser()
    browser.client.get("/dashboard/videos", headers={"sec-fetch-mode": "cors"})
    browser.client.get("/dashboard/credits/ledger.csv")
    browser.client.post("/dashboard/demo")
    assert "charafy_back" not in browser.client.cookies


def test_the_sessions_cookie_is_out_of_reach(site: Site) -> None:
    site.member()
    browser = site.browser()
    browser.open("/sign-in")
    form = browser.forms()["/sign-in"] | {"email": "sora@example.com", "password": PASSWORD}
    answer = browser.client.post("/sign-in", data=form, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie


def test_behind_https_every_cookie_is_for_https_alone(open_site: Open) -> None:
    browser = open_site(public_url="https://charafy.example").browser()
    answer = browser.open("/sign-in")
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_signing_in_gives_a_new_session_and_ends_the_old_one(site: Site) -> None:
    browser = site.member()
    before = browser.client.cookies["charafy_session"]
    token = site.services.accounts.sign_in_link(site.owner.account_id)
    browser.open(f"/sign-in/link?token={token}")
    browser.submit("/sign-in/link")
    assert browser.client.cookies["charafy_session"] != before
    assert site.services.sessions.find(before) is None


def test_a_wrong_password_and_an_unknown_address_look_the_same(site: Site) -> None:
    site.member()
    pages = []
    for email in ("sora@example.com", "nobody@example.com"):
        browser = site.browser()
        browser.open("/sign-in")
        answer = browser.submit("/sign-in", email=email, password="wrong horse")
        assert answer.status_code == 401
        pages.append(re.sub(r'value="[^"]*"', "", browser.html))
    assert pages[0] == pages[1]


def test_guessing_passwords_is_slowed_down(site: Site) -> None:
    browser = site.browser()
    for _ in range(10):
        browser.open("/sign-in")
        assert browser.submit("/sign-in", email="a@example.com", password="x").status_code == 401
    browser.open("/sign-in")
    answer = browser.submit("/sign-in", email="a@example.com", password="x")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) <= 60
    assert "Wait a minute" in browser.html


def test_making_accounts_is_slowed_down(site: Site) -> None:
    for number in range(3):
        site.member(f"person{number}@example.com")
    browser = site.browser()
    browser.open("/sign-up")
    answer = browser.submit("/sign-up", email="one@example.com", password=PASSWORD)
    assert answer.status_code == 429


def test_only_the_button_uses_a_sign_in_link_up(site: Site) -> None:
    token = site.services.accounts.sign_in_link(site.owner.account_id)
    preview = site.browser()
    for _ in range(3):
        assert preview.open(f"/sign-in/link?token={token}").status_code == 200
        assert preview.path == "/sign-in/link"
    browser = site.browser()
    browser.open(f"/sign-in/link?token={token}")
    browser.submit("/sign-in/link")
    assert browser.path == "/dashboard"
    assert preview.submit("/sign-in/link").status_code == 400
    assert "used already or has expired" in preview.html
    preview.open(f"/sign-in/link?token={token}")
    assert "/sign-in/link" not in preview.forms()


def test_changing_the_language_keeps_the_link(site: Site) -> None:
    token = site.services.accounts.sign_in_link(site.owner.account_id)
    browser = site.browser()
    browser.open(f"/sign-in/link?token={token}")
    other = re.search(r'href="(\?[^"]*lang=ja)"', browser.html)
    assert other
    browser.open(f"/sign-in/link{other[1].replace('&amp;', '&')}")
    assert "ログインする" in browser.html
    assert browser.submit("/sign-in/link").status_code == 200
    assert browser.path == "/dashboard"


def test_with_mail_an_address_is_confirmed_before_anyone_enters(
    open_site: Open, postbox: Postbox
) -> None:
    site = open_site(smtp_url=SecretStr(postbox.url()))
    browser = site.browser()
    browser.open("/sign-up")
    browser.submit("/sign-up", email="sora@example.com", password=PASSWORD)
    assert "We have written to sora@example.com" in browser.html
    postbox.next()
    browser.submit("/verify/send")  # it got lost, so once more
    token = token_in(postbox.next())

    browser.open("/sign-in")
    answer = browser.submit("/sign-in", email="sora@example.com", password=PASSWORD)
    assert answer.status_code == 403
    assert "/verify/send" in browser.forms()

    browser.open(f"/verify?token={token}")
    assert "sora@example.com" in browser.html
    browser.submit("/verify")
    assert "Your address is confirmed" in browser.html
    browser.submit("/sign-in", password=PASSWORD)
    assert browser.path == "/dashboard"


def test_a_forgotten_password_is_replaced_by_mail(open_site: Open, postbox: Postbox) -> None:
    site = open_site(smtp_url=SecretStr(postbox.url()))
    account = site.services.accounts.create("sora@example.com", password=PASSWORD)
    browser = site.browser()
    browser.open("/reset")
    browser.submit("/reset/send", email="sora@example.com")
    known = browser.html
    token = token_in(postbox.next())
    browser.open(f"/reset?token={token}")
    assert browser.submit("/reset", password="short").status_code == 400
    browser.submit("/reset", password="a new horse")
    browser.submit("/sign-in", password="a new horse")
    assert browser.path == "/dashboard"
    assert site.services.accounts.get(account.account_id).email_verified_at

    browser = site.browser()
    browser.open("/reset")
    browser.submit("/reset/send", email="nobody@example.com")
    unknown = browser.html
    assert _without_values(unknown).replace("nobody", "sora") == _without_values(known)
    assert postbox.is_empty()


def test_without_mail_nobody_is_promised_a_letter(site: Site) -> None:
    browser = site.browser()
    browser.open("/reset")
    assert "/reset/send" not in browser.forms()
    assert "sends no mail" in browser.html


def test_a_link_that_has_expired_says_so(
    open_site: Open, postbox: Postbox, clock: ManualClock
) -> None:
    site = open_site(smtp_url=SecretStr(postbox.url()))
    site.services.entrance.sign_up("sora@example.com", PASSWORD)
    token = token_in(postbox.next())
    clock.advance(86_400)
    browser = site.browser()
    browser.open(f"/verify?token={token}")
    assert "used already or has expired" in browser.html
    assert "/verify" not in browser.forms()
    with pytest.raises(CharafyError):
        site.services.identity.verify(token)


def _without_values(html: str) -> str:
    return re.sub(r'value="[^"]*"', "", html)
