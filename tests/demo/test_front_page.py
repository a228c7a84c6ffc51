"""The front page in a browser: a stranger types, and somebody says it or tells why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from charafy.app import build_app
from charafy.demo.world import give_avatars
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support.axe_check import problems
from tests.support.chromium import Chromium, Tab, chromium
from tests.support.clock import ManualClock
from tests.support.embedding import Framed, free_port, serving

__all__ = ["chromium"]

ALIVE = "() => document.querySelector('.hero canvas[data-ready]')"
SPEAKS = "() => document.querySelector('.portrait.is-speaking')"
SILENT = "() => !document.querySelector('.portrait.is-speaking, form[data-state=waiting]')"
TROUBLE = "() => !document.querySelector('.trouble').hidden"
TEXT = "(selector) => document.querySelector(selector).innerText"


@dataclass(frozen=True, slots=True)
class Shop:
    """A server with its demo open, on a port of its own."""

    house: House
    address: str

    def give_face(self, name: str) -> None:
        cast = [one for one in self.house.demo.account.cast() if one.name == name]
        assert give_avatars(self.house.avatars, cast, lambda: False) == 1


Open = Callable[..., Shop]


@pytest.fixture
def opened(settings: Settings, clock: ManualClock, db: Database) -> Iterator[Open]:
    del db
    with ExitStack() as closing:

        def build(**changes: Any) -> Shop:
            port = free_port()
            address = f"http://127.0.0.1:{port}"
            given = {"demo": True, "demo_talk": "on", "public_url": address} | changes
            house = build_house(settings.model_copy(update=given), clock=clock)
            closing.callback(house.close)
            house.demo.account.open()
            closing.enter_context(serving(build_app(house), port))
            return Shop(house, address)

        yield build


def visit(chromium: Chromium, shop: Shop, **context: Any) -> Any:
    return chromium.visit(shop.address, "", reduced_motion="reduce", **context)


def speak(tab: Tab, text: str) -> None:
    tab.type("#say-line", text)
    tab.press("Enter")


def test_somebody_says_what_a_stranger_types_and_their_face_moves(
    chromium: Chromium, opened: Open
) -> None:
    shop = opened()
    shop.give_face("Emma")
    with visit(chromium, shop, locale="en") as tab:
        tab.open("/")
        tab.wait_until(ALIVE)
        speak(tab, "It is raining, and I am glad that you came all the same, my dear friend.")
        tab.wait_until(SPEAKS)
        tab.wait_until("() => document.querySelectorAll('.says [data-heard]').length > 2")
        assert tab.evaluate(TEXT, ".say [role=status]") == "Emma is speaking."
        assert tab.evaluate(TEXT, ".saying .button") == "Stop"
        tab.click(".saying .button")
        tab.wait_until(SILENT)
        keys = tab.evaluate("() => document.documentElement.outerHTML")
        assert "ck_live" not in keys and "ck_test" not in keys


def test_who_is_chosen_speaks_their_own_language_and_can_be_talked_to(
    chromium: Chromium, opened: Open
) -> None:
    shop = opened()
    shop.give_face("Hana")
    with visit(chromium, shop, locale="en", viewport={"width": 390, "height": 844}) as tab:
        tab.open("/")
        tab.click(".pick[data-name=Hana]")
        tab.wait_until(ALIVE)
        assert tab.evaluate("() => document.querySelector('#say-line').lang") == "ja"
        tab.click(".ideas:not([hidden]) .idea")
        tab.wait_until(SPEAKS)
        tab.wait_until(SILENT)
        assert tab.evaluate(TEXT, ".talk") == "Talk with Hana live"
        tab.click(".talk")
        hana = next(one for one in shop.house.demo.account.cast() if one.name == "Hana")
        frame = Framed(tab, f"/embed/{hana.character_id}")
        assert frame.text("h1") == "Hana"
        tab.complaints.clear()  # where Emma's face would have been is not there yet


@pytest.mark.parametrize(("language", "said"), [("en", "Wait a few seconds"), ("ja", "数秒待って")])
def test_a_refusal_is_said_in_the_stranger_s_words(
    chromium: Chromium, opened: Open, language: str, said: str
) -> None:
    shop = opened(demo_lines_per_minute=1)
    with visit(chromium, shop, locale=language) as tab:
        tab.open("/")
        speak(tab, "One.")
        tab.wait_until(SILENT)
        speak(tab, "Two.")
        tab.wait_until(TROUBLE)
        assert said in tab.evaluate(TEXT, ".trouble")
        tab.complaints.clear()  # the browser notes the refusal


def test_without_scripts_there_is_a_voice_to_hear_and_no_form(
    chromium: Chromium, opened: Open
) -> None:
    with visit(chromium, opened(), locale="en", java_script_enabled=False) as tab:
        tab.open("/")
        assert tab.evaluate("() => document.querySelector('form.say').hidden")
        assert tab.evaluate("() => document.querySelector('.hero audio').controls")
        assert "With scripts switched on, Emma" in tab.evaluate(TEXT, ".offer")


@pytest.mark.parametrize("open_to_strangers", [True, False])
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("en", "light", 1280), ("ja", "dark", 390), ("ja", "dark", 768)],
)
def test_it_fits_and_axe_finds_nothing(
    chromium: Chromium, opened: Open, open_to_strangers: bool, language: str, theme: str, width: int
) -> None:
    shop = opened(demo_credits_per_day=300 if open_to_strangers else 0)
    look = {"color_scheme": theme, "viewport": {"width": width, "height": 800}}
    with visit(chromium, shop, locale=language, bypass_csp=True, **look) as tab:
        tab.open("/")
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
        assert problems(tab.evaluate) == []
        tab.complaints.clear()


def test_the_demo_is_there_to_be_tried_in_each_mode_beside_the_configurator(
    chromium: Chromium, opened: Open
) -> None:
    shop = opened()
    emma = shop.house.demo.account.cast()[0]
    with visit(chromium, shop, locale="en") as tab:
        tab.open("/docs/embed")
        code = "() => document.querySelector('.snippet code').textContent"
        for mode in ("inline", "fullpage", "iframe"):
            tab.click(f"input[value={mode}]")
            assert Framed(tab, f"/embed/{emma.character_id}").text("h1") == "Emma"
            assert "YOUR_CHARACTER_ID" in tab.evaluate(code), "demo characters stay here"
        for mode in ("floating", "overlay"):
            tab.click(f"input[value={mode}]")
            preview = Framed(tab, f"mode={mode}")
            preview.wait_until("() => document.querySelector('charafy-widget')")
            preview.evaluate("() => document.querySelector('charafy-widget').open()")
            preview.wait_until("() => document.querySelector('charafy-widget').opened")
