"""`/docs/embed`: what is chosen becomes a line of HTML, and the character is there to be tried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.embed.conftest import Theatre
from tests.support.chromium import Chromium, Tab
from tests.support.embedding import Framed

CODE = "() => document.querySelector('.snippet code').textContent"


@pytest.fixture
def tab(chromium: Chromium, theatre: Theatre) -> Iterator[Tab]:
    with chromium.visit(theatre.server, "", reduced_motion="reduce") as tab:
        yield tab


def choose(tab: Tab, name: str, value: str) -> None:
    tab.evaluate(
        """([name, value]) => {
          const form = document.querySelector(".workbench form");
          form.elements[name].value = value;
          form.dispatchEvent(new Event("input"));
        }""",
        [name, value],
    )


@pytest.mark.parametrize("mode", ["floating", "overlay", "fullpage", "inline", "iframe"])
def test_each_mode_s_line_works_as_it_is_shown(
    chromium: Chromium, tab: Tab, theatre: Theatre, mode: str
) -> None:
    tab.open(f"/docs/embed?character={theatre.character_id}&lang=en")
    choose(tab, "mode", mode)
    choose(tab, "theme", "dark")
    line = tab.evaluate(CODE)
    theatre.put("/", f"<!doctype html><title>Shop</title><body>{line}")
    with chromium.visit(theatre.shop.origin, "") as shop:
        shop.open("/")
        if mode in ("floating", "overlay"):
            shop.wait_until("() => document.querySelector('charafy-widget')")
            shop.evaluate("() => document.querySelector('charafy-widget').open()")
        frame = Framed(shop)
        frame.wait_until("() => document.documentElement.dataset.theme === 'dark'")


def test_the_preview_is_the_thing_itself(tab: Tab, theatre: Theatre) -> None:
    tab.open(f"/docs/embed?character={theatre.character_id}")
    choose(tab, "mode", "inline")
    preview = Framed(tab, "/docs/embed/preview")
    preview.wait_until("() => document.querySelector('charafy-widget')?.opened")
    theatre.allow(allowed_origins=("https://shop.example",))
    choose(tab, "lang", "ja")
    again = Framed(tab, "lang=ja")
    again.wait_until("() => document.querySelector('charafy-widget')?.opened")
    Framed(tab, f"/embed/{theatre.character_id}").begin("text")


def test_what_is_typed_becomes_no_code(tab: Tab) -> None:
    tab.open('/docs/embed?character="><script>alert(1)</script>')
    choose(tab, "character", '"><img src=x onerror=alert(1)>')
    assert "YOUR_CHARACTER_ID" in tab.evaluate(CODE)
    assert "onerror" not in tab.evaluate(CODE)
    assert tab.evaluate("() => document.querySelector('.preview iframe').hidden")


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_nothing_is_wider_than_the_window(
    chromium: Chromium, theatre: Theatre, width: int, language: str
) -> None:
    size = {"width": width, "height": 800}
    with chromium.visit(theatre.server, "", viewport=size) as tab:
        tab.open(f"/docs/embed?lang={language}")
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
        assert tab.evaluate("() => document.documentElement.lang") == language
