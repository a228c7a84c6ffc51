"""Trying a character beside its persona: written questions, answers in its voice."""

from __future__ import annotations

from tests.dashboard.test_try_page import Room, peer, room, text
from tests.support.chromium import Chromium, Tab, chromium

__all__ = ["chromium", "peer", "room"]

LINES = "() => [...document.querySelectorAll('.said li')].map((li) => li.innerText.split('\\n'))"
OPEN = "() => !document.querySelector('[data-end]').hidden"


def page_of(room: Room) -> str:
    return f"/dashboard/characters/{room.path_of().rsplit('/', 1)[1]}"


def ask(tab: Tab, words: str) -> None:
    tab.type("#line", words)
    tab.press("Enter")


def test_it_answers_in_writing_and_a_saved_persona_begins_anew(
    chromium: Chromium, room: Room
) -> None:
    peer = room.peer
    with chromium.tab(server=room.ask) as tab:
        tab.open(page_of(room))
        tab.evaluate("() => document.querySelector('#line').focus()")
        ask(tab, "Who are you?")
        peer.wait_until(lambda: bool(peer.messages("send-text")))
        assert peer.messages("send-text") == [{"content": "Who are you?"}]
        peer.tell("state", state="speaking")
        peer.say("bot-transcription", reply="r1", text="I am Emma,")
        peer.say("bot-transcription", reply="r1", text="of the bookshop.")
        tab.wait_until("() => document.querySelectorAll('.said li').length === 2")
        tab.wait_until("() => document.querySelector('.says').textContent === 'of the bookshop.'")
        assert tab.evaluate(LINES) == [
            ["You", "Who are you?"],
            ["Emma", "I am Emma, of the bookshop."],
        ]
        assert room.credits == 50, "a conversation is paid by the minute, set aside at its start"

        tab.type("#system_prompt", "You answer in rhyme.")
        tab.click("#words [data-send]")
        peer.wait_until(lambda: bool(peer.messages("disconnect-bot")))
        tab.wait_until("() => document.querySelector('[data-end]').hidden")
        tab.evaluate("() => document.querySelector('#line').focus()")
        ask(tab, "And now?")
        peer.wait_until(lambda: len(peer.messages("send-text")) == 2)
        assert len(peer.offers) == 2


def test_without_credits_it_is_said_so(chromium: Chromium, room: Room) -> None:
    with chromium.tab(server=room.ask) as tab:
        tab.open(page_of(room))
        token = tab.evaluate("() => document.querySelector('[name=csrf_token]').value")
        for _ in range(2):
            room.http.post(f"{room.path_of()}/token", data={"csrf_token": token})
        tab.type("#line", "Who are you?")
        tab.click("button[value=ask]")
        tab.wait_until(
            "() => document.querySelector('[data-state]').textContent.includes('enough')"
        )
        assert "enough credits" in text(tab, "[data-state]")
        assert tab.evaluate(OPEN) is False
        tab.complaints.clear()  # the browser notes the 402
