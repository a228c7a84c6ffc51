"""The composition root, the ground floor: what every feature stands on, and the voice."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from limits.storage import MemoryStorage

from charafy import __version__
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
from charafy.kernel.fingerprints import keep_same, require_same, take_over
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.http.limits import Limiter
from charafy.kernel.mail import Mailer
from charafy.kernel.media.images import PhotoReader
from charafy.kernel.metrics import Process
from charafy.kernel.migrate import migrate
from charafy.kernel.observe import Metrics
from charafy.kernel.outside import Outside
from charafy.kernel.secret_settings import SecretRefused, load_secret, of_another_database
from charafy.kernel.settings import Settings
from charafy.kernel.shared import Shared
from charafy.kernel.storage import Storage
from charafy.kernel.stores import store_of
from charafy.kernel.traces import Traces, traces_of

VOICE_MODEL = "kokoro"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the features stand on."""

    settings: Settings
    secret: bytes
    clock: Clock
    db: Database
    metrics: Metrics
    traces: Traces
    storage: Storage
    mailer: Mailer
    fetcher: Fetcher
    to_models: Outside
    """The way to language models that characters bring along."""
    tls: ssl.SSLContext
    idempotency: Idempotency
    shared: Shared | None
    """What several processes share; None when each is by itself."""
    limiter: Limiter
    credits: Credits
    photos: PhotoSource

    def check_redis(self, *, may_be_away: bool = False) -> None:
        """Raises `RedisRefused` when there is to be a Redis and it can't be used."""
        if self.shared is not None:
            self.shared.check(may_be_away=may_be_away)

    def make_current(self, *, serves: bool = False) -> None:
        """Bring the schema to this version's, unless the database belongs to another secret.

        `serves`: one that belongs to none yet is our secret's from now on. A command that looks in
        for a moment decides nothing like that: it may have been started with another data folder.
        Raises `DatabaseRefused`, `SecretRefused`.
        """
        self.db.answers()
        require_same(self.db, self.secret, self._refused)  # before anything is changed in it
        migrate(self.db)
        if serves:
            keep_same(self.db, self.secret, self.clock, self._refused)

    def take_database(self) -> None:
        """Bring the schema to this version's, and have the database belong to our secret.

        What was made under another ends. Raises `DatabaseRefused`.
        """
        migrate(self.db)
        with self.db.write() as tx:
            take_over(tx, self.secret, self.clock)

    def _refused(self) -> SecretRefused:
        return of_another_database(self.settings.home, self.settings.secret)


def lay_ground(settings: Settings, clock: Clock, process: Process = "api") -> Ground:
    """Open the database and whatever else is shared; changes nothing in it.

    Raises `SecretRefused`.
    """
    secret = load_secret(settings.home, settings.secret)
    metrics = Metrics()
    traces = traces_of(settings, process, __version__)
    db = Database(settings.db_url, around_write=_watching(metrics, traces))
    metrics.watch_connections(lambda: db.connections[0], db.connections[1])
    # Reading the machine's certificates takes 20 ms: once for everybody who goes outside.
    tls = ssl.create_default_context()
    shared = _shared(settings, secret, clock, metrics)
    fetcher = Fetcher(clock, allowed_hosts=settings.fetch_allowed_hosts, tls=tls)
    return Ground(
        settings=settings,
        secret=secret,
        clock=clock,
        db=db,
        metrics=metrics,
        traces=traces,
        storage=storage_of(settings, secret, clock),
        mailer=_mailer(settings),
        fetcher=fetcher,
        to_models=Outside(allowed_hosts=settings.llm_allowed_hosts, tls=tls),
        tls=tls,
        idempotency=Idempotency(db, clock),
        shared=shared,
        limiter=Limiter(MemoryStorage(), shared),
        credits=Credits(db, clock, metrics, shared),
        photos=PhotoSource(fetcher, PhotoReader()),
    )


def storage_of(settings: Settings, secret: bytes, clock: Clock) -> Storage:
    """Where the settings say that media are kept. Raises `StorageRefused`."""
    sends_on = settings.bucket is not None and settings.storage_links == "redirect"
    sent_on_s = settings.storage_link_s if sends_on else None
    store = store_of(settings.bucket, settings.media)
    return Storage(store, secret, settings.base_url, clock, sent_on_s=sent_on_s)


def _watching(metrics: Metrics, traces: Traces) -> Callable[[], AbstractContextManager[object]]:
    """Around every unit of work that writes."""
    if not traces.on:
        return metrics.db_write_seconds.time

    @contextmanager
    def watch() -> Iterator[None]:
        with metrics.db_write_seconds.time(), traces.span("db.write", inside=True):
            yield

    return watch


def voice_of(
    settings: Settings,
    front_end: FrontEnd,
    shelf: CloneShelf,
    *,
    loading: Callable[[str], AbstractContextManager[object]],
) -> DeferredVoice:
    """The voice that the settings name; its model is loaded when it is first needed.

    It also speaks with those clones on `shelf` that are its own. `loading`: see `Metrics.loading`.
    """
    names = stock_names()

    def load() -> Voice:
        if settings.voice_engine == "scripted":
            return ScriptedVoice(names)
        model = Store(settings.models).ensure(VOICE_MODEL)
        styles = CloneStyles(stock_styles(), shelf.read)
        shelf.tell(styles.forget)
        cores = os.cpu_count() or 1
        with loading(VOICE_MODEL):
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


def _shared(settings: Settings, secret: bytes, clock: Clock, metrics: Metrics) -> Shared | None:
    if settings.redis_url is None:
        return None
    return Shared(settings.redis_url.get_secret_value(), secret, clock, metrics)


def _mailer(settings: Settings) -> Mailer:
    url = settings.smtp_url.get_secret_value() if settings.smtp_url else None
    return Mailer(url, settings.mail_from)
