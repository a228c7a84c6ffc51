"""The page of embed settings in a real browser: the preview is the thing itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.characters.service import Draft
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from charafy.voices.service import preset_id
from tests.support.chromium import ORIGIN, Asked, Chromium, Served, Tab, chromium, served
from tests.support.clock import ManualClock
from tests.support.embedding import Framed
from tests.support.images import jpeg

__all__ = ["chromium"]

NOBODY_SHOWN = "() => document.querySelector('.preview iframe').hidden"
CODE = "() => document.querySelector('.snippet code').textContent"


@dataclass(frozen=True, slots=True)
class Desk:
    """A whole server at which the owner of a character is signed in."""

    house: House
    http: TestClient
    character_id: str

    @property
    def page(self) -> str:
        return f"/dashboard/embed/{self.character_id}"

    def ask(self, asked: Asked) -> Served:
        return served(self.http, asked)


@pytest.fixture
def desk(settings: Settings, clock: ManualClock, db: Database) -> Iterator[Desk]:
    del db
    house = build_house(settings.model_copy(update={"public_url": ORIGIN}), clock=clock)
    account = house.accounts.create("sora@example.com", credits=1_000)
    draft = Draft(name="Mia", voice_id=preset_id("af_heart"), language="en")
    mia = house.characters.create(account.account_id, draft, jpeg(), limit=10)
    session = house.account_services.sessions.begin(account.account_id)
    http = TestClient(build_app(house), base_url=ORIGIN)
    http.cookies.set("charafy_session", session.token)
    try:
        yield Desk(house, http, mia.character_id)
    finally:
        house.close()


@pytest.fixture
def tab(chromium: Chromium, desk: Desk) -> Iterator[Tab]:
    with chromium.tab(server=desk.ask, reduced_motion="reduce") as tab:
        yield tab


def save(tab: Tab) -> None:
    tab.click(".permission button")
    tab.wait_until("() => document.querySelector('.notice') && document.readyState === 'complete'")


def choose(tab: Tab, name: str, value: str) -> None:
    tab.evaluate(
        """([name, value]) => {
          const form = document.querySelector(".workbench form");
          form.elements[name].value = value;
          form.dispatchEvent(new Event("input"));
        }""",
        [name, value],
    )


def test_an_owner_sees_what_only_another_site_may_show(desk: Desk, tab: Tab) -> None:
    tab.open(desk.page)
    assert tab.evaluate(NOBODY_SHOWN), "nobody may show it yet"
    tab.click("[name=embed_enabled]")
    tab.type("#allowed_origins", "https://shop.example")
    save(tab)
    choose(tab, "mode", "inline")
    choose(tab, "theme", "dark")
    assert desk.character_id in tab.evaluate(CODE)
    dark = Framed(tab, f"/embed/{desk.character_id}")
    dark.wait_until("() => document.documentElement.dataset.theme === 'dark'")
    choose(tab, "theme", "light")
    preview = Framed(tab, "theme=light")
    preview.wait_until("() => document.querySelector('charafy-widget')?.opened")
