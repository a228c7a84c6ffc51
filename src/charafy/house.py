"""The composition root, part one: every part of a running Charafy, made from the settings.

Part two is `app.py`, which puts HTTP in front. Nothing else builds an engine.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from limits.storage import MemoryStorage

from charafy.accounts.service import Accounts, AccountServices, EraseFiles, Keys
from charafy.avatars.bakery import MODEL as PORTRAIT_MODEL
from charafy.avatars.bakery import AsideBakery
from charafy.avatars.rigs import RigCache
from charafy.avatars.service import Avatars
from charafy.avatars.till import till_of as avatar_till
from charafy.characters.service import Characters
from charafy.clone_services import CloneServices, clone_services, shelf_of
from charafy.cloners import cloner_of, voice_room_of
from charafy.credits.purchases import Purchases, gateway_from
from charafy.credits.service import Credits
from charafy.embed.service import Embeds
from charafy.engines.voice import FrontEnd
from charafy.engines.voice.cloning import Cloner
from charafy.engines.voice.deferred import DeferredVoice
from charafy.engines.voice.router import VoiceRouter
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.weights import MANIFEST, Store
from charafy.ground import Ground, lay_ground, voice_of
from charafy.kernel.clock import Clock, SystemClock
from charafy.kernel.db import Database
from charafy.kernel.fetch import Fetcher
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.http.limits import Limiter
from charafy.kernel.mail import Mailer
from charafy.kernel.observe import Metrics
from charafy.kernel.outside import Outside
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.matching import Likeness, transcriber_of
from charafy.speech.service import Speech
from charafy.sweeper import Chore, Sweeper
from charafy.videos.room import VideoRoom
from charafy.voices.service import Samples, VoiceRoom, Voices
from charafy.webhooks.deliverer import WORKERS, Deliverer
from charafy.webhooks.sending import Sender
from charafy.webhooks.service import Webhooks
from charafy.webhooks.signing import Secrets


@dataclass(frozen=True, slots=True)
class House:
    """Every part of a running Charafy. Whoever builds it closes it."""

    settings: Settings
    secret: bytes
    clock: Clock
    db: Database
    metrics: Metrics
    storage: Storage
    mailer: Mailer
    fetcher: Fetcher
    voice: DeferredVoice
    idempotency: Idempotency
    limiter: Limiter
    guard: Guard
    credits: Credits
    purchases: Purchases
    account_services: AccountServices
    voices: Voices
    voice_room: VoiceRoom
    samples: Samples
    characters: Characters
    avatars: Avatars
    embeds: Embeds
    speech: Speech
    video_room: VideoRoom
    webhooks: Webhooks
    deliverer: Deliverer
    outside: Outside
    clone_services: CloneServices
    sweeper: Sweeper

    @property
    def accounts(self) -> Accounts:
        return self.account_services.accounts

    @property
    def keys(self) -> Keys:
        return self.account_services.keys

    def close(self) -> None:
        """Let everything go that this house opened; waits for what is under way, bounded."""
        self.avatars.close()
        self.speech.close()
        self.deliverer.close()
        self.outside.close()
        self.clone_services.close()
        self.keys.flush_last_used(now=True)
        self.mailer.close()
        self.fetcher.close()
        self.db.close()


def build_house(
    settings: Settings, *, clock: Clock | None = None, cloner: Cloner | None = None
) -> House:
    """Make every part; opens the database but changes nothing in it and loads no model.

    `cloner` clones voices instead of the one that the settings name.
    """
    ground = lay_ground(settings, clock or SystemClock())
    db, storage, idempotency = ground.db, ground.storage, ground.idempotency
    limiter = Limiter(MemoryStorage())
    front_end = TextFrontEnd()
    shelf = shelf_of(storage)
    voice = voice_of(settings, front_end, shelf)
    services = clone_services(
        settings,
        front_end,
        tls=ground.tls,
        score=Likeness(),
        transcribe=transcriber_of(settings),
    )
    voices = Voices(db, voice.voices, settings.base_url)
    characters = _characters(ground, voices)
    avatars = _avatars(ground, characters)
    webhooks, deliverer, outside = _webhooks(ground)
    router = VoiceRouter(voice, services.speakers, shelf)
    speech = _speech(ground, router, front_end, characters, voices)
    cloner = cloner or cloner_of(settings, voice, front_end, services.cloners)
    voice_room = voice_room_of(
        ground, cloner, voices, emit=webhooks.emit, speakers=characters.count_with_voice
    )
    video_room = _videos(ground, characters, speech, front_end, webhooks)
    accounts = _accounts(ground, characters, webhooks, voice_room, video_room)
    return House(
        settings=settings,
        secret=ground.secret,
        clock=ground.clock,
        db=db,
        metrics=ground.metrics,
        storage=storage,
        mailer=ground.mailer,
        fetcher=ground.fetcher,
        voice=voice,
        idempotency=idempotency,
        limiter=limiter,
        guard=_guard(accounts.keys, limiter, settings),
        credits=ground.credits,
        purchases=Purchases(db, ground.clock, ground.credits, settings, gateway_from(settings)),
        account_services=accounts,
        voices=voices,
        voice_room=voice_room,
        samples=Samples(storage, speech.render_sample, settings.voice_engine),
        characters=characters,
        avatars=avatars,
        embeds=Embeds(db, characters),
        speech=speech,
        video_room=video_room,
        webhooks=webhooks,
        deliverer=deliverer,
        outside=outside,
        clone_services=services,
        sweeper=Sweeper(
            _chores(ground, avatars, webhooks)
            | voice_room.sweeps()
            | video_room.sweeps()
            | accounts.chores()
        ),
    )


def _guard(keys: Keys, limiter: Limiter, settings: Settings) -> Guard:
    return Guard(keys.authenticate, limiter, settings, remembers=keys.remembers)


def _characters(ground: Ground, voices: Voices) -> Characters:
    return Characters(
        ground.db,
        ground.clock,
        storage=ground.storage,
        voices=voices,
        photos=ground.photos,
        base_url=ground.settings.base_url,
    )


def _avatars(ground: Ground, characters: Characters) -> Avatars:
    settings = ground.settings
    folder = settings.models / MANIFEST[PORTRAIT_MODEL].path
    return Avatars(
        ground.db,
        ground.clock,
        characters=characters,
        storage=ground.storage,
        bakery=AsideBakery(Store(settings.models), folder),
        rigs=RigCache(settings.home / "cache" / "rigs"),
        read_photo=ground.photos.read,
        till=avatar_till(ground.db, ground.clock, ground.credits, settings),
    )


def _webhooks(ground: Ground) -> tuple[Webhooks, Deliverer, Outside]:
    settings, db, clock = ground.settings, ground.db, ground.clock
    secrets, bell = Secrets(ground.secret), threading.Event()
    # A way out of their own: slow receivers must not hold up the downloads of photos.
    outside = Outside(
        allowed_hosts=settings.webhook_allowed_hosts, tls=ground.tls, resolvers=WORKERS
    )
    webhooks = Webhooks(
        db,
        clock,
        secrets,
        outside,
        bell=bell,
        per_account=settings.webhooks_per_account,
        log_days=settings.webhook_log_days,
    )
    sender = Sender(clock, secrets, outside)
    return webhooks, Deliverer(db, clock, sender, ground.metrics, bell=bell), outside


def _videos(
    ground: Ground,
    characters: Characters,
    speech: Speech,
    front_end: FrontEnd,
    webhooks: Webhooks,
) -> VideoRoom:
    return VideoRoom.build(
        ground.db,
        ground.clock,
        ground.settings,
        characters=characters,
        speech=speech,
        front_end=front_end,
        credits=ground.credits,
        idempotency=ground.idempotency,
        storage=ground.storage,
        fetcher=ground.fetcher,
        emit=webhooks.emit,
    )


def _accounts(
    ground: Ground,
    characters: Characters,
    webhooks: Webhooks,
    voice_room: VoiceRoom,
    video_room: VideoRoom,
) -> AccountServices:
    return AccountServices.build(
        ground.db,
        ground.clock,
        ground.settings,
        ground.secret,
        credits=ground.credits,
        mailer=ground.mailer,
        on_delete=(
            webhooks.erase,
            video_room.videos.erase,
            characters.erase,
            voice_room.clones.erase,
            ground.credits.close,
            ground.idempotency.forget,
        ),
        erase_files=_erasing(
            (characters.erase_files, video_room.videos.erase_files, voice_room.clones.erase_files),
            ground.idempotency,
            ground.storage,
        ),
    )


def _speech(
    ground: Ground,
    voice: VoiceRouter,
    front_end: FrontEnd,
    characters: Characters,
    voices: Voices,
) -> Speech:
    return Speech(
        ground.db,
        ground.clock,
        voice=voice,
        front_end=front_end,
        characters=characters,
        voices=voices,
        credits=ground.credits,
        idempotency=ground.idempotency,
        storage=ground.storage,
        settings=ground.settings,
        metrics=ground.metrics,
        waits=voice.waits,
    )


def _chores(ground: Ground, avatars: Avatars, webhooks: Webhooks) -> dict[str, Chore]:
    def forget_requests() -> None:
        for key in ground.idempotency.sweep():
            ground.storage.delete(key)

    return {
        "holds": ground.credits.release_expired,
        "requests": forget_requests,
        "rigs": avatars.forget_gone,
        "webhooks": webhooks.sweep,
    }


def _erasing(
    features: Sequence[EraseFiles], idempotency: Idempotency, storage: Storage
) -> EraseFiles:
    def erase_files(account_id: str) -> None:
        for erase in features:
            erase(account_id)
        for key in idempotency.stored(account_id):
            storage.delete(key)

    return erase_files
