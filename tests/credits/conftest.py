"""A ledger with one account of 100 credits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from limits.storage import MemoryStorage
from pydantic import SecretStr

from charafy.credits.purchases import Purchases, gateway_from
from charafy.credits.routes import router
from charafy.credits.service import Credits
from charafy.kernel.db import Database
from charafy.kernel.errors import Unauthorized
from charafy.kernel.http.caller import ALL_SCOPES, Caller
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.http.limits import Limiter
from charafy.kernel.http.middleware import RequestContext
from charafy.kernel.ids import new_id
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock
from tests.support.fake_stripe import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, fake_stripe


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def credits(db: Database, clock: ManualClock, metrics: Metrics) -> Credits:
    return Credits(db, clock, metrics)


@pytest.fixture
def owner(db: Database, credits: Credits) -> str:
    """The id of an account with 100 credits."""
    account_id = new_id()
    with db.write() as tx:
        credits.open(tx, account_id)
        credits.grant(tx, account_id, 100, kind="grant", reference="start", description="Start")
    return account_id


@dataclass
class Api:
    """The credits routes behind a guard that knows four keys: live, test, readonly, stranger."""

    client: TestClient
    settings: Settings

    def get(self, path: str, key: str = "live") -> Any:
        return self.client.get(path, headers={"x-api-key": key})

    def post(self, path: str, body: Any, key: str = "live", **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, json=body, headers={"x-api-key": key} | given)


@contextmanager
def serve(
    settings: Settings, db: Database, clock: ManualClock, credits: Credits, owner: str
) -> Iterator[Api]:
    def authenticate(key: str) -> Caller:
        if key not in ("live", "test", "readonly", "stranger"):
            raise Unauthorized("This API key is not known.")
        account_id = "stranger" if key == "stranger" else owner
        scopes = frozenset({"credits:read"}) if key == "readonly" else frozenset(ALL_SCOPES)
        return Caller(account_id, "standard", "key", key == "test", scopes)

    with db.write() as tx:
        credits.open(tx, "stranger")
    guard = Guard(authenticate, Limiter(MemoryStorage()), settings)
    purchases = Purchases(db, clock, credits, settings, gateway_from(settings))
    app = FastAPI()
    app.add_middleware(RequestContext, metrics=Metrics())
    install_error_handlers(app)
    app.include_router(router(guard, db, credits, purchases, Idempotency(db, clock)))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Api(client, settings)


@pytest.fixture
def api(
    settings: Settings, db: Database, clock: ManualClock, credits: Credits, owner: str
) -> Iterator[Api]:
    """Without Stripe."""
    with serve(settings, db, clock, credits, owner) as served:
        yield served


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with fake_stripe() as fake:
        yield fake


@pytest.fixture
def shop(
    settings: Settings,
    db: Database,
    clock: ManualClock,
    credits: Credits,
    owner: str,
    stripe: FakeStripe,
) -> Iterator[Api]:
    """With the fake Stripe."""
    selling = settings.model_copy(
        update={
            "stripe_secret_key": SecretStr(SECRET_KEY),
            "stripe_webhook_secret": SecretStr(WEBHOOK_SECRET),
            "stripe_api_url": stripe.url,
            "credit_packs": (500, 1_000),
            "public_url": "https://charafy.example",
        }
    )
    with serve(selling, db, clock, credits, owner) as served:
        yield served
