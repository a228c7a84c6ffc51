"""Endpoints: made, seen through, changed and let go, by their owner alone."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from charafy.kernel.ids import new_id
from charafy.webhooks.tables import attempts, deliveries
from tests.dashboard.conftest import Site
from tests.dashboard.test_home import account_of
from tests.support.browser import Browser

URL = "https://example.com/hooks"
EVIL = "<script>alert(1)</script>"


def added(browser: Browser, **fields: str) -> str:
    """A new endpoint; its id. The browser is at the page that shows its secret."""
    browser.open("/dashboard/webhooks")
    browser.submit("/dashboard/webhooks", **{"url": URL, "description": "Mine", **fields})
    found = re.search(r'action="/dashboard/webhooks/([\w-]{36})/test"', browser.html)
    assert found, browser.html
    return found[1]


def page_of(endpoint_id: str) -> str:
    return f"/dashboard/webhooks/{endpoint_id}"


def token(browser: Browser) -> dict[str, str]:
    return {"csrf_token": browser.forms()["/sign-out"]["csrf_token"]}


def test_the_secret_is_shown_once(site: Site) -> None:
    browser = site.member()
    endpoint_id = added(browser)
    (secret,) = re.findall(r"<code>(whsec_[\w+/=]+)</code>", browser.html)
    endpoint = site.house.webhooks.get(account_of(site).account_id, endpoint_id)
    assert secret == site.house.webhooks.secret(endpoint)
    assert endpoint.url == URL and endpoint.events is None
    for path in ("/dashboard/webhooks", page_of(endpoint_id)):
        browser.open(path)
        assert URL in browser.html
        assert "whsec_" not in browser.html


def test_a_form_that_is_sent_twice_makes_one_endpoint_and_shows_its_secret(site: Site) -> None:
    browser = site.member()
    browser.open("/dashboard/webhooks")
    form = browser.forms()["/dashboard/webhooks"] | {"url": URL, "description": "Mine"}
    pages = [browser.client.post("/dashboard/webhooks", data=form).text for _ in range(2)]
    shown = [re.findall(r"<code>(whsec_[\w+/=]+)</code>", page) for page in pages]
    assert shown[0] and shown[0] == shown[1]
    other = browser.client.post("/dashboard/webhooks", data=form | {"url": f"{URL}/2"})
    assert other.status_code == 409
    assert "made something already" in other.text
    unnumbered = browser.client.post("/dashboard/webhooks", data=form | {"form": ""})
    assert unnumbered.status_code == 403
    assert len(site.house.webhooks.page(account_of(site).account_id, 5, None).endpoints) == 1


def test_an_endpoint_can_listen_to_some_events_only(site: Site) -> None:
    browser = site.member()
    browser.open("/dashboard/webhooks")
    form = browser.forms()["/dashboard/webhooks"] | {
        "url": URL,
        "every": "no",
        "events": ["video.completed", "voice.cloned"],
    }
    browser.client.post("/dashboard/webhooks", data=form)
    (endpoint,) = site.house.webhooks.page(account_of(site).account_id, 5, None).endpoints
    assert endpoint.events == ("video.completed", "voice.cloned")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "http://example.com/hooks"}, "Nothing is ever sent to that address"),
        ({"url": "https://127.0.0.1/hooks"}, "Nothing is ever sent to that address"),
        ({"url": "ftp://x"}, "Nothing is ever sent to that address"),
        ({"url": ""}, "That is not an address."),
        ({"description": "x" * 201}, "up to 200 characters"),
        ({"every": "no", "events": "made.up"}, "Choose at least one event."),
        ({"every": "no", "events": ""}, "Choose at least one event."),
    ],
)
def test_a_bad_field_is_explained_beside_it_and_what_was_typed_stays(
    site: Site, fields: dict[str, str], said: str
) -> None:
    browser = site.member()
    browser.open("/dashboard/webhooks")
    typed = {"url": URL, "description": "Mine", **fields}
    form = browser.forms()["/dashboard/webhooks"] | typed
    answer = browser.client.post("/dashboard/webhooks", data=form)
    assert answer.status_code == 400
    assert said in answer.text
    assert 'class="wrong"' in answer.text
    browser.page = answer
    assert browser.forms()["/dashboard/webhooks"]["description"] == typed["description"]
    assert not site.house.webhooks.page(account_of(site).account_id, 5, None).endpoints


def test_no_more_than_an_account_can_have(site: Site) -> None:
    browser = site.member()
    for _ in range(site.house.settings.webhooks_per_account):
        added(browser)
    browser.open("/dashboard/webhooks")
    answer = browser.submit("/dashboard/webhooks", url=URL)
    assert answer.status_code == 403
    assert "Delete one first." in browser.html


def test_an_endpoint_can_change_be_switched_off_and_on_and_deleted(site: Site) -> None:
    browser = site.member()
    endpoint_id = added(browser)
    browser.submit(page_of(endpoint_id), url="https://example.com/new", description="Yours")
    assert "Saved." in browser.html and "https://example.com/new" in browser.html
    browser.submit(f"{page_of(endpoint_id)}/disable")
    assert "nothing is sent" in browser.html
    assert f"{page_of(endpoint_id)}/test" not in browser.forms()
    browser.submit(f"{page_of(endpoint_id)}/enable")
    assert "events are sent again" in browser.html
    browser.submit(f"{page_of(endpoint_id)}/delete")
    assert browser.path == "/dashboard/webhooks"
    assert browser.open(page_of(endpoint_id)).status_code == 404


def test_a_change_that_is_refused_changes_nothing(site: Site) -> None:
    browser = site.member()
    endpoint_id = added(browser)
    answer = browser.submit(page_of(endpoint_id), url="http://10.0.0.1/", description="New")
    assert answer.status_code == 400
    assert browser.forms()[page_of(endpoint_id)]["description"] == "New"
    endpoint = site.house.webhooks.get(account_of(site).account_id, endpoint_id)
    assert (endpoint.url, endpoint.description) == (URL, "Mine")


def test_a_secret_is_replaced_and_the_new_one_shown_once(site: Site) -> None:
    browser = site.member()
    endpoint_id = added(browser)
    (old,) = re.findall(r"whsec_[\w+/=]+", browser.html)
    browser.submit(f"{page_of(endpoint_id)}/rotate")
    (new,) = re.findall(r"whsec_[\w+/=]+", browser.html)
    assert new != old
    assert "The secret before signs as well until" in browser.html
    browser.open(f"{page_of(endpoint_id)}/rotate")
    assert browser.path == page_of(endpoint_id)
    assert "whsec_" not in browser.html
    for _ in range(3):
        browser.submit(f"{page_of(endpoint_id)}/rotate")
    assert browser.submit(f"{page_of(endpoint_id)}/rotate").status_code == 409
    assert "Try again tomorrow." in browser.html


def test_the_log_shows_what_was_answered_as_text_and_sends_again(site: Site) -> None:
    browser = site.member()
    endpoint_id = added(browser)
    browser.submit(f"{page_of(endpoint_id)}/test")
    assert "A test is on its way." in browser.html
    assert "webhook.test" in browser.html
    with site.house.db.write() as tx:
        delivery_id = tx.execute(sa.select(deliveries.c.id)).scalar_one()
        tx.execute(deliveries.update().values(status="failed", tries=7, due_at=None, lease=None))
        row = {
            "delivery_id": delivery_id,
            "at": site.house.clock.now(),
            "duration_ms": 1_234,
            "response_status": 500,
            "response_body": EVIL,
            "error": None,
        }
        tx.execute(attempts.insert(), row)
    browser.open(page_of(endpoint_id))
    assert "&lt;script&gt;alert(1)" in browser.html and EVIL not in browser.html
    assert "1,234 ms" in browser.html and "failed" in browser.html
    browser.submit(f"{page_of(endpoint_id)}/deliveries/{delivery_id}/resend")
    assert "It is being sent again." in browser.html
    log = site.house.webhooks.deliveries(account_of(site).account_id, endpoint_id, 5, None)
    assert log.deliveries[0].status == "pending"


def test_nothing_is_sent_to_an_endpoint_that_is_off(site: Site) -> None:
    browser = site.member()
    endpoint_id = added(browser)
    browser.submit(f"{page_of(endpoint_id)}/disable")
    answer = browser.client.post(f"{page_of(endpoint_id)}/test", data=token(browser))
    assert answer.status_code == 409
    assert "switch it on first" in answer.text


def test_sending_by_hand_is_slowed_down(site: Site) -> None:
    browser = site.member()
    endpoint_id = added(browser)
    form = token(browser)
    answers = [
        browser.client.post(f"{page_of(endpoint_id)}/test", data=form).status_code
        for _ in range(21)
    ]
    assert answers == [200] * 20 + [429]


def test_nobody_touches_anothers_endpoint(site: Site) -> None:
    their_browser = site.member("riku@example.com")
    theirs = added(their_browser)
    their_browser.submit(f"{page_of(theirs)}/test")
    (action,) = [one for one in their_browser.forms() if one.endswith("/resend")]
    browser = site.member()
    mine = added(browser)
    form = token(browser) | {"url": URL, "description": "Stolen", "every": "yes"}
    for unknown in (theirs, new_id(), "nonsense"):
        assert browser.open(page_of(unknown)).status_code == 404
        for verb in ("", "/rotate", "/enable", "/disable", "/delete", "/test"):
            answer = browser.client.post(page_of(unknown) + verb, data=form)
            assert answer.status_code == 404, verb
    for path in (action, action.replace(theirs, mine)):
        assert browser.client.post(path, data=form).status_code == 404
    account_id = account_of(site, "riku@example.com").account_id
    assert site.house.webhooks.get(account_id, theirs).description == "Mine"


def test_the_log_comes_in_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charafy.dashboard.webhooks.DELIVERIES_AT_ONCE", 2)
    browser = site.member()
    endpoint_id = added(browser)
    for _ in range(3):
        browser.submit(f"{page_of(endpoint_id)}/test")
    browser.open(page_of(endpoint_id))
    assert browser.html.count("<summary>\n") == 2
    more = re.search(r'href="([^"]*cursor=[^"#]+)#log"', browser.html)
    assert more
    browser.open(more[1])
    assert browser.html.count("<summary>\n") == 1
