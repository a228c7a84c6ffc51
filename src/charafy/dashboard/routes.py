"""All pages of the dashboard, at the server's root."""

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from charafy.accounts.service import AccountServices
from charafy.characters.service import Character
from charafy.dashboard.character import OneCharacter
from charafy.dashboard.characters import OwnCharacters
from charafy.dashboard.conversations import Talks
from charafy.dashboard.credits import Money
from charafy.dashboard.design import Design
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.embedding import Embedding
from charafy.dashboard.entering import Entering
from charafy.dashboard.forms import Forms
from charafy.dashboard.front import Front
from charafy.dashboard.home import Home
from charafy.dashboard.making import Makers
from charafy.dashboard.operator_desk import OperatorDesk
from charafy.dashboard.operator_health import OperatorHealth, Vitals
from charafy.dashboard.own_account import OwnAccount
from charafy.dashboard.proving import Proving
from charafy.dashboard.speech import Playground
from charafy.dashboard.start import Start
from charafy.dashboard.trying import Trying
from charafy.dashboard.videos import OwnVideos
from charafy.dashboard.voices import OwnVoices
from charafy.dashboard.watching import Watchers
from charafy.dashboard.webhooks import Hooks
from charafy.kernel.errors import NotFound
from charafy.kernel.http.limits import Limiter
from charafy.kernel.settings import Settings
from charafy.voices.service import Clones
from charafy.web.pages import Pages


def router(
    pages: Pages,
    services: AccountServices,
    settings: Settings,
    secret: bytes,
    *,
    limiter: Limiter,
    clones: Clones,
    makers: Makers,
    watchers: Watchers,
    vitals: Vitals,
    cast: Callable[[], Sequence[Character]],
    tries: Callable[[], bool],
    add_demo: Callable[[str], Sequence[Character]],
) -> APIRouter:
    """`cast`: the characters that greet strangers on the front page, none at all if there are
    none; `tries`: whether strangers may have them say something; `add_demo`: gives an account the
    demo characters."""
    door = Door(pages, services.sessions, limiter, settings, secret, purse=makers.credits_left)
    api = APIRouter(include_in_schema=False, route_class=door.route_class())
    forms = Forms(door, services, settings, makers.voices, cast)
    Front(door, pages, settings, forms, tries).add_to(api)
    Entering(door, services, settings, forms).add_to(api)
    Proving(door, services, forms).add_to(api)
    Home(
        door,
        services,
        settings.base_url,
        db=watchers.db,
        credits=watchers.credits,
        idempotency=watchers.idempotency,
        characters=makers.characters,
        voices=makers.voices,
        cast=cast,
        add_demo=add_demo,
    ).add_to(api)
    OwnVoices(
        door,
        pages,
        voices=makers.voices,
        clones=clones,
        price=settings.prices.voice_clone,
        credits_left=makers.credits_left,
    ).add_to(api)
    Trying(
        door,
        pages,
        settings,
        db=watchers.db,
        characters=makers.characters,
        avatars=makers.avatars,
        conversations=watchers.conversations,
    ).add_to(api)
    _add_making(api, door, pages, makers)
    _add_watching(api, door, watchers, settings.base_url, services)
    OperatorDesk(door, services, settings.base_url, watchers).add_to(api)
    OperatorHealth(door, settings, watchers, vitals).add_to(api)
    _add_ways_back(api)
    _add_nothing_there(api, door)
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
    Embedding(door, watchers.embeds, watchers.characters, base_url).add_to(api)
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


def _add_nothing_there(api: APIRouter, door: Door) -> None:
    """Addresses of the dashboard that lead nowhere answer with a page as well."""

    @api.get("/dashboard/{nowhere:path}")
    def nothing(_visitor: Annotated[Visitor, Depends(door.member)]) -> Response:
        raise NotFound("There is no such page.")


def _going_to(page: str) -> Callable[[Request], Response]:
    def go(request: Request) -> Response:
        query = request.url.query
        return RedirectResponse(f"{page}?{query}" if query else page, 303)

    return go
