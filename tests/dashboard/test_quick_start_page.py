"""Quick start: the reader's own characters and key in lines to paste."""

from __future__ import annotations

import re

import pytest

from charafy.kernel.errors import CharafyError
from charafy.kernel.ids import new_id
from tests.dashboard.conftest import Site
from tests.dashboard.test_home import account_of
from tests.support.browser import Browser

PAGE = "/dashboard/quick-start"


def named(browser: Browser) -> set[str]:
    """The characters that the lines name."""
    return set(re.findall(r"character_id[^\n]*?&#34;([\w-]{36})&#34;", browser.html))


def test_someone_without_characters_is_helped_to_the_first(site: Site) -> None:
    browser = site.member()
    browser.open(PAGE)
    assert "/dashboard/demo" in browser.forms()
    assert not named(browser)


def test_the_lines_name_the_readers_own_character(site: Site) -> None:
    browser = site.member()
    browser.submit("/dashboard/demo")
    mine = site.house.characters.list(account_of(site).account_id)
    for code in ("curl", "python", "javascript"):
        for one in mine:
            browser.open(f"{PAGE}?code={code}&character={one.character_id}")
            assert named(browser) == {one.character_id}
            assert "YOUR_API_KEY" in browser.html


def test_another_language_of_code_keeps_the_character(site: Site) -> None:
    browser = site.member()
    browser.submit("/dashboard/demo")
    person = site.house.characters.list(account_of(site).account_id)[-1]
    browser.open(f"{PAGE}?character={person.character_id}")
    other = re.search(r'href="([^"]*code=javascript[^"]*)"', browser.html)
    assert other
    browser.open(other[1].replace("&amp;", "&"))
    assert named(browser) == {person.character_id}
    assert "await charafy.speech.create" in browser.html


def test_anothers_character_is_never_named(site: Site) -> None:
    riku = site.member("riku@example.com")
    riku.submit("/dashboard/demo")
    theirs = site.house.characters.list(account_of(site, "riku@example.com").account_id)[0]
    browser = site.member()
    browser.submit("/dashboard/demo")
    for unknown in (theirs.character_id, new_id(), "<script>"):
        browser.open(f"{PAGE}?character={unknown}&code={unknown}")
        assert theirs.character_id not in browser.html
        assert "<script>&" not in browser.html
        assert len(named(browser)) == 1


@pytest.mark.parametrize("kind", ["test", "live"])
def test_a_key_made_here_is_in_the_lines_once(site: Site, kind: str) -> None:
    browser = site.member()
    browser.submit("/dashboard/demo")
    browser.open(f"{PAGE}?code=python")
    form = browser.forms()[PAGE] | {"kind": kind}
    browser.page = browser.client.post(PAGE, data=form)
    keys = set(re.findall(rf"ck_{kind}_\w+", browser.html))
    assert len(keys) == 1
    assert "YOUR_API_KEY" not in browser.html
    assert "import httpx" in browser.html
    assert browser.page.headers["cache-control"] == "no-store"
    key = keys.pop()
    assert site.services.keys.authenticate(key).is_test == (kind == "test")
    browser.open(PAGE)
    assert key not in browser.html


def test_a_key_that_can_not_be_made_is_explained(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise CharafyError("There are too many keys.")

    browser = site.member()
    browser.open(PAGE)
    monkeypatch.setattr(type(site.services.keys), "create", refuse)
    answer = browser.client.post(PAGE, data=browser.forms()[PAGE] | {"kind": "test"})
    assert answer.status_code == 500
    assert 'role="alert"' in answer.text
