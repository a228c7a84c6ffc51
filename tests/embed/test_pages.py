"""The page that others put in a frame: to whom it is shown, and who may begin a conversation."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from charafy.embed import frames
from charafy.embed.pages import SESSIONS_PER_MINUTE
from charafy.embed.visits import PLACES_OF_ONE
from tests.embed.conftest import Stage

OWN = "http://127.0.0.1:8000"
SHOP = "https://shop.example"
NAME = "<img src=x onerror=alert(1)>\"' {host}"


def page(stage: Stage, *, framed_by: str | None = None, dest: str = "iframe", **more: str) -> Any:
    referer = {} if framed_by is None else {"referer": f"{framed_by}/page"}
    headers = {"sec-fetch-dest": dest, **referer, **more}
    return stage.http.get(stage.path, headers=headers)


def attribute(page: Any, name: str) -> str:
    found = re.search(rf'data-{name}="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def ask(stage: Stage, token: str, *, origin: str | None = OWN, **more: Any) -> Any:
    headers = {} if origin is None else {"origin": origin}
    headers |= more.pop("headers", {})
    body = {"page_token": token, **more}
    return stage.http.post(f"{stage.path}/session", json=body, headers=headers)


def begin(stage: Stage, **more: Any) -> Any:
    return ask(stage, attribute(page(stage), "page-token"), **more)


def ancestors(page: Any) -> str:
    policy = str(page.headers["content-security-policy"])
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    return policy.partition("frame-ancestors ")[2]


def test_nobody_can_begin_before_the_script_is_there_to_see_it(stage: Stage) -> None:
    begins = re.findall(r'<button[^>]*name="by"[^>]*>', page(stage).text)
    assert [" disabled" in button for button in begins] == [True, True]


def test_anyone_may_frame_it_until_its_owner_says_who(stage: Stage) -> None:
    shown = page(stage, framed_by=SHOP)
    assert shown.status_code == 200
    assert ancestors(shown) == "*"
    assert shown.headers["cache-control"] == "no-store"
    assert "x-frame-options" not in shown.headers
    stage.settings(allowed_origins=[SHOP, "https://b.example:8443"])
    shown = page(stage, framed_by=SHOP)
    assert ancestors(shown) == f"'self' {SHOP} https://b.example:8443"


def test_a_foreign_page_gets_a_page_that_says_so(stage: Stage) -> None:
    stage.settings(allowed_origins=[SHOP])
    for foreign in (
        "https://evil.example",
        "https://shop.example.evil.example",
        "http://shop.example",
    ):
        refused = page(stage, framed_by=foreign)
        assert refused.status_code == 403
        assert "page-token" not in refused.text
        assert ancestors(refused) == f"'self' {SHOP}"
    assert page(stage, dest="document").status_code == 403, "a link that was passed around"
    assert page(stage, framed_by=OWN, dest="document").status_code == 200, "from the dashboard"
    assert page(stage).status_code == 200, "a page may keep its name to itself: its browser decides"


def test_there_is_no_key_and_nothing_inline_in_it(stage: Stage) -> None:
    shown = page(stage)
    assert stage.owner.key not in shown.text
    assert not re.search(r"ck_(live|test)_", shown.text)
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|<style|\sstyle=", shown.text)


@pytest.mark.parametrize(("language", "said"), [("en", "talking to an AI"), ("ja", "AIです")])
def test_a_visitor_reads_that_it_is_an_ai_and_what_is_kept(
    stage: Stage, language: str, said: str
) -> None:
    by_browser = page(stage, **{"accept-language": language})
    assert said in by_browser.text
    assert "127.0.0.1:8000" in by_browser.text
    assert "30" in by_browser.text
    chosen = stage.http.get(f"{stage.path}?lang={language}")
    assert said in chosen.text
    assert "set-cookie" not in chosen.headers, "the owner of a page doesn't choose for a reader"


def test_a_name_is_text_wherever_it_stands(stage: Stage) -> None:
    stage.owner.patch(f"/characters/{stage.character_id}", {"name": NAME})
    shown = page(stage)
    assert shown.status_code == 200
    assert "<img src=x" not in shown.text
    assert attribute(shown, "name") == NAME
    words = json.loads(attribute(shown, "words"))
    assert NAME in words["face"]
    stage.owner.patch(f"/characters/{stage.character_id}", {"name": "</script><script>x()//"})
    assert "<script>x" not in page(stage).text


@pytest.mark.parametrize("gone", ["deleted", "disabled", "never there", "no id"])
def test_where_nobody_is_the_frame_says_so(stage: Stage, gone: str) -> None:
    path = {"never there": "/embed/0d6a2a35-4a4f-4a57-9d0e-0a5b0f1c7a11", "no id": "/embed/%3Cb%3E"}
    if gone == "deleted":
        stage.owner.delete(f"/characters/{stage.character_id}")
    if gone == "disabled":
        stage.settings(embed_enabled=False)
    shown = stage.http.get(path.get(gone, stage.path))
    assert shown.status_code == 404
    assert shown.headers["content-type"].startswith("text/html")
    assert "Nobody is here" in shown.text
    assert ancestors(shown) == "*"


def test_scripts_may_connect_to_us_and_to_livekit_where_it_carries() -> None:
    assert "connect-src 'self';" in frames.policy(())
    policy = frames.policy(["https://a.example"], ("wss://rtc.example", "https://rtc.example"))
    assert "connect-src 'self' wss://rtc.example https://rtc.example; " in policy
    assert policy.endswith("; frame-ancestors 'self' https://a.example")
    assert policy.count("connect-src") == 1


def test_a_conversation_begins_from_our_page_alone(stage: Stage) -> None:
    answer = begin(stage)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["connect_url"] == "/api/v1/conversation/connect"
    assert said["livekit_url"] is None
    assert said["session_limit_seconds"] == 600
    assert not any("credit" in name or name == "billing" for name in said)
    stage.house.conversation_room.sessions.admit(said["token"], "node")
    for elsewhere in (
        SHOP,
        "null",
        "",
        None,
        "http://127.0.0.1:8001",
        "https://127.0.0.1:8000.evil",
    ):
        refused = begin(stage, origin=elsewhere)
        assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    refused = begin(stage, headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


def test_the_page_around_is_looked_at_again_when_somebody_begins(stage: Stage) -> None:
    token = attribute(page(stage, framed_by=SHOP), "page-token")
    stage.settings(allowed_origins=["https://other.example"])
    assert ask(stage, token).json()["code"] == "origin_not_allowed"
    stage.settings(allowed_origins=[SHOP])
    assert ask(stage, token).status_code == 200
    assert ask(stage, token, parent="https://evil.example").json()["code"] == "origin_not_allowed"
    assert ask(stage, token, parent=SHOP).status_code == 200
    assert ask(stage, token, parent=OWN).status_code == 200


def test_a_page_token_is_of_one_character_and_soon_old(stage: Stage) -> None:
    token = attribute(page(stage, framed_by=SHOP), "page-token")
    other = stage.owner.character(name="Kaede")
    stage.owner.put(f"/characters/{other}/embed", {"embed_enabled": True})
    body = {"page_token": token}
    refused = stage.http.post(f"/embed/{other}/session", json=body, headers={"origin": OWN})
    assert (refused.status_code, refused.json()["code"]) == (401, "page_unknown")
    for forged in ("", "x", token[:-3] + "abc", "e30.e30.", "a.b.c"):
        assert ask(stage, forged).json()["code"] == "page_unknown"
    stage.clock.advance(301)
    assert ask(stage, token).json()["code"] == "page_expired"
    renewed = stage.http.post(f"{stage.path}/renew", json=body, headers={"origin": OWN})
    fresh = renewed.json()["page_token"]
    assert ask(stage, fresh).status_code == 200
    stage.settings(allowed_origins=["https://other.example"])
    assert ask(stage, fresh).status_code == 403, "it still knows who framed it"
    stage.clock.advance(86_400)
    renewed = stage.http.post(f"{stage.path}/renew", json=body, headers={"origin": OWN})
    assert renewed.json()["code"] == "page_expired"


def test_who_goes_before_they_connect_gives_the_place_back(stage: Stage) -> None:
    stage.limit(max_concurrent=1)
    before = stage.credits
    token = begin(stage).json()["token"]
    assert begin(stage).json()["code"] == "embed_full"
    leave, headers = f"{stage.path}/leave", {"origin": OWN}
    assert stage.http.post(leave, json={"token": token}).status_code == 403
    assert stage.http.post(leave, json={"token": "x"}, headers=headers).status_code == 401
    other = f"/embed/{stage.owner.character()}/leave"
    stage.http.post(other, json={"token": token}, headers=headers)
    assert begin(stage).json()["code"] == "embed_full"
    for _ in range(2):
        assert stage.http.post(leave, json={"token": token}, headers=headers).status_code == 204
    assert stage.credits == before
    taken = begin(stage).json()["token"]
    stage.house.conversation_room.sessions.admit(taken, "node")
    stage.http.post(leave, json={"token": taken}, headers=headers)
    assert begin(stage).json()["code"] == "embed_full", "who is inside hangs up instead"


def test_one_visitor_can_not_ask_without_end(stage: Stage) -> None:
    token = attribute(page(stage), "page-token")
    answers = [ask(stage, token).json().get("code") for _ in range(SESSIONS_PER_MINUTE + 1)]
    several = SESSIONS_PER_MINUTE - PLACES_OF_ONE
    assert answers == [None] * PLACES_OF_ONE + ["embed_several"] * several + ["rate_limited"]


@pytest.mark.parametrize(
    "body", [{}, {"page_token": 7}, {"page_token": "x" * 2_000}, [], "x", None]
)
def test_bodies_that_are_none_are_400(stage: Stage, body: Any) -> None:
    for what in ("session", "renew"):
        answer = stage.http.post(f"{stage.path}/{what}", json=body, headers={"origin": OWN})
        assert answer.status_code == 400


def test_the_portrait_is_small_and_follows_the_photo(stage: Stage) -> None:
    first = attribute_src(page(stage).text)
    answer = stage.http.get(first)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/webp"
    assert len(answer.content) < 20_000
    assert stage.http.get(first).content == answer.content
    stage.settings(embed_enabled=False)
    assert stage.http.get(first).status_code == 404


def attribute_src(text: str) -> str:
    found = re.search(r'<figure class="face"><img src="([^"]+)"', text)
    assert found
    return html.unescape(found[1])


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Shop.Example/a?b#c", "https://shop.example"),
        ("http://shop.example:80/", "http://shop.example"),
        ("https://shop.example:8443/x", "https://shop.example:8443"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("about:srcdoc", ""),
        ("null", ""),
        ("file:///etc/passwd", ""),
        ("https://", ""),
        ("http://x:99999/", ""),
        ("https://" + "a" * 300, ""),
    ],
)
def test_an_origin_is_read_as_browsers_write_it(url: str, origin: str) -> None:
    assert frames.origin_of(url) == origin
