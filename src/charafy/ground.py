"""The composition root, the ground floor: what every feature stands on, and the voice."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass

from charafy.characters.photos import PhotoSource
from charafy.credits.service import Credits
from charafy.engines.voice import FrontEnd, Voice
from charafy.engines.voice.deferred import DeferredVoice
from charafy.engines.voice.kokoro import KokoroVoice, stock_names, stock_styles
from charafy.engines.voice.kokoro.clones import CloneStyles
from charafy.engines.voice.router import CloneShelf
from charafy.engines.voice.scripted import ScriptedVoice
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.weights import Store
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.fetch import Fetcher
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.mail import Mailer
from charafy.kernel.media.images import PhotoReader
from charafy.kernel.observe import Metrics
from charafy.kernel.outside import Outside
from charafy.kernel.settings import Settings, load_secret
from charafy.kernel.storage import Storage

VOICE_MODEL = "kokoro"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the features stand on."""

    settings: Settings
    secret: bytes
    clock: Clock
    db: Database
    metrics: Metrics
    storage: Storage
    mailer: Mailer
    fetcher: Fetcher
    to_models: Outside
    """The way to language models that characters bring along."""
    tls: ssl.SSLContext
    idempotency: Idempotency
    credits: Credits
    photos: PhotoSource


def lay_ground(settings: Settings, clock: Clock) -> Ground:
    """Open the database and whatever else is shared; changes nothing in it."""
    secret = load_secret(settings.home)
    db = Database(settings.db_url)
    metrics = Metrics()
    # Reading the machine's certificates takes 20 ms: once for everybody who goes outside.
    tls = ssl.create_default_context()
    fetcher = Fetcher(clock, allowed_hosts=settings.fetch_allowed_hosts, tls=tls)
    return Ground(
        settings=settings,
        secret=secret,
        clock=clock,
        db=db,
        metrics=metrics,
        storage=Storage(settings.media, secret, settings.base_url, clock),
        mailer=_mailer(settings),
        fetcher=fetcher,
        to_models=Outside(allowed_hosts=settings.llm_allowed_hosts, tls=tls),
        tls=tls,
        idempotency=Idempotency(db, clock),
        credits=Credits(db, clock, metrics),
        photos=PhotoSource(fetcher, PhotoReader()),
    )


def voice_of(settings: Settings, front_end: FrontEnd, shelf: CloneShelf) -> DeferredVoice:
    """The voice that the settings name; its model is loaded when it is first needed.

    It also speaks with those clones on `shelf` that are its own.
    """
    names = stock_names()

    def load() -> Voice:
        if settings.voice_engine == "scripted":
            return ScriptedVoice(names)
        model = Store(settings.models).ensure(VOICE_MODEL)
        styles = CloneStyles(stock_styles(), shelf.read)
        shelf.tell(styles.forget)
        cores = os.cpu_count() or 1
        return KokoroVoice(
            model,
            styles,
            front_end,
            cache_dir=settings.models / "derived",
            british=TextFrontEnd(english="british"),
            threads=settings.voice_threads or min(2, cores),
            concurrency=settings.voice_concurrency or max(1, cores // 2),
        )

    return DeferredVoice(names, load)


def _mailer(settings: Settings) -> Mailer:
    url = settings.smtp_url.get_secret_value() if settings.smtp_url else None
    return Mailer(url, settings.mail_from)
