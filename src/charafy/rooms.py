"""The composition root: each room of the house, made from the ground it stands on."""

from __future__ import annotations

from collections.abc import Sequence

from charafy.accounts.service import Accounts, AccountServices, EraseFiles, Keys
from charafy.avatars.bakery import MODEL as PORTRAIT_MODEL
from charafy.avatars.bakery import AsideBakery
from charafy.avatars.rigs import RigCache
from charafy.avatars.service import Avatars
from charafy.avatars.till import till_of as avatar_till
from charafy.characters.service import Characters, OwnModels
from charafy.clone_services import CloneServices, clone_services
from charafy.conversations.room import ConversationRoom
from charafy.counting import counted
from charafy.credits.purchases import Purchases, gateway_from
from charafy.demo.room import DemoRoom
from charafy.embed.meter import Meter
from charafy.embed.room import EmbedRoom, tell_both
from charafy.embed.service import Embeds
from charafy.engines.voice import FrontEnd
from charafy.engines.voice.router import VoiceRouter
from charafy.engines.weights import MANIFEST, Store
from charafy.ground import Ground
from charafy.kernel.bell import Bell
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.http.limits import Limiter
from charafy.kernel.outside import Outside
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.matching import Likeness, transcriber_of
from charafy.speech.service import Speech
from charafy.sweeper import Chore
from charafy.videos.room import VideoRoom
from charafy.voices.service import Samples, VoiceRoom, Voices
from charafy.webhooks.deliverer import WORKERS, Deliverer
from charafy.webhooks.sending import Sender
from charafy.webhooks.service import Webhooks
from charafy.webhooks.signing import Secrets


def guard_of(keys: Keys, limiter: Limiter, settings: Settings) -> Guard:
    return Guard(keys.authenticate, limiter, settings, remembers=keys.remembers)


def characters_of(ground: Ground, voices: Voices) -> Characters:
    return Characters(
        ground.db,
        ground.clock,
        storage=ground.storage,
        voices=voices,
        photos=ground.photos,
        own_models=OwnModels(ground.secret, ground.to_models),
        base_url=ground.settings.base_url,
    )


def avatars_of(ground: Ground, characters: Characters) -> Avatars:
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


def webhooks_of(ground: Ground) -> tuple[Webhooks, Deliverer, Outside]:
    settings, db, clock = ground.settings, ground.db, ground.clock
    secrets, bell = Secrets(ground.secret), Bell("webhooks", ground.shared)
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


def videos_of(
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
        emit=counted(webhooks.emit, ground.metrics),
        traces=ground.traces,
    )


def conversations_of(
    ground: Ground,
    characters: Characters,
    voices: Voices,
    webhooks: Webhooks,
    limiter: Limiter,
    *,
    meter: Meter,
) -> ConversationRoom:
    return ConversationRoom.build(
        ground.db,
        ground.clock,
        ground.settings,
        ground.secret,
        characters=characters,
        voices=voices,
        credits=ground.credits,
        emit=tell_both(counted(webhooks.emit, ground.metrics), meter.hear),
        limiter=limiter,
        tls=ground.tls,
        traces=ground.traces,
    )


def embeds_of(
    ground: Ground,
    accounts: Accounts,
    characters: Characters,
    avatars: Avatars,
    *,
    talks: ConversationRoom,
    meter: Meter,
) -> EmbedRoom:
    return EmbedRoom.build(
        ground.db,
        ground.clock,
        ground.settings,
        ground.secret,
        accounts=accounts,
        characters=characters,
        avatars=avatars,
        conversations=talks.conversations,
        meter=meter,
        storage=ground.storage,
    )


def demo_of(
    ground: Ground,
    accounts: Accounts,
    characters: Characters,
    voices: Voices,
    *,
    embeds: Embeds,
    speech: Speech,
) -> DemoRoom:
    return DemoRoom.build(
        ground.db,
        ground.clock,
        ground.settings,
        ground.secret,
        accounts=accounts,
        credits=ground.credits,
        characters=characters,
        voices=voices,
        embeds=embeds,
        speech=speech,
        storage=ground.storage,
    )


def accounts_of(
    ground: Ground,
    characters: Characters,
    webhooks: Webhooks,
    voice_room: VoiceRoom,
    video_room: VideoRoom,
    *,
    talks: ConversationRoom,
    meter: Meter,
) -> AccountServices:
    return AccountServices.build(
        ground.db,
        ground.clock,
        ground.settings,
        ground.secret,
        credits=ground.credits,
        mailer=ground.mailer,
        shared=ground.shared,
        on_delete=(
            webhooks.erase,
            video_room.videos.erase,
            talks.conversations.erase,
            meter.erase,
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


def speech_of(
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
        traces=ground.traces,
    )


def purchases_of(ground: Ground) -> Purchases:
    settings = ground.settings
    return Purchases(ground.db, ground.clock, ground.credits, settings, gateway_from(settings))


def samples_of(ground: Ground, speech: Speech, voice: VoiceRouter) -> Samples:
    return Samples(
        ground.storage, speech.render_sample, ground.settings.voice_engine, waits=voice.waits
    )


def services_of(ground: Ground, front_end: FrontEnd) -> CloneServices:
    """Services that clone voices, measured and told what is said as our own cloners are."""
    return clone_services(
        ground.settings,
        front_end,
        tls=ground.tls,
        score=Likeness(),
        transcribe=transcriber_of(ground.settings),
    )


def chores_of(
    ground: Ground,
    avatars: Avatars,
    webhooks: Webhooks,
    voice_room: VoiceRoom,
    video_room: VideoRoom,
    *,
    talks: ConversationRoom,
) -> dict[str, Chore]:
    """Rooms first: what holds credits is to end with its reason before they go by themselves."""

    def forget_requests() -> None:
        for key in ground.idempotency.sweep():
            ground.storage.forget(key)

    rooms = talks.sweeps() | voice_room.sweeps() | video_room.sweeps()
    return rooms | {
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
