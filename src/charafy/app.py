"""The composition root, part two: HTTP in front of the house."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import structlog
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.staticfiles import StaticFiles

from charafy import __version__
from charafy.accounts import admin
from charafy.accounts import routes as accounts_routes
from charafy.avatars import routes as avatars_routes
from charafy.characters import portrait_routes
from charafy.characters import routes as characters_routes
from charafy.characters.service import Character
from charafy.conversations import connect_routes
from charafy.conversations import routes as conversations_routes
from charafy.conversations.overview import Overviews
from charafy.counting import readings_of
from charafy.credits import routes as credits_routes
from charafy.credits.service import Books
from charafy.dashboard import routes as dashboard
from charafy.dashboard.door import SESSION_COOKIE
from charafy.dashboard.making import Makers
from charafy.dashboard.operator_health import Vitals
from charafy.dashboard.watching import Watchers
from charafy.demo import player_page
from charafy.demo import routes as demo_routes
from charafy.demo.world import create_demo_world, demo_characters, give_avatars
from charafy.embed import docs_page
from charafy.embed import routes as embed_routes
from charafy.embed.pages import EmbedPages
from charafy.engines.voice.kokoro import language_of
from charafy.house import House
from charafy.kernel.http import files, health
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.health import Check
from charafy.kernel.http.idempotency import LIFE_S
from charafy.kernel.http.intake import Vouch
from charafy.kernel.http.middleware import RequestContext
from charafy.kernel.lag import watch_lag
from charafy.kernel.migrate import current_revision
from charafy.kernel.observe import describe
from charafy.reference import routes as reference
from charafy.speech import openai_routes
from charafy.speech import routes as speech_routes
from charafy.videos import routes as videos_routes
from charafy.voices import routes as voices_routes
from charafy.web import player_files
from charafy.web.pages import Pages
from charafy.webhooks import routes as webhooks_routes

log = structlog.get_logger("charafy.app")

_TIDY_S = 86_400.0
API = "/api/v1"


def build_app(house: House) -> FastAPI:
    """HTTP in front of the house. Serving it does not close the house.

    Once `state.stopping` is set, it says that it is not ready.
    """
    app = FastAPI(
        title="Charafy API",
        version=__version__,
        lifespan=_lifespan(house),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect would lose the body of a POST in many clients; a 404 says what is wrong.
        redirect_slashes=False,
    )
    app.state.stopping = threading.Event()
    install_error_handlers(app)
    house.metrics.introduce("api", __version__)
    app.include_router(_api(house), prefix=API)
    app.include_router(files.router(house.storage))
    app.include_router(portrait_routes.router(house.storage))
    app.include_router(_health(house, app.state.stopping))
    pages = Pages(house.settings.livekit_sources)
    app.include_router(reference.router(app, pages, house.settings))
    app.include_router(_dashboard(house, pages))
    app.include_router(_player(house, pages))
    app.include_router(
        demo_routes.router(
            house.demo.sayings, house.limiter, house.settings, cast=house.demo.account.cast
        )
    )
    app.include_router(_embed(house, pages))
    app.include_router(docs_page.router(pages, house.settings.base_url, cast=lambda: _cast(house)))
    app.include_router(player_files.router())
    app.mount("/static", StaticFiles(packages=[("charafy.web", "static")]))
    app.add_middleware(
        RequestContext, metrics=house.metrics, vouch=_vouch(house), traces=house.traces
    )
    return app


def _health(house: House, stopping: threading.Event) -> APIRouter:
    token, readings = house.settings.metrics_token, readings_of(house.ground)
    checks = {"process": lambda: _stopping(stopping), **checks_of(house)}
    return health.router(house.metrics, checks, token, readings=readings)


def _stopping(stopping: threading.Event) -> str | None:
    return "This process is being stopped." if stopping.is_set() else None


def _vouch(house: House) -> Vouch:
    """Large bodies come from whoever has a key, and at the pages from whoever is signed in."""
    sessions = house.account_services.sessions

    def vouch(request: Request) -> None:
        token = request.cookies.get(SESSION_COOKIE)
        at_page = not request.url.path.startswith(API)
        if at_page and token and sessions.find(token[:200]):
            return
        house.guard.vouch(request)

    return vouch


def _api(house: House) -> APIRouter:
    """Everything under `/api/v1`, in the order of the reference."""
    guard, settings, talks = house.guard, house.settings, house.conversation_room
    services, idempotency = house.account_services, house.idempotency
    api = APIRouter()
    routers = (
        characters_routes.router(
            guard,
            house.characters,
            house.avatars,
            idempotency,
            plan_limit=lambda plan: settings.plan(plan).max_characters,
            credits_left=lambda account_id: credits_left(house, account_id),
        ),
        avatars_routes.router(
            guard,
            house.avatars,
            idempotency,
            credits_left=lambda account_id: credits_left(house, account_id),
        ),
        embed_routes.router(guard, house.embeds),
        voices_routes.router(
            guard, house.voices, house.voice_room.clones, house.samples, house.storage
        ),
        speech_routes.router(guard, house.speech),
        openai_routes.router(guard, house.speech),
        videos_routes.router(guard, house.video_room.videos),
        conversations_routes.router(guard, talks.conversations, idempotency),
        connect_routes.router(guard, talks.connecting),
        credits_routes.router(guard, house.db, house.credits, house.purchases, idempotency),
        accounts_routes.router(
            guard, services, idempotency=idempotency, db=house.db, settings=settings
        ),
        webhooks_routes.router(guard, house.webhooks, idempotency, db=house.db, clock=house.clock),
        admin.router(
            guard,
            services,
            credits=house.credits,
            idempotency=idempotency,
            db=house.db,
            settings=settings,
        ),
    )
    for router in routers:
        api.include_router(router)
    return api


def _dashboard(house: House, pages: Pages) -> APIRouter:
    return dashboard.router(
        pages,
        house.account_services,
        house.settings,
        house.secret,
        limiter=house.limiter,
        clones=house.voice_room.clones,
        makers=makers_of(house),
        watchers=watchers_of(house),
        vitals=Vitals(checks_of(house), readings_of(house.ground)),
        cast=lambda: _cast(house),
        tries=house.demo.account.is_open,
        add_demo=lambda account_id: create_demo_world(house.characters, account_id),
    )


def makers_of(house: House) -> Makers:
    """What pages stand on where something is made."""
    return Makers(
        characters=house.characters,
        avatars=house.avatars,
        voices=house.voices,
        speech=house.speech,
        videos=house.video_room.videos,
        idempotency=house.idempotency,
        prices=house.settings.prices,
        plan_limit=lambda plan: house.settings.plan(plan).max_characters,
        credits_left=lambda account_id: credits_left(house, account_id),
    )


def watchers_of(house: House) -> Watchers:
    """What pages stand on where something is kept an eye on."""
    return Watchers(
        db=house.db,
        clock=house.clock,
        characters=house.characters,
        conversations=house.conversation_room.conversations,
        overviews=Overviews(house.db),
        credits=house.credits,
        books=Books(house.db),
        purchases=house.purchases,
        webhooks=house.webhooks,
        idempotency=house.idempotency,
        embeds=house.embeds,
    )


def _player(house: House, pages: Pages) -> APIRouter:
    return player_page.router(
        pages,
        house.avatars,
        house.demo.lines,
        house.storage,
        base_url=house.settings.base_url,
        cast=lambda: _cast(house),
    )


def _embed(house: House, pages: Pages) -> APIRouter:
    return EmbedPages(
        pages,
        house.embed_room,
        house.settings,
        storage=house.storage,
        limiter=house.limiter,
    ).router()


def _cast(house: House) -> Sequence[Character]:
    """Who greets strangers: the house's own characters, else the owner's demo characters."""
    return house.demo.account.cast() or _owners_cast(house)


def _owners_cast(house: House) -> Sequence[Character]:
    owner = house.accounts.owner()
    return demo_characters(house.characters, owner.account_id) if owner else ()


def _lifespan(house: House) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # The voice loads beside the first requests, so that a restart answers at once.
        stopping, closing = threading.Event(), asyncio.Event()
        warming = asyncio.create_task(asyncio.to_thread(_warm, house, stopping), name="warm up")
        tidying = asyncio.create_task(_keep_tidy(house, closing), name="remove orphans")
        lag = asyncio.create_task(watch_lag(house.metrics.loop_lag_seconds), name="loop lag")
        await house.sweeper.start()
        house.deliverer.start()
        try:
            yield
        finally:
            await asyncio.to_thread(house.deliverer.stop)
            stopping.set()
            closing.set()
            lag.cancel()
            await house.sweeper.stop()
            await asyncio.gather(warming, tidying)

    return lifespan


def _warm(house: House, stopping: threading.Event) -> None:
    """What takes a while and may happen beside the first requests, one thing after the other."""
    _warm_voice(house)
    _warm_cast(house, stopping)


def _warm_cast(house: House, stopping: threading.Event) -> None:
    """Let the demo characters speak with their faces; done before after the first start."""
    if house.settings.voice_engine == "scripted":
        return  # a server for load tests: nothing else may use its cores
    try:
        give_avatars(house.avatars, [*_cast(house), *_owners_cast(house)], stopping.is_set)
    except Exception as error:  # noqa: BLE001 - still pictures serve as well
        log.error("demo_avatars_not_made", **describe(error))


def _warm_voice(house: House) -> None:
    """Load the voice and let it say a word: the first speech then is as quick as the next."""
    try:
        voice = house.voice.load()
        for name in _one_voice_each(voice.voices):
            for _chunk in voice.speak("Hi.", name, language_of(name)):
                pass
    except Exception as error:  # noqa: BLE001 - the server still answers; /readyz says what is missing
        log.error("voice_not_loaded", **describe(error))


async def _keep_tidy(house: House, closing: asyncio.Event) -> None:
    """At the start and every day after: a storage that was away has kept files of what is gone."""
    while not closing.is_set():
        await asyncio.to_thread(tidy, house)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), _TIDY_S)


def tidy(house: House) -> None:
    """Remove the files that a killed process left without a row; too slow for every minute."""
    try:
        house.characters.remove_orphans()
        house.voice_room.chores.remove_orphans()
        house.video_room.chores.remove_orphans()
        house.avatars.remove_orphans()
        forgotten = house.clock.now() - timedelta(seconds=LIFE_S + 3600)
        for key in house.storage.keys("speech/", older_than=forgotten):
            house.storage.delete(key)
    except Exception as error:  # noqa: BLE001 - a house with stray files serves as well
        log.error("orphans_not_removed", **describe(error))


def _one_voice_each(voices: Iterable[str]) -> list[str]:
    """The first voice of each language: each language has data of its own to load."""
    return list({language_of(name): name for name in reversed(list(voices))}.values())


def checks_of(house: House) -> Mapping[str, Check]:
    """What has to be well before this process is sent requests."""

    def database() -> str | None:
        with house.db.read() as tx:
            return None if current_revision(tx) else "The database has no schema yet."

    def voice() -> str | None:
        return None if house.voice.loaded else "The voice is still being loaded."

    return {"database": database, "voice": voice, "storage": house.storage.problem}


def credits_left(house: House, account_id: str) -> int:
    """What the account may still spend."""
    with house.db.read() as tx:
        return house.credits.balance(tx, account_id).available
