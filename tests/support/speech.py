"""The speech feature on its own: real ledger, real characters, a voice that tests control."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from limits.storage import MemoryStorage
from PIL import Image

from charafy.accounts.tables import accounts
from charafy.characters.photos import PhotoSource
from charafy.characters.service import Characters, Draft, OwnModels
from charafy.credits.service import Credits
from charafy.engines.voice.scripted import ScriptedFrontEnd
from charafy.ground import storage_of
from charafy.kernel.db import Database
from charafy.kernel.errors import Unauthorized
from charafy.kernel.fetch import Fetcher
from charafy.kernel.http.caller import ALL_SCOPES, Caller
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.http.limits import Limiter
from charafy.kernel.http.middleware import RequestContext
from charafy.kernel.ids import new_id
from charafy.kernel.media.images import PhotoReader
from charafy.kernel.observe import Metrics
from charafy.kernel.outside import Outside
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.speech import openai_routes
from charafy.speech import routes as speech_routes
from charafy.speech.service import Speech
from charafy.voices.service import Voices, preset_id
from tests.support.clock import ManualClock
from tests.support.voices import WatchedVoice

START_CREDITS = 100


@dataclass
class Stage:
    """Two accounts with a character each; the keys live, test and readonly are the first's."""

    app: FastAPI
    client: TestClient
    db: Database
    clock: ManualClock
    credits: Credits
    storage: Storage
    speech: Speech
    voice: WatchedVoice
    metrics: Metrics
    account_id: str
    character_id: str
    other_character_id: str

    def post(self, path: str, body: Any, key: str | None = "live", **headers: str) -> Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            given["x-api-key"] = key
        return self.client.post(f"/api/v1{path}", json=body, headers=given)

    def speak(self, text: str = "Hello, how are you?", **more: Any) -> Response:
        return self.post("/tts", {"character_id": self.character_id, "text": text} | more)

    @property
    def available(self) -> int:
        with self.db.read() as tx:
            return self.credits.balance(tx, self.account_id).available

    @property
    def charged(self) -> list[int]:
        """Amounts of the speeches that were charged, oldest first."""
        with self.db.read() as tx:
            entries = self.credits.recent(tx, self.account_id)
        return [-entry.amount for entry in reversed(entries) if entry.kind == "tts"]

    def settle(self) -> None:
        """Wait until no speech is under way, then check the books."""
        until = time.monotonic() + 10
        while self.speech.open_speeches and time.monotonic() < until:
            threading.Event().wait(0.005)
        assert self.speech.open_speeches == 0
        with self.db.read() as tx:
            assert self.credits.audit(tx) == []
            assert self.credits.balance(tx, self.account_id).held == 0

    def grant(self, amount: int) -> None:
        with self.db.write() as tx:
            self.credits.grant(
                tx, self.account_id, amount, kind="grant", reference=new_id(), description="More"
            )

    def spend_all_but(self, left: int) -> None:
        with self.db.write() as tx:
            self.credits.charge(
                tx,
                self.account_id,
                self.credits.balance(tx, self.account_id).available - left,
                kind="video",
                reference=new_id(),
                description="Spent",
            )


MakeStage = Callable[..., Stage]


def build(db: Database, clock: ManualClock, settings: Settings, voice: WatchedVoice) -> Stage:
    metrics = Metrics()
    credits = Credits(db, clock, metrics)
    storage = storage_of(settings, b"s" * 32, clock)
    voices = Voices(db, voice.voices, settings.base_url)
    characters = Characters(
        db,
        clock,
        storage=storage,
        voices=voices,
        photos=PhotoSource(Fetcher(clock), PhotoReader()),
        own_models=OwnModels(b"s" * 32, Outside()),
        base_url=settings.base_url,
    )
    speech = Speech(
        db,
        clock,
        voice=voice,
        front_end=ScriptedFrontEnd(),
        characters=characters,
        voices=voices,
        credits=credits,
        idempotency=Idempotency(db, clock),
        storage=storage,
        settings=settings,
        metrics=metrics,
    )
    ids = [_account(db, credits, characters) for _ in range(2)]
    guard = Guard(_keys(ids[0][0]), Limiter(MemoryStorage()), settings)
    app = _app(guard, speech, metrics)
    client = TestClient(app, raise_server_exceptions=False)
    return Stage(
        app, client, db, clock, credits, storage, speech, voice, metrics, *ids[0], ids[1][1]
    )


def _account(db: Database, credits: Credits, characters: Characters) -> tuple[str, str]:
    """An account with credits and an English character; their ids."""
    account_id = new_id()
    row = {
        "id": account_id,
        "email": f"{account_id}@example.com",
        "name": "",
        "role": "member",
        "status": "active",
        "plan": "standard",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    with db.write() as tx:
        tx.execute(accounts.insert(), row)
        credits.open(tx, account_id)
        credits.grant(
            tx, account_id, START_CREDITS, kind="grant", reference=new_id(), description="Start"
        )
    draft = Draft("Aria", preset_id("af_heart"), "en")
    return account_id, characters.create(account_id, draft, _photo(), limit=3).character_id


def _photo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(file, "PNG")
    return file.getvalue()


def _keys(account_id: str) -> Callable[[str], Caller]:
    def authenticate(key: str) -> Caller:
        if key not in ("live", "test", "readonly"):
            raise Unauthorized("This API key is not known.")
        scopes = frozenset({"voices:read"}) if key == "readonly" else frozenset(ALL_SCOPES)
        return Caller(account_id, "standard", "key", key == "test", scopes)

    return authenticate


def _app(guard: Guard, speech: Speech, metrics: Metrics) -> FastAPI:
    app = FastAPI()
    api = APIRouter(prefix="/api/v1")
    api.include_router(speech_routes.router(guard, speech))
    api.include_router(openai_routes.router(guard, speech))
    app.include_router(api)
    app.add_middleware(RequestContext, metrics=metrics)
    install_error_handlers(app)
    return app


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The app behind a real uvicorn on the loopback; its base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until = time.monotonic() + 10
        while not server.started and time.monotonic() < until:
            threading.Event().wait(0.005)
        assert server.started
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()
        listener.close()
