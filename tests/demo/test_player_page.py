"""`/player`: strangers see the demo characters speak, and make the server do no more than that."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.demo.lines import LINES, Line, Lines
from charafy.demo.recordings import MAX_WAITING, Recordings
from charafy.demo.world import demo_characters, give_avatars
from charafy.engines.voice.visemes import SHAPES
from charafy.first_start import first_start
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.errors import TooManyRequests
from charafy.kernel.settings import Settings
from charafy.speech.service import Speech
from tests.support.chromium import Chromium, Served, chromium
from tests.support.clock import ManualClock

__all__ = ["chromium"]


@dataclass(frozen=True, slots=True)
class World:
    house: House
    http: TestClient

    def site(self, path: str) -> Served:
        """The whole server to a browser, its headers included."""
        headers = {"accept-language": "en", "accept-encoding": "identity"}
        answer = self.http.get(path, headers=headers)
        kept = ("content-security-policy", "cache-control")
        sent = {name: answer.headers[name] for name in kept if name in answer.headers}
        content_type = answer.headers.get("content-type", "text/plain")
        return Served(answer.content, content_type, answer.status_code, sent)

    def give_faces(self) -> None:
        owner = self.house.accounts.owner()
        assert owner is not None
        cast = demo_characters(self.house.characters, owner.account_id)
        assert give_avatars(self.house.avatars, cast, lambda: False) == 3


@pytest.fixture
def world(settings: Settings, clock: ManualClock, db: Database) -> Iterator[World]:
    house = build_house(settings.model_copy(update={"demo": True}), clock=clock)
    try:
        first_start(house)
        yield World(house, TestClient(build_app(house), base_url=settings.base_url))
    finally:
        house.close()


@pytest.mark.parametrize(
    ("language", "heading"), [("en", "alive in your browser"), ("ja", "ブラウザの中で")]
)
def test_the_page_introduces_the_cast_and_what_they_say(
    world: World, language: str, heading: str
) -> None:
    page = world.http.get("/player", headers={"accept-language": language})
    assert page.status_code == 200 and heading in page.text
    for line in LINES:
        assert line.text.replace("'", "&#39;") in page.text
        assert f'/player/lines/{line.name}/audio"' in page.text, "heard without scripts, too"
    assert "charafy-avatar.js" in page.text


def test_a_server_without_demo_characters_says_so(
    settings: Settings, clock: ManualClock, db: Database
) -> None:
    house = build_house(settings, clock=clock)
    page = TestClient(build_app(house)).get("/player")
    assert page.status_code == 200 and "no demo characters" in page.text
    house.close()


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_every_line_has_sound_and_the_mouths_that_go_with_it(world: World, line: Line) -> None:
    name = line.name
    cues = world.http.get(f"/player/lines/{name}").json()
    shapes = cues["visemes"]
    assert shapes[0]["start_s"] == 0
    assert {cue["viseme"] for cue in shapes} <= set(SHAPES)
    assert shapes[-1]["end_s"] == pytest.approx(cues["duration_s"], abs=0.01)
    audio = world.http.get(f"/player/lines/{name}/audio")
    assert audio.headers["content-type"] == "audio/mpeg"
    assert len(audio.content) == pytest.approx(cues["duration_s"] * 12_000, rel=0.1)
    part = world.http.get(f"/player/lines/{name}/audio", headers={"range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == audio.content[100:200]


def test_a_line_is_spoken_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.http.get("/player/lines/leo-hello")

    def speak_again(*_: object, **__: object) -> None:
        raise AssertionError("spoken twice")

    monkeypatch.setattr(Speech, "record", speak_again)
    assert world.http.get("/player/lines/leo-hello").json() == first.json()
    assert world.http.get("/player/lines/leo-hello/audio").status_code == 200


@pytest.mark.parametrize("path", ["/player/lines/x", "/player/lines/x/audio", "/player/faces/x"])
def test_only_what_is_on_the_page_is_answered(world: World, path: str) -> None:
    assert world.http.get(path).status_code == 404


def test_strangers_can_keep_the_voice_busy_with_one_line_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Lines(Recordings(world.house.storage, world.house.speech, "other engine"))
    speak, speaking, most = Speech.record, threading.Semaphore(0), []
    going = threading.Event()

    def slowly(*given: object, **options: object) -> object:
        most.append(1)
        speaking.release()
        assert going.wait(20)
        return speak(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Speech, "record", slowly)
    with ThreadPoolExecutor(MAX_WAITING + 4) as many:
        asked = [many.submit(lines.audio_key, "emma-hello") for _ in range(MAX_WAITING + 3)]
        assert speaking.acquire(timeout=20)
        # One speaks, MAX_WAITING wait for it, the others are refused at once.
        over = as_completed(asked, timeout=20)
        first = [next(over), next(over)]
        assert all(isinstance(future.exception(), TooManyRequests) for future in first)
        going.set()
        keys = {future.result(20) for future in asked if future not in first}
    assert len(most) == 1 and len(keys) == 1


def test_a_face_that_is_still_being_made_is_promised(world: World) -> None:
    answer = world.http.get("/player/faces/emma")
    assert answer.status_code == 202 and int(answer.headers["retry-after"]) > 0
    assert answer.json() == {}


@pytest.mark.slow
def test_the_cast_speaks_in_a_real_browser(world: World, chromium: Chromium) -> None:
    world.give_faces()
    with chromium.tab(world.site, viewport={"width": 1100, "height": 800}) as tab:
        tab.open("/player")
        tab.wait_until("() => document.querySelector('.hero canvas')")
        for person in ("emma", "hana", "leo"):
            tab.click(f'.member[data-person="{person}"]')
            tab.wait_until(
                "(who) => document.querySelector('.hero img').src"
                " === document.querySelector(`[data-person=${who}] img`).src",
                person,
            )
            tab.wait_until("() => document.querySelector('.hero .says').hidden")
            for way in ("webgl", "sprites"):
                tab.click(f".drawn input[value={way}]")
                tab.wait_until("() => document.querySelector('.hero .says').hidden")
                tab.click(f'[data-of="{person}"] .line:last-child .play')
                tab.wait_until("() => document.querySelector('.is-speaking')")
                tab.click(f'[data-of="{person}"] .line:last-child .play')
                tab.wait_until("() => !document.querySelector('.is-speaking')")
        assert tab.evaluate("() => document.querySelectorAll('.hero canvas').length") == 1


def test_without_scripts_the_lines_are_the_browser_s_own_players(
    world: World, chromium: Chromium
) -> None:
    with chromium.tab(world.site, java_script_enabled=False) as tab:
        tab.open("/player")
        assert len(tab.picture()) > 10_000
    page = world.http.get("/player").text
    assert page.count("<audio controls") == len(LINES)
