"""Making things in a real browser: a character from a photo, its speech, its film."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.characters.service import Character
from charafy.demo.world import create_demo_world
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support import faces
from tests.support.chromium import Asked, Chromium, Served, Tab, chromium, served
from tests.support.clock import ManualClock
from tests.support.images import jpeg
from tests.support.videos import Hands

__all__ = ["chromium"]

NEW = "/dashboard/characters/new"
USABLE = "(usable) => document.querySelector('[data-usable]')?.dataset.usable === usable"


@dataclass(frozen=True, slots=True)
class Studio:
    """A whole server, and somebody who is signed in at it."""

    house: House
    http: TestClient
    account_id: str

    def ask(self, asked: Asked) -> Served:
        return served(self.http, asked)

    @property
    def own(self) -> list[Character]:
        return list(self.house.characters.list(self.account_id))

    @property
    def credits(self) -> int:
        with self.house.db.read() as tx:
            return self.house.credits.balance(tx, self.account_id).available


@pytest.fixture
def studio(settings: Settings, clock: ManualClock, db: Database) -> Iterator[Studio]:
    del db
    house = build_house(settings, clock=clock)
    account = house.accounts.create("sora@example.com", credits=1_000)
    session = house.account_services.sessions.begin(account.account_id)
    http = TestClient(build_app(house), base_url=settings.base_url)
    http.cookies.set("charafy_session", session.token)
    try:
        yield Studio(house, http, account.account_id)
    finally:
        house.close()


@pytest.fixture
def tab(chromium: Chromium, studio: Studio) -> Iterator[Tab]:
    with chromium.tab(server=studio.ask) as tab:
        yield tab


def text(tab: Tab, selector: str) -> str:
    found: str = tab.evaluate("(selector) => document.querySelector(selector).innerText", selector)
    return found


def path(tab: Tab) -> str:
    found: str = tab.evaluate("() => location.pathname")
    return found


def test_from_a_photo_to_a_character_that_is_heard_and_filmed(tab: Tab, studio: Studio) -> None:
    # A picture without a face is refused before anything is sent or paid.
    tab.open(NEW)
    tab.choose_file("#image", "red.jpg", jpeg())
    tab.wait_until(USABLE, "no")
    tab.choose_file("#image", "me.jpg", faces.file("obama.jpg"))
    tab.wait_until(USABLE, "yes")
    tab.type("#name", "Mia")
    tab.click("[data-start]")
    tab.click("#new [data-send]")
    tab.wait_until("() => document.querySelector('.person-stage canvas')")
    [mia] = studio.own
    assert mia.system_prompt
    assert studio.credits == 992

    # It says what is written, with its face.
    tab.type("#line", "Good morning! I am new here.")
    tab.click("button[value=say]")
    tab.wait_until("() => document.querySelector('.portrait').matches('.is-speaking')")
    assert text(tab, ".says") == "Good morning! I am new here."
    tab.wait_until("() => !document.querySelector('.portrait').matches('.is-speaking')")
    assert studio.credits == 991

    # Its film is ordered, seen to come to be, and played.
    tab.click("a[href^='/dashboard/videos?character=']")
    tab.wait_until("() => document.querySelector('#film')")
    tab.type("#text", "Welcome!")
    tab.click("#film [data-send]")
    tab.wait_until("() => document.querySelector('.film')?.dataset.status === 'processing'")
    video_id = path(tab).rsplit("/", 1)[1]
    worker = threading.Thread(target=Hands(studio.house).make, args=(video_id,))
    worker.start()
    tab.wait_until("() => document.querySelector('.film').dataset.status === 'completed'")
    worker.join(10)
    tab.evaluate("() => document.querySelector('video').play()")
    tab.wait_until("() => document.querySelector('video').currentTime > 0.1")
    shown = "() => document.querySelector('video').textTracks[0]?.mode"
    assert tab.evaluate(shown) == "showing"
    video = studio.house.video_room.videos.get(studio.account_id, video_id)
    assert studio.credits == 991 - video.credits_used


def test_eyes_and_mouth_are_placed_by_keyboard_and_by_pointer(tab: Tab, studio: Studio) -> None:
    tab.open(NEW)
    tab.choose_file("#image", "me.jpg", faces.file("obama.jpg"))
    tab.wait_until(USABLE, "yes")
    tab.click("[data-place]")
    placed = "() => document.querySelector('[name=anchors]').value"
    assert tab.evaluate(placed) == ""
    found = tab.evaluate(
        "() => JSON.parse(document.querySelector('[data-anchors]').dataset.anchors)"
    )
    tab.evaluate("() => document.querySelector('[aria-label=Mouth]').focus()")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        tab.press(key)
    now = json.loads(tab.evaluate(placed))
    assert now["mouth"]["x"] == pytest.approx(found["mouth"]["x"] + 0.005, abs=1e-4)
    assert now["mouth"]["height"] == pytest.approx(found["mouth"]["height"] + 0.005, abs=1e-4)
    assert now["left_eye"] == found["left_eye"]
    drag = """() => {
      const chin = document.querySelector('.mark.point');
      const at = chin.getBoundingClientRect();
      const [x, y] = [at.x + at.width / 2, at.y + at.height / 2];
      const send = (name, dy) => chin.dispatchEvent(new PointerEvent(name, {
        pointerId: 1, clientX: x, clientY: y + dy, bubbles: true, cancelable: true,
      }));
      chin.setPointerCapture = () => {};
      send('pointerdown', 0); send('pointermove', 12); send('pointerup', 12);
      return 12 / document.querySelector('.sheet').clientHeight;
    }"""
    by = tab.evaluate(drag)
    moved = json.loads(tab.evaluate(placed))["chin"]["y"]
    assert moved == pytest.approx(found["chin"]["y"] + by, abs=1e-3)
    # The server looks again, and the places go with the form.
    tab.wait_until(
        "(y) => Math.abs(JSON.parse(document.querySelector('[data-anchors]')?.dataset.anchors"
        " ?? '{\"chin\":{}}').chin.y - y) < 1e-4",
        moved,
    )
    tab.type("#name", "Mia")
    tab.click("#new [data-send]")
    tab.wait_until("() => document.querySelector('.person-stage')")
    avatar = studio.house.avatars.get(studio.account_id, studio.own[0].character_id)
    assert avatar.examined is not None
    assert avatar.examined.anchors is not None
    assert avatar.examined.anchors.chin[1] == pytest.approx(moved, abs=1e-3)


def test_what_the_server_refuses_is_said_and_the_picture_stays_chosen(
    tab: Tab, studio: Studio
) -> None:
    tab.open(NEW)
    tab.choose_file("#image", "me.jpg", faces.file("obama.jpg"))
    tab.wait_until(USABLE, "yes")
    tab.type("#name", "x")
    tab.evaluate("() => document.querySelector('#name').removeAttribute('required')")
    tab.type("#name", "")
    tab.click("#new [data-send]")
    tab.wait_until("() => document.querySelector('.refused')")
    assert text(tab, ".refused") == "A name has between 1 and 100 characters."
    assert tab.evaluate("() => document.activeElement.id") == "name"
    assert tab.evaluate("() => document.querySelector('#image').files.length") == 1
    tab.complaints.clear()  # the browser notes the 400
    tab.type("#name", "Mia")
    tab.click("#new [data-send]")
    tab.wait_until("() => document.querySelector('.person-stage')")
    assert [one.name for one in studio.own] == ["Mia"]


def test_a_picture_that_the_browser_does_not_know_is_shown_all_the_same(tab: Tab) -> None:
    tab.open(NEW)
    tab.choose_file("#image", "me.heic", faces.heic())
    tab.wait_until(USABLE, "yes")
    tab.wait_until("() => document.querySelector('.sheet img').naturalWidth > 100")
    assert tab.evaluate("() => document.querySelector('.sheet img').hidden") is False
    assert tab.evaluate("() => document.querySelector('[data-place]').disabled") is False


def test_a_pasted_picture_is_taken_and_the_language_brings_its_voices(tab: Tab) -> None:
    tab.open(NEW)
    data = list(faces.file("obama.jpg"))
    tab.evaluate(
        """(data) => {
          const file = new File([new Uint8Array(data)], 'me.jpg', { type: 'image/jpeg' });
          const clipboardData = new DataTransfer();
          clipboardData.items.add(file);
          document.dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
        }""",
        data,
    )
    tab.wait_until(USABLE, "yes")
    assert tab.evaluate("() => document.querySelector('#image').files[0].name") == "me.jpg"
    tab.click("[name=language][value=ja]")
    chosen = (
        "() => document.querySelector('[name=voice_id]:checked').closest('.voice-group').dataset"
    )
    assert tab.evaluate(chosen)["language"] == "ja"


def test_words_light_up_as_they_are_said(tab: Tab, studio: Studio) -> None:
    create_demo_world(studio.house.characters, studio.account_id)
    tab.open("/dashboard/speech")
    assert "1 credit ($0.01)" in text(tab, "[data-cost]")
    tab.type("#text", "Good morning, dear friends of the long and winding road.")
    tab.click("[data-send]")
    tab.wait_until("() => document.querySelector('[data-words] .now')")
    tab.wait_until("() => document.querySelectorAll('[data-words] .said').length > 2")
    words = "() => [...document.querySelectorAll('[data-words] span')].map((w) => w.textContent)"
    assert tab.evaluate(words)[:3] == ["Good", "morning", "dear"]
    assert text(tab, "[data-words]") == "Good morning, dear friends of the long and winding road."
    drawn = """() => {
      const wave = document.querySelector('[data-wave]');
      const pixels = wave.getContext('2d').getImageData(0, 0, wave.width, wave.height).data;
      return pixels.some((value) => value);
    }"""
    assert tab.evaluate(drawn)
    tab.evaluate("() => document.querySelector('[data-audio]').pause()")
    # By keyboard: the slider over the wave leads to any moment.
    tab.evaluate("() => document.querySelector('[data-seek]').focus()")
    tab.press("Home")
    assert tab.evaluate("() => document.querySelector('[data-audio]').currentTime") == 0
    named = "() => document.querySelector('[data-download]').download"
    assert tab.evaluate(named) == "speech.mp3"
    assert "999 credits" in text(tab, "[data-left]")


def test_saving_who_somebody_is_stays_on_the_page(tab: Tab, studio: Studio) -> None:
    create_demo_world(studio.house.characters, studio.account_id)
    emma = next(one for one in studio.own if one.name == "Emma")
    tab.open(f"/dashboard/characters/{emma.character_id}")
    tab.type("#system_prompt", "You answer in rhyme.")
    tab.click("#words [data-send]")
    tab.wait_until("() => document.querySelector('#words [data-note]').textContent")
    tab.wait_until("() => /Saved/.test(document.querySelector('#words [data-note]').textContent)")
    assert path(tab) == f"/dashboard/characters/{emma.character_id}"
    now = studio.house.characters.get(studio.account_id, emma.character_id)
    assert now.system_prompt == "You answer in rhyme."


def test_a_recording_made_here_speaks_in_a_transparent_film(
    chromium: Chromium, studio: Studio
) -> None:
    create_demo_world(studio.house.characters, studio.account_id)
    seen = "(selector) => document.querySelector(selector).checkVisibility()"
    with chromium.tab(server=studio.ask, permissions=["microphone"]) as tab:
        tab.open("/dashboard/videos")
        assert tab.evaluate(seen, "#recording") is False
        tab.click("[name=source][value=recording]")
        assert tab.evaluate(seen, "#recording") is True
        assert tab.evaluate(seen, "#text") is False
        tab.click(".recorder button")
        tab.wait_until("() => document.querySelector('[data-clock]').textContent === '0:02'")
        tab.click(".recorder button")
        tab.wait_until("() => document.querySelector('#recording').files.length === 1")
        assert tab.evaluate("() => document.querySelector('.recorder audio').hidden") is False
        tab.click("[name=background][value=transparent]")
        file = "() => document.querySelector('[name=format]:checked').value"
        assert tab.evaluate(file) == "webm"
        assert tab.evaluate("() => document.querySelector('[value=mp4]').disabled") is True
        tab.click("#film [data-send]")
        tab.wait_until("() => document.querySelector('.film')?.dataset.status === 'processing'")
        video_id = path(tab).rsplit("/", 1)[1]
        worker = threading.Thread(target=Hands(studio.house).make, args=(video_id,))
        worker.start()
        tab.wait_until("() => document.querySelector('.film').dataset.status === 'completed'")
        worker.join(60)
        tab.evaluate("() => document.querySelector('video').play()")
        tab.wait_until("() => document.querySelector('video').currentTime > 0.1")
    video = studio.house.video_room.videos.get(studio.account_id, video_id)
    assert video.duration_s is not None
    assert 1.5 < video.duration_s < 10
    kept = studio.house.video_room.work.find(video_id)
    assert kept is not None
    assert (kept.order.text, kept.order.background) == (None, "transparent")


def test_an_unreadable_recording_is_said_and_what_was_chosen_stays(
    tab: Tab, studio: Studio
) -> None:
    create_demo_world(studio.house.characters, studio.account_id)
    tab.open("/dashboard/videos")
    tab.click("[name=source][value=recording]")
    tab.choose_file("#recording", "notes.wav", b"these are no sounds, only words")
    tab.click("#film [data-send]")
    tab.wait_until("() => document.querySelector('.from-recording .refused')")
    assert "no recording that can be read" in text(tab, ".refused")
    assert tab.evaluate("() => document.querySelector('#recording').files.length") == 1
    assert studio.credits == 1_000
    tab.complaints.clear()  # the browser notes the 400, and that it can't play this either


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_nothing_is_wider_than_the_window(chromium: Chromium, studio: Studio, width: int) -> None:
    create_demo_world(studio.house.characters, studio.account_id)
    one = studio.own[0].character_id
    pages = ("characters", "characters/new", f"characters/{one}", "speech", "videos")
    with chromium.tab(server=studio.ask, viewport={"width": width, "height": 800}) as tab:
        for page in pages:
            for language in ("en", "ja"):
                tab.open(f"/dashboard/{page}?lang={language}")
                assert tab.evaluate("() => document.documentElement.scrollWidth") <= width, page
