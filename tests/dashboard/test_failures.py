"""What goes wrong is said on a page, and who is signed in keeps their rooms in reach."""

from __future__ import annotations

import pytest

from tests.dashboard.conftest import Site
from tests.support.browser import Browser

ROOMS = 'id="rooms"'


def missing(browser: Browser) -> None:
    assert browser.open("/dashboard/conversations/nonsense").status_code == 404


def nowhere(browser: Browser) -> None:
    assert browser.open("/dashboard/no/such/page").status_code == 404


def forbidden(browser: Browser) -> None:
    assert browser.open("/operator").status_code == 403


def out_of_date(browser: Browser) -> None:
    browser.page = browser.client.post("/dashboard/demo", data={"csrf_token": "old"})
    assert browser.page.status_code == 403


@pytest.mark.parametrize("go", [missing, nowhere, forbidden, out_of_date])
def test_a_member_keeps_the_rooms_beside_what_went_wrong(site: Site, go: object) -> None:
    browser = site.member()
    assert callable(go)
    go(browser)
    assert ROOMS in browser.html
    assert "/sign-out" in browser.forms()


def test_what_breaks_on_our_side_is_a_page_that_tells_nothing_of_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = site.member()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(type(site.house.webhooks), "page", broken)
    assert browser.open("/dashboard/webhooks").status_code == 500
    assert ROOMS in browser.html and "Something broke on our side" in browser.html
    assert "secret of the house" not in browser.html


def test_a_stranger_has_no_rooms(site: Site) -> None:
    browser = site.browser()
    browser.page = browser.client.post("/sign-in", data={"csrf_token": "old"})
    assert browser.page.status_code == 403
    assert ROOMS not in browser.html
    browser.open("/dashboard/no/such/page")
    assert browser.path == "/sign-in"
