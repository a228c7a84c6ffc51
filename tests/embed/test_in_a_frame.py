"""A character in frames of other people's pages, in a real browser; a test peer answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.embed.conftest import Theatre
from tests.support.chromium import Chromium, Tab
from tests.support.embedding import Framed

LISTENING = "() => document.querySelector('.embed').dataset.state === 'listening'"
TROUBLE = "() => !document.querySelector('.trouble').hidden"
UNNAMED = """() => [...document.querySelectorAll('button, input')].filter((part) =>
  !(part.innerText.trim() || part.ariaLabel || part.labels?.[0]?.innerText)).length"""


@pytest.fixture
def tab(chromium: Chromium, theatre: Theatre) -> Iterator[Tab]:
    with chromium.visit(theatre.shop.origin, "", permissions=["microphone"]) as tab:
        yield tab


def test_the_contract_s_iframe_talks_on_another_origin(tab: Tab, theatre: Theatre) -> None:
    peer = theatre.peer
    tab.open("/")
    frame = Framed(tab)
    assert "You are talking to an AI" in frame.text(".notice")
    frame.begin()
    peer.wait_until(lambda: peer.loudness(0.5) > 0.003)
    peer.say("user-transcription", text="Hello.", final=True, timestamp="")
    peer.tell("state", state="speaking")
    peer.say("bot-transcription", reply="r1", text="Hi there,")
    peer.say("bot-transcription", reply="r1", text="friend.")
    frame.wait_until("() => document.querySelectorAll('.said li').length === 2")
    said = "() => [...document.querySelectorAll('.said li')].map((li) => li.innerText.split('\\n'))"
    frame.wait_until("() => document.querySelector('.said').innerText.includes('friend')")
    assert frame.evaluate(said) == [["You", "Hello."], ["Emma", "Hi there, friend."]]
    assert frame.text(".says") == "friend."
    assert theatre.credits == 150
    frame.click("[data-do=mute]")
    frame.click("[data-do=interrupt]")
    peer.wait_until(lambda: peer.asked("interrupt") == [{}])
    frame.click("[data-do=captions]")
    assert frame.evaluate("() => document.querySelector('.said').hidden")
    frame.click("[data-do=end]")
    peer.wait_until(lambda: bool(peer.messages("disconnect-bot")))
    assert frame.text(".state") == "You hung up."
    assert frame.text(".primary") == "Talk again"


def test_who_has_no_microphone_writes(chromium: Chromium, theatre: Theatre) -> None:
    with chromium.visit(theatre.shop.origin, "") as tab:
        tab.open("/")
        frame = Framed(tab)
        frame.click("button[value=voice]")
        frame.wait_until(TROUBLE)
        assert "blocked for this page" in frame.text(".trouble")
        frame.begin("text")
        frame.type("#line", "Good evening")
        tab.press("Enter")
        theatre.peer.wait_until(lambda: bool(theatre.peer.messages("send-text")))
    assert theatre.peer.messages("send-text") == [{"content": "Good evening"}]
    assert theatre.credits == 150, "the first try came to nothing, so its token served the second"


def test_who_goes_before_they_connect_gives_the_place_back(
    chromium: Chromium, theatre: Theatre
) -> None:
    theatre.allow(max_concurrent=1)
    with chromium.visit(theatre.shop.origin, "") as tab:
        tab.open("/")
        frame = Framed(tab)
        frame.click("button[value=voice]")
        frame.wait_until(TROUBLE)
        assert theatre.credits == 150
        theatre.put("/elsewhere", "<!doctype html><title>Elsewhere</title>")
        tab.open("/elsewhere")
        theatre.peer.wait_until(lambda: theatre.credits == 200)
        tab.complaints.clear()


def test_browsers_frame_it_only_where_its_owner_allows(tab: Tab, theatre: Theatre) -> None:
    theatre.allow(allowed_origins=(theatre.shop.origin,))
    tab.open("/")
    Framed(tab).begin("text")
    tab.open(f"{theatre.shop.other_origin}/")
    blocked = "() => performance.getEntriesByType('resource').length >= 0"
    tab.wait_until(blocked)
    refused = Framed(tab, "chrome-error")
    assert "page-token" not in refused.evaluate("() => document.documentElement.outerHTML")
    assert any("frame-ancestors" in said for said in tab.complaints)
    tab.complaints.clear()  # the browser notes that it refused


def test_nor_in_a_frame_in_a_frame(tab: Tab, theatre: Theatre) -> None:
    theatre.allow(allowed_origins=(theatre.shop.origin,))
    theatre.shop.pages["/outer"] = f'<iframe src="{theatre.shop.origin}/"></iframe>'
    tab.open(f"{theatre.shop.other_origin}/outer")
    Framed(tab, "chrome-error")
    assert any("frame-ancestors" in said for said in tab.complaints)
    tab.complaints.clear()


def test_at_the_limit_one_of_two_visitors_comes_in(chromium: Chromium, theatre: Theatre) -> None:
    theatre.allow(max_concurrent=1)
    with (
        chromium.visit(theatre.shop.origin, "") as one,
        chromium.visit(theatre.shop.origin, "") as two,
    ):
        frames = []
        for tab in (one, two):
            tab.open("/")
            frames.append(Framed(tab))
        clicks = [
            threading.Thread(target=frame.click, args=("button[value=text]",)) for frame in frames
        ]
        for click in clicks:
            click.start()
        for click in clicks:
            click.join()
        for frame in frames:
            frame.wait_until(f"() => ({LISTENING})() || ({TROUBLE})()")
        inside = [bool(frame.evaluate(LISTENING)) for frame in frames]
        assert sorted(inside) == [False, True]
        outside = frames[inside.index(False)]
        assert outside.text(".trouble") == (
            "Emma is talking with others just now. Try again in a minute."
        )
        for tab in (one, two):
            tab.complaints.clear()  # the browser notes the 429
    assert theatre.credits == 150


def test_a_character_that_goes_meanwhile_is_said_to_be_gone(tab: Tab, theatre: Theatre) -> None:
    tab.open("/")
    frame = Framed(tab)
    theatre.house.characters.delete(theatre.account_id, theatre.character_id)
    frame.click("button[value=text]")
    frame.wait_until(TROUBLE)
    assert frame.text(".trouble") == "This character is not available any more."
    tab.open("/")
    assert "Nobody is here" in Framed(tab).text("h1")
    tab.complaints.clear()  # the browser notes the 404s


def test_what_is_said_is_text_and_never_markup(tab: Tab, theatre: Theatre) -> None:
    evil = "<img src=x onerror=alert(1)>"
    account, emma = theatre.account_id, theatre.character_id
    theatre.house.characters.update(account, emma, {"name": evil, "system_prompt": evil})
    tab.open("/")
    frame = Framed(tab)
    assert frame.text("h1") == evil
    frame.begin("text")
    theatre.peer.say("user-transcription", text=evil, final=True, timestamp="")
    theatre.peer.say("bot-transcription", reply="r1", text=evil)
    frame.wait_until("() => document.querySelectorAll('.said li').length === 2")
    frame.wait_until("() => !document.querySelector('.says').hidden")
    assert frame.text(".says") == evil
    assert frame.evaluate("() => document.querySelectorAll('img').length") == 1
    assert frame.evaluate("() => document.querySelector('.said li .who').innerText") == "You"


@pytest.mark.parametrize("language", ["en-US", "ja-JP"])
def test_labels_follow_the_browser(chromium: Chromium, theatre: Theatre, language: str) -> None:
    with chromium.visit(theatre.shop.origin, "", locale=language) as tab:
        tab.open("/")
        frame = Framed(tab)
        expected = {"en-US": "Talk with Emma", "ja-JP": "Emmaと話す"}[language]
        assert frame.text(".primary") == expected
        assert frame.evaluate("() => document.documentElement.lang") == language[:2]
        assert frame.evaluate(UNNAMED) == 0


def test_it_loads_little_before_anybody_talks(tab: Tab, theatre: Theatre) -> None:
    tab.open("/")
    frame = Framed(tab)
    frame.wait_until("() => document.querySelector('.face img').complete")
    loaded: dict[str, int] = frame.evaluate(
        "() => Object.fromEntries([...performance.getEntriesByType('navigation'), "
        "...performance.getEntriesByType('resource')]"
        ".map((entry) => [new URL(entry.name).pathname.split('/').at(-1), entry.transferSize]))"
    )
    assert {"embed.css", "embed.js", "host.js", "transcript.js", "portrait"} <= set(loaded)
    assert "charafy-conversation.js" not in loaded
    assert sum(loaded.values()) < 60_000, loaded
