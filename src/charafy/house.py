"""The composition root, part one: every part of a running Charafy, made from the settings.

Part two is `app.py`, which puts HTTP in front. Nothing else builds an engine.
"""

from __future__ import annotations

from dataclasses import dataclass

from charafy.accounts.service import Accounts, AccountServices, Keys
from charafy.avatars.service import Avatars
from charafy.characters.service import Characters
from charafy.clone_services import CloneServices, shelf_of
from charafy.cloners import cloner_of, voice_room_of
from charafy.conversations.room import ConversationRoom
from charafy.credits.purchases import Purchases
from charafy.credits.service import Credits
from charafy.demo.room import DemoRoom
from charafy.embed.meter import Meter
from charafy.embed.room import EmbedRoom
from charafy.embed.service import Embeds
from charafy.engines.voice.cloning import Cloner
from charafy.engines.voice.deferred import DeferredVoice
from charafy.engines.voice.router import CloneShelf, VoiceRouter
from charafy.engines.voice.text import TextFrontEnd
from charafy.ground import Ground, lay_ground, voice_of
from charafy.kernel.clock import Clock, SystemClock
from charafy.kernel.db import Database
from charafy.kernel.fetch import Fetcher
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.http.limits import Limiter
from charafy.kernel.mail import Mailer
from charafy.kernel.metrics import Process
from charafy.kernel.observe import Metrics
from charafy.kernel.outside import Outside
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.kernel.traces import Traces
from charafy.rooms import (
    accounts_of,
    avatars_of,
    characters_of,
    chores_of,
    conversations_of,
    demo_of,
    embeds_of,
    guard_of,
    purchases_of,
    samples_of,
    services_of,
    speech_of,
    videos_of,
    webhooks_of,
)
from charafy.speech.service import Speech
from charafy.sweeper import Sweeper
from charafy.videos.room import VideoRoom
from charafy.voices.service import Samples, VoiceRoom, Voices
from charafy.webhooks.deliverer import Deliverer
from charafy.webhooks.service import Webhooks


@dataclass(frozen=True, slots=True)
class House:
    """Every part of a running Charafy. Whoever builds it closes it."""

    ground: Ground
    voice: DeferredVoice
    guard: Guard
    purchases: Purchases
    account_services: AccountServices
    voices: Voices
    voice_room: VoiceRoom
    samples: Samples
    characters: Characters
    avatars: Avatars
    embed_room: EmbedRoom
    demo: DemoRoom
    speech: Speech
    video_room: VideoRoom
    conversation_room: ConversationRoom
    webhooks: Webhooks
    deliverer: Deliverer
    outside: Outside
    clone_services: CloneServices
    sweeper: Sweeper

    @property
    def settings(self) -> Settings:
        return self.ground.settings

    @property
    def secret(self) -> bytes:
        return self.ground.secret

    @property
    def clock(self) -> Clock:
        return self.ground.clock

    @property
    def db(self) -> Database:
        return self.ground.db

    @property
    def metrics(self) -> Metrics:
        return self.ground.metrics

    @property
    def traces(self) -> Traces:
        return self.ground.traces

    @property
    def storage(self) -> Storage:
        return self.ground.storage

    @property
    def mailer(self) -> Mailer:
        return self.ground.mailer

    @property
    def fetcher(self) -> Fetcher:
        return self.ground.fetcher

    @property
    def idempotency(self) -> Idempotency:
        return self.ground.idempotency

    @property
    def limiter(self) -> Limiter:
        return self.ground.limiter

    @property
    def to_models(self) -> Outside:
        return self.ground.to_models

    @property
    def credits(self) -> Credits:
        return self.ground.credits

    @property
    def accounts(self) -> Accounts:
        return self.account_services.accounts

    @property
    def embeds(self) -> Embeds:
        return self.embed_room.embeds

    @property
    def keys(self) -> Keys:
        return self.account_services.keys

    def close(self) -> None:
        """Let everything go that this house opened; waits for what is under way, bounded."""
        self.avatars.close()
        self.speech.close()
        self.conversation_room.close()
        self.deliverer.close()
        self.outside.close()
        self.to_models.close()
        self.clone_services.close()
        self.keys.flush_last_used(now=True)
        self.mailer.close()
        self.fetcher.close()
        self.db.close()
        if self.ground.shared is not None:
            self.ground.shared.close()
        self.traces.close()


def _speaking(ground: Ground) -> tuple[TextFrontEnd, CloneShelf, DeferredVoice, CloneServices]:
    """What turns text into speech: shared by everything that speaks."""
    front_end, shelf = TextFrontEnd(), shelf_of(ground.storage)
    voice = voice_of(ground.settings, front_end, shelf, loading=ground.metrics.loading)
    return front_end, shelf, voice, services_of(ground, front_end)


def build_house(
    settings: Settings,
    *,
    clock: Clock | None = None,
    cloner: Cloner | None = None,
    process: Process = "api",
) -> House:
    """Make every part; opens the database but changes nothing in it and loads no model.

    `cloner` clones voices instead of the one that the settings name; `process`: whose house it is.
    """
    ground = lay_ground(settings, clock or SystemClock(), process)
    limiter = ground.limiter
    front_end, shelf, voice, services = _speaking(ground)
    router = VoiceRouter(voice, services.speakers, shelf)
    voices = Voices(ground.db, voice.voices, settings.base_url)
    characters = characters_of(ground, voices)
    avatars = avatars_of(ground, characters)
    webhooks, deliverer, outside = webhooks_of(ground)
    speech = speech_of(ground, router, front_end, characters, voices)
    cloner = cloner or cloner_of(settings, voice, front_end, services.cloners)
    voice_room = voice_room_of(
        ground, cloner, voices, shelf.forget, webhooks.emit, speakers=characters.count_with_voice
    )
    video_room = videos_of(ground, characters, speech, front_end, webhooks)
    meter = Meter(ground.db, ground.clock)
    talks = conversations_of(ground, characters, voices, webhooks, limiter, meter=meter)
    accounts = accounts_of(
        ground, characters, webhooks, voice_room, video_room, talks=talks, meter=meter
    )
    embed_room = embeds_of(ground, accounts.accounts, characters, avatars, talks=talks, meter=meter)
    demo = demo_of(
        ground, accounts.accounts, characters, voices, embeds=embed_room.embeds, speech=speech
    )
    chores = chores_of(ground, avatars, webhooks, voice_room, video_room, talks=talks)
    return House(
        ground=ground,
        voice=voice,
        guard=guard_of(accounts.keys, limiter, settings),
        purchases=purchases_of(ground),
        account_services=accounts,
        voices=voices,
        voice_room=voice_room,
        samples=samples_of(ground, speech, router),
        characters=characters,
        avatars=avatars,
        embed_room=embed_room,
        demo=demo,
        speech=speech,
        video_room=video_room,
        conversation_room=talks,
        webhooks=webhooks,
        deliverer=deliverer,
        outside=outside,
        clone_services=services,
        sweeper=Sweeper(chores | embed_room.sweeps() | accounts.chores() | demo.chores()),
    )
