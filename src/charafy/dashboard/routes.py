"""All pages of the dashboard, at the server's root."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter

from charafy.accounts.service import AccountServices
from charafy.characters.service import Character, Characters
from charafy.credits.service import Credits
from charafy.dashboard.door import Door
from charafy.dashboard.entering import Entering
from charafy.dashboard.home import Home
from charafy.dashboard.operator_desk import OperatorDesk
from charafy.dashboard.own_account import OwnAccount
from charafy.kernel.db import Database
from charafy.kernel.http.limits import Limiter
from charafy.kernel.settings import Settings
from charafy.voices.service import Voices
from charafy.web.pages import Pages


def router(
    pages: Pages,
    services: AccountServices,
    settings: Settings,
    secret: bytes,
    *,
    limiter: Limiter,
    db: Database,
    credits: Credits,
    characters: Characters,
    voices: Voices,
    cast: Callable[[], Sequence[Character]],
    add_demo: Callable[[str], Sequence[Character]],
) -> APIRouter:
    """`cast`: the characters that greet strangers on the front page, none at all if there are
    none; `add_demo`: gives an account the demo characters."""
    door = Door(pages, services.sessions, limiter, settings, secret)
    api = APIRouter(include_in_schema=False, route_class=door.route_class())
    Entering(door, services, settings, voices, cast).add_to(api)
    Home(
        door,
        services,
        settings.base_url,
        db=db,
        credits=credits,
        characters=characters,
        voices=voices,
        add_demo=add_demo,
    ).add_to(api)
    OwnAccount(door, services).add_to(api)
    OperatorDesk(door, services, settings.base_url, db, credits).add_to(api)
    return api
