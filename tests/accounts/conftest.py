"""The accounts feature on a real database, with quick password hashing and, for some, mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher

from charafy.accounts.service import Account, AccountServices, Passwords
from charafy.credits.service import Credits
from charafy.kernel.db import Database
from charafy.kernel.mail import Mailer
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock
from tests.support.postbox import Postbox

SECRET = b"s" * 32
PASSWORD = "correct horse"

Build = Callable[..., AccountServices]


@pytest.fixture
def credits(db: Database, clock: ManualClock) -> Credits:
    return Credits(db, clock, Metrics())


@pytest.fixture
def build(
    db: Database, clock: ManualClock, settings: Settings, credits: Credits
) -> Iterator[Build]:
    """Builds the feature; a second one on the same database is another process."""
    mailers: list[Mailer] = []

    def make(
        postbox: Postbox | None = None,
        *,
        changes: dict[str, object] | None = None,
        **options: object,
    ) -> AccountServices:
        mailer = Mailer(postbox.url() if postbox else None, "hello@charafy.example")
        mailers.append(mailer)
        weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        return AccountServices.build(
            db,
            clock,
            settings.model_copy(update=changes or {}),
            SECRET,
            credits=credits,
            mailer=mailer,
            passwords=Passwords(hasher=weak),
            **options,  # type: ignore[arg-type]
        )

    yield make
    for mailer in mailers:
        mailer.close()


@pytest.fixture
def services(build: Build) -> AccountServices:
    """Without a mail server."""
    return build()


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    box = Postbox()
    box.start()
    yield box
    box.stop()


@pytest.fixture
def mailing(build: Build, postbox: Postbox) -> AccountServices:
    """With a mail server."""
    return build(postbox)


@pytest.fixture
def sora(services: AccountServices) -> Account:
    return services.accounts.create("sora@example.com", name="Sora", password=PASSWORD)


@pytest.fixture
def owner(services: AccountServices) -> Account:
    return services.accounts.create("owner@localhost", role="owner", plan="owner")
