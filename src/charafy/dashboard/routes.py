"""All pages of the dashboard, at the server's root."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from charafy.accounts.service import AccountServices
from charafy.avatars.service import Avatars
from charafy.characters.service import Character, Characters
from charafy.conversations.service import Conversations
from charafy.credits.service import Credits
from charafy.dashboard.character import OneCharacter
from charafy.dashboard.characters import OwnCharacters
from charafy.dashboard.conversations import Talks
from charafy.dashboard.credits import Money
from charafy.dashboard.design import Design
from charafy.dashboard.door import Door
from charafy.dashboard.entering import Entering
from charafy.dashboard.forms import Forms
from charafy.dashboard.home import Home
from charafy.dashboard.making import Makers
from charafy.dashboard.operator_desk import OperatorDesk
from charafy.dashboard.own_account import OwnAccount
from charafy.dashboard.proving import Proving
from charafy.dashboard.speech import Playground
from charafy.dashboard.start import Start
from charafy.dashboard.trying import Trying
from charafy.dashboard.videos import OwnVideos
from charafy.dashboard.voices import CreditsLeft, OwnVoices
from charafy.dashboard.watching import Watchers
from charafy.dashboard.webhooks import Hooks
from charafy.kernel.db import Database
from charafy.kernel.http.limits import Limiter
from charafy.kernel.settings import Settings
from charafy.voices.service import Clones, Voices
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
    clones: Clones,
    credits_left: CreditsLeft,
    avatars: Avatars,
    conversations: Conversations,
    makers: Makers,
    watchers: Watchers,
    cast: Callable[[], Sequence[Character]],
    add_demo: Callable[[str], Sequence[Character]],
) -> APIRouter:
    """`cast`: the characters that greet strangers on the front page, none at all if there are
    none; `add_demo`: gives an account the demo characters."""
    door = Door(pages, services.sessions, limiter, settings, secret, purse=credits_left)
    api = APIRouter(include_in_schema=False, route_class=door.route_class())
    forms = Forms(door, services, settings, voices, cast)
    Entering(door, services, settings, forms).add_to(api)
    Proving(door, services, forms).add_to(api)
    Home(
        door,
        services,
        settings.base_url,
        db=db,
        credits=credits,
        characters=characters,
        voices=voices,
        cast=cast,
        add_demo=add_demo,
    ).add_to(api)
    OwnVoices(
        door,
        pages,
        voices=voices,
        clones=clones,
        price=settings.prices.voice_clone,
        credits_left=credits_left,
    ).add_to(api)
    Trying(
        door,
        pages,
        settings,
        db=db,
        characters=characters,
        avatars=avatars,
        conversations=conversations,
    ).add_to(api)
    _add_making(api, door, pages, makers)
    _add_watching(api, door, watchers, settings.base_url, services)
    OperatorDesk(door, services, settings.base_url, db, credits).add_to(api)
    _add_ways_back(api)
    return api


def _add_making(api: APIRouter, door: Door, pages: Pages, makers: Makers) -> None:
    """The pages on which things are made."""
    OwnCharacters(door, makers).add_to(api)
    # Before the page of one character, whose address would match it as well.
    new = _going_to("/dashboard/characters/new")
    for address in ("/dashboard/characters/check", "/dashboard/characters/picture"):
        api.add_api_route(address, new, methods=["GET"])
    rate = makers.prices.conversation_audio_per_minute
    OneCharacter(door, pages, makers, talk_rate=rate).add_to(api)
    Playground(door, makers).add_to(api)
    OwnVideos(door, makers).add_to(api)


def _add_watching(
    api: APIRouter, door: Door, watchers: Watchers, base_url: str, services: AccountServices
) -> None:
    """The pages on which an eye is kept on things, one's own account among them."""
    Talks(door, watchers).add_to(api)
    Money(door, watchers).add_to(api)
    Hooks(door, watchers).add_to(api)
    Start(door, base_url, keys=services.keys, characters=watchers.characters).add_to(api)
    Design(door).add_to(api)
    OwnAccount(door, services).add_to(api)


def _add_ways_back(api: APIRouter) -> None:
    """A form's answer stands at the form's address: loading it again leads to the page before."""
    pages = (
        ("/verify/send", "/sign-in"),
        ("/reset/send", "/reset"),
        ("/dashboard/account/{form}", "/dashboard/account"),
        ("/dashboard/voices/check", "/dashboard/voices"),
        ("/operator/invitations", "/operator"),
    )
    for address, page in pages:
        api.add_api_route(address, _going_to(page), methods=["GET"])


def _going_to(page: str) -> Callable[[Request], Response]:
    def go(request: Request) -> Response:
        query = request.url.query
        return RedirectResponse(f"{page}?{query}" if query else page, 303)

    return go
