"""Owners decide on a page where their characters are embedded and for how long."""

from __future__ import annotations

import pytest

from charafy.embed.service import EmbedSettings
from charafy.kernel.ids import new_id
from tests.dashboard.conftest import Site
from tests.dashboard.test_credits_page import person
from tests.dashboard.test_home import account_of
from tests.support.browser import Browser

PAGE = "/dashboard/embed"
EVIL = "<script>alert(1)</script>"
FIELDS = {
    "embed_enabled": "1",
    "allowed_origins": "https://Example.com/\n\n  http://localhost:3000 \n",
    "embed_session_limit_seconds": "300",
    "embed_daily_limit_seconds": "",
    "embed_monthly_limit_seconds": "36000",
    "embed_max_concurrent": "2",
}


@pytest.fixture
def browser(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def mia(site: Site, browser: Browser) -> str:
    return person(site)


def settings_of(site: Site, character_id: str) -> EmbedSettings:
    return site.house.embeds.get(account_of(site).account_id, character_id)


def save(browser: Browser, character_id: str, **fields: str) -> None:
    address = f"{PAGE}/{character_id}"
    browser.open(address)
    form = browser.forms()[address] | FIELDS | fields
    assert browser.client.post(address, data=form, follow_redirects=False).status_code == 303
    browser.open(f"{address}?saved=1")


def test_what_is_saved_holds_and_is_shown(site: Site, browser: Browser, mia: str) -> None:
    save(browser, mia)
    now = settings_of(site, mia)
    assert now.embed_enabled
    assert now.allowed_origins == ("https://example.com", "http://localhost:3000")
    assert (now.session_limit_s, now.daily_limit_s, now.monthly_limit_s) == (300, None, 36_000)
    assert now.max_concurrent == 2
    assert "Saved." in browser.html
    assert "https://example.com\nhttp://localhost:3000</textarea>" in browser.html
    assert 'value="300"' in browser.html


def test_what_is_left_empty_takes_limits_and_permission_back(
    site: Site, browser: Browser, mia: str
) -> None:
    save(browser, mia)
    save(browser, mia, **dict.fromkeys(FIELDS, ""))
    now = settings_of(site, mia)
    assert not now.embed_enabled
    assert now.allowed_origins == ()
    assert (now.session_limit_s, now.monthly_limit_s, now.max_concurrent) == (None, None, None)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("allowed_origins", "https://example.com/path"),
        ("allowed_origins", "https://*.example.com"),
        ("allowed_origins", "http://example.com"),
        ("allowed_origins", "\n".join(f"https://{n}.example.com" for n in range(21))),
        ("allowed_origins", EVIL),
        ("embed_session_limit_seconds", "59"),
        ("embed_daily_limit_seconds", "soon"),
        ("embed_monthly_limit_seconds", "9" * 20),
        ("embed_max_concurrent", "-1"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_changes(
    site: Site, browser: Browser, mia: str, field: str, typed: str
) -> None:
    before = settings_of(site, mia)
    browser.open(f"{PAGE}/{mia}")
    form = browser.forms()[f"{PAGE}/{mia}"] | FIELDS | {field: typed}
    answer = browser.client.post(f"{PAGE}/{mia}", data=form)
    assert answer.status_code == 400
    assert f'id="{field}-wrong"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert EVIL not in answer.text
    assert settings_of(site, mia) == before


def test_each_line_that_is_no_origin_is_told_with_its_reason(browser: Browser, mia: str) -> None:
    browser.open(f"{PAGE}/{mia}")
    typed = (
        f"https://good.example\nhttps://a.example/path\nhttp://b.example\n{EVIL}\nhttps://*.example"
    )
    form = browser.forms()[f"{PAGE}/{mia}"] | FIELDS | {"allowed_origins": typed}
    html = browser.client.post(f"{PAGE}/{mia}", data=form).text
    said = html.split('id="allowed_origins-wrong">')[1].split("</p>")[0].splitlines()
    assert said == [
        "https://a.example/path: Leave out the path and all that is behind it.",
        "http://b.example: It must start with https:// (http:// only for localhost).",
        "&lt;script&gt;alert(1)&lt;/script&gt;: "
        "It must start with https:// (http:// only for localhost).",
        "https://*.example: Write an address such as https://example.com, without wildcards.",
    ]


def test_all_characters_are_listed_with_whether_pages_may_show_them(
    browser: Browser, mia: str
) -> None:
    browser.open(PAGE)
    assert f'href="{PAGE}/{mia}"' in browser.html
    assert ">Off</span>" in browser.html
    save(browser, mia)
    browser.open(PAGE)
    assert ">On</span>" in browser.html


def test_who_has_nobody_is_told_how_to_begin(browser: Browser) -> None:
    browser.open(PAGE)
    assert 'href="/dashboard/characters/new"' in browser.html


def test_the_preview_is_of_this_character_and_its_line_to_copy(browser: Browser, mia: str) -> None:
    browser.open(f"{PAGE}/{mia}")
    assert f'<input type="hidden" name="character" value="{mia}">' in browser.html
    assert "/static/embed/docs.js" in browser.html
    assert "data-off" in browser.html, "nobody may see it yet, nor does its owner here"
    save(browser, mia)
    assert "data-off" not in browser.html


def test_names_are_words(site: Site, browser: Browser, mia: str) -> None:
    site.house.characters.update(account_of(site).account_id, mia, {"name": EVIL})
    for path in (PAGE, f"{PAGE}/{mia}"):
        browser.open(path)
        assert EVIL not in browser.html
        assert "&lt;script&gt;" in browser.html


def test_another_accounts_character_is_none(site: Site, browser: Browser, mia: str) -> None:
    stranger = site.member("stranger@example.com")
    for character_id in (mia, new_id()):
        assert stranger.client.get(f"{PAGE}/{character_id}").status_code == 404
        stranger.open(PAGE)
        token = stranger.forms()["/sign-out"]["csrf_token"]
        form = FIELDS | {"csrf_token": token}
        assert stranger.client.post(f"{PAGE}/{character_id}", data=form).status_code == 404
    assert not settings_of(site, mia).embed_enabled


def test_a_form_from_elsewhere_changes_nothing(site: Site, browser: Browser, mia: str) -> None:
    assert browser.client.post(f"{PAGE}/{mia}", data=FIELDS).status_code == 403
    assert not settings_of(site, mia).embed_enabled
