"""Push to talk and the visitor's name: from an attribute of the page around to the conversation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.embed.conftest import Stage, Theatre
from tests.embed.test_widget import THERE, act, place
from tests.support.chromium import Chromium, Tab
from tests.support.embedding import Framed

HOLD = "[data-do=hold]"
SHOWN = "() => !document.querySelector('[data-do=hold]').hidden"
SPACE = """(type) =>
  document.body.dispatchEvent(new KeyboardEvent(type, { key: ' ', bubbles: true }))"""
PRESSED = "() => document.querySelector('[data-do=hold]').ariaPressed === 'true'"
NOT_PRESSED = "() => document.querySelector('[data-do=hold]').ariaPressed === 'false'"


@pytest.fixture
def tab(chromium: Chromium, theatre: Theatre) -> Iterator[Tab]:
    size = {"width": 1280, "height": 800}
    with chromium.visit(
        theatre.shop.origin,
        "",
        viewport=size,
        reduced_motion="reduce",
        permissions=["microphone"],
    ) as tab:
        yield tab


def begin(tab: Tab, theatre: Theatre, more: str, by: str = "voice") -> Framed:
    place(theatre, more)
    tab.open("/")
    tab.wait_until(THERE)
    act(tab, "open()")
    frame = Framed(tab)
    frame.begin(by)
    return frame


def held(theatre: Theatre) -> list[bool]:
    return [bool(asked["on"]) for asked in theatre.peer.asked("push-to-talk")]


def modes(theatre: Theatre) -> list[bool]:
    return [bool(asked["push_to_talk"]) for asked in theatre.peer.asked("mode")]


@pytest.mark.parametrize(("lang", "name"), [("en", "Hold to talk"), ("ja", "押しながら話す")])
def test_the_microphone_is_open_while_the_space_bar_is_held(
    tab: Tab, theatre: Theatre, lang: str, name: str
) -> None:
    frame = begin(tab, theatre, f'data-push-to-talk data-lang="{lang}"')
    frame.wait_until(SHOWN)
    assert name in frame.text(HOLD)
    assert modes(theatre)[:1] == [True]
    frame.evaluate("() => document.activeElement.blur()")
    frame.evaluate(SPACE, "keydown")
    frame.wait_until(PRESSED)
    frame.evaluate(SPACE, "keyup")
    frame.wait_until(NOT_PRESSED)
    theatre.peer.wait_until(lambda: held(theatre) == [True, False])


def test_the_button_is_held_by_a_finger_and_clicked_by_a_screen_reader(
    tab: Tab, theatre: Theatre
) -> None:
    frame = begin(tab, theatre, 'data-push-to-talk="on"')
    frame.wait_until(SHOWN)
    frame.click(HOLD)  # pressed and let go
    theatre.peer.wait_until(lambda: held(theatre) == [True, False])
    click = "() => document.querySelector('[data-do=hold]').click()"
    frame.evaluate(click)
    frame.wait_until(PRESSED)
    frame.evaluate(click)
    theatre.peer.wait_until(lambda: held(theatre) == [True, False] * 2)


def test_a_space_that_is_typed_is_a_space(tab: Tab, theatre: Theatre) -> None:
    frame = begin(tab, theatre, "data-push-to-talk")
    frame.wait_until(SHOWN)
    frame.evaluate("() => document.querySelector('#line').focus()")
    tab.press("a")
    tab.press("Space")
    tab.press("b")
    assert frame.evaluate("() => document.querySelector('#line').value") == "a b"
    assert held(theatre) == []


def test_the_page_around_switches_it_and_holds_with_a_key_of_its_own(
    tab: Tab, theatre: Theatre
) -> None:
    frame = begin(tab, theatre, "")
    assert frame.evaluate("() => document.querySelector('[data-do=hold]').hidden")
    act(tab, "pushToTalk = true")
    frame.wait_until(SHOWN)
    theatre.peer.wait_until(lambda: modes(theatre) == [True])
    act(tab, "hold(true)")
    frame.wait_until(PRESSED)
    act(tab, "pushToTalk = false")
    theatre.peer.wait_until(lambda: modes(theatre) == [True, False])
    frame.wait_until("() => document.querySelector('[data-do=hold]').hidden")


def test_who_writes_has_nothing_to_hold(tab: Tab, theatre: Theatre) -> None:
    frame = begin(tab, theatre, "data-push-to-talk", by="text")
    assert frame.evaluate("() => document.querySelector('[data-do=hold]').hidden")


def test_the_visitor_s_name_reaches_the_conversation_and_no_address(
    tab: Tab, theatre: Theatre
) -> None:
    frame = begin(tab, theatre, 'data-visitor-name="Sora  Ito"', by="text")
    assert "Sora" not in frame.evaluate("() => location.href")
    talks, _ = theatre.house.conversation_room.conversations.page(theatre.account_id, limit=1)
    assert talks[0].visitor_name == "Sora Ito"
    act(tab, "visitorName = 'Umi'")
    theatre.peer.wait_until(
        lambda: [asked["name"] for asked in theatre.peer.asked("name")] == ["Umi"]
    )


def test_a_name_is_bounded(stage: Stage) -> None:
    page = stage.http.get(stage.path).text
    token = page.split('data-page-token="')[1].split('"')[0]
    own = {"origin": stage.house.settings.base_url}
    body = {"page_token": token, "visitor_name": "x" * 101}
    assert stage.http.post(f"{stage.path}/session", json=body, headers=own).status_code == 400
    body["visitor_name"] = " \n "
    assert stage.http.post(f"{stage.path}/session", json=body, headers=own).status_code == 200
