"""The pages on real services, with quick password hashing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from argon2 import PasswordHasher
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from limits.storage import MemoryStorage

from charafy.accounts.service import Account, AccountServices, Passwords
from charafy.app import checks_of, makers_of, watchers_of
from charafy.characters import portrait_routes
from charafy.counting import readings_of
from charafy.dashboard.operator_health import Vitals
from charafy.dashboard.routes import router
from charafy.demo.world import create_demo_world
from charafy.house import House, build_house
from charafy.kernel.http import files
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.limits import Limiter
from charafy.kernel.http.middleware import RequestContext
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from charafy.web.pages import Pages
from tests.support.browser import Browser
from tests.support.clock import ManualClock
from tests.support.postbox import Postbox

PASSWORD = "correct horse"
SECRET = b"s" * 32


@dataclass(frozen=True, slots=True)
class Site:
    """One server with its owner, whose characters (with `demo`) greet strangers."""

    app: FastAPI
    pages: APIRouter
    house: House
    services: AccountServices
    owner: Account

    def browser(self) -> Browser:
        """A fresh one, without cookies."""
        return Browser(TestClient(self.app, base_url=self.house.settings.base_url))

    def member(self, email: str = "sora@example.com") -> Browser:
        """Someone who has just signed up, at their dashboard."""
        browser = self.browser()
        browser.open("/sign-up")
        browser.submit("/sign-up", email=email, password=PASSWORD, name="Sora")
        assert browser.path == "/dashboard", browser.html
        return browser

    def operator(self) -> Browser:
        """The owner, signed in by a link."""
        browser = self.browser()
        token = self.services.accounts.sign_in_link(self.owner.account_id)
        browser.open(f"/sign-in/link?token={token}")
        browser.submit("/sign-in/link")
        assert browser.path == "/dashboard", browser.html
        return browser


Open = Callable[..., Site]


@pytest.fixture
def open_site(settings: Settings, clock: ManualClock) -> Iterator[Open]:
    with ExitStack() as closing:

        def build(**changes: object) -> Site:
            house = build_house(settings.model_copy(update=changes), clock=clock)
            closing.callback(house.close)
            return _site(house)

        yield build


@pytest.fixture
def site(open_site: Open) -> Site:
    return open_site()


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    box = Postbox()
    box.start()
    yield box
    box.stop()


def account_id(site: Site) -> str:
    """Of Sora, who signed up at this site."""
    account = site.services.accounts.by_email("sora@example.com")
    assert account is not None
    return account.account_id


def credits_of(site: Site) -> int:
    with site.house.db.read() as tx:
        return site.house.credits.balance(tx, account_id(site)).available


def _site(house: House) -> Site:
    migrate(house.db)
    services = AccountServices.build(
        house.db,
        house.clock,
        house.settings,
        SECRET,
        credits=house.credits,
        mailer=house.mailer,
        passwords=Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
        on_delete=(house.characters.erase, house.credits.close),
        erase_files=house.characters.erase_files,
    )
    owner = services.accounts.create("owner@localhost", role="owner", plan="owner")
    if house.settings.demo:
        create_demo_world(house.characters, owner.account_id)
    app = FastAPI(redirect_slashes=False)
    pages = router(
        Pages(),
        services,
        house.settings,
        SECRET,
        limiter=Limiter(MemoryStorage()),
        clones=house.voice_room.clones,
        makers=makers_of(house),
        watchers=watchers_of(house),
        vitals=Vitals(checks_of(house), readings_of(house.ground)),
        cast=lambda: house.characters.list(owner.account_id),
        tries=house.demo.account.is_open,
        add_demo=lambda account_id: create_demo_world(house.characters, account_id),
    )
    app.include_router(pages)
    app.include_router(files.router(house.storage))
    app.include_router(portrait_routes.router(house.storage))
    install_error_handlers(app)
    app.add_middleware(RequestContext, metrics=house.metrics)
    return Site(app, pages, house, services, owner)
