"""axe-core finds nothing serious on any page, on paper and in the dark, on desk and phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.demo.world import create_demo_world
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support.chromium import Asked, Chromium, Served, chromium, served
from tests.support.clock import ManualClock
from tests.support.lived_in import LivedIn, live_in
from tests.support.screenshots import pages

__all__ = ["chromium"]

AXE = (Path(__file__).parent.parent / "support" / "axe" / "axe.min.js").read_text("utf-8")
FOUND = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, ...nodes.slice(0, 4).map((node) => node.html.slice(0, 160))]);
}"""
LOOKS: dict[str, dict[str, Any]] = {
    "paper": {
        "color_scheme": "light",
        "locale": "en",
        "viewport": {"width": 1440, "height": 900},
    },
    "dark": {"color_scheme": "dark", "locale": "ja", "viewport": {"width": 390, "height": 844}},
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A whole server at which its owner is signed in after a busy month."""

    http: TestClient
    seen: LivedIn

    def ask(self, asked: Asked) -> Served:
        return served(self.http, asked)


@pytest.fixture
def house(settings: Settings, clock: ManualClock, db: Database) -> Iterator[House]:
    del db
    house = build_house(settings.model_copy(update={"sign_up_credits": 100}), clock=clock)
    yield house
    house.close()


@pytest.fixture
def shown(house: House, clock: ManualClock, settings: Settings) -> Shown:
    owner = house.accounts.create("owner@localhost", role="owner", plan="owner", credits=500)
    create_demo_world(house.characters, owner.account_id)
    seen = live_in(house, clock, owner.account_id)
    http = TestClient(build_app(house), base_url=settings.base_url)
    session = house.account_services.sessions.begin(owner.account_id)
    http.cookies.set("charafy_session", session.token)
    return Shown(http, seen)


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_no_page_has_a_serious_problem(chromium: Chromium, shown: Shown, look: str) -> None:
    problems = {}
    with chromium.tab(
        server=shown.ask, reduced_motion="reduce", bypass_csp=True, **LOOKS[look]
    ) as tab:
        for name, path in pages(shown.seen).items():
            tab.open(path)
            tab.evaluate(f"() => {{ {AXE} }}")
            if found := tab.evaluate(FOUND):
                problems[name] = found
        tab.complaints.clear()  # what a page says on the console has tests of its own
    assert problems == {}


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 390, 820, 1440])
def test_no_page_is_wider_than_the_screen(chromium: Chromium, shown: Shown, width: int) -> None:
    wide = {}
    viewport = {"width": width, "height": 800}
    with chromium.tab(server=shown.ask, viewport=viewport, reduced_motion="reduce") as tab:
        for name, path in pages(shown.seen).items():
            tab.open(path)
            reach = tab.evaluate("() => document.documentElement.scrollWidth")
            if reach > width:
                wide[name] = reach
        tab.complaints.clear()
    assert wide == {}


def test_the_rooms_open_and_close_by_keyboard(chromium: Chromium, shown: Shown) -> None:
    open_ = "() => document.querySelector('#rooms').matches(':popover-open')"
    with chromium.tab(server=shown.ask, viewport={"width": 390, "height": 844}) as tab:
        tab.open("/dashboard/conversations")
        assert tab.evaluate(open_) is False
        tab.evaluate("() => document.querySelector('.menu').focus()")
        tab.press("Enter")
        assert tab.evaluate(open_) is True
        tab.press("Tab")
        assert tab.evaluate("() => document.activeElement.getAttribute('href')") == "/dashboard"
        tab.press("Escape")
        assert tab.evaluate(open_) is False
        assert tab.evaluate("() => document.activeElement.className").endswith("menu")
