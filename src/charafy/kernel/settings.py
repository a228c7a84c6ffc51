"""Every setting of the house, read once from `CHARAFY_*` and passed down as one frozen value."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from charafy.kernel.clone_settings import CloneServiceSettings
from charafy.kernel.conversation_settings import ConversationSettings
from charafy.kernel.db_url import DatabaseRefused, proper_url
from charafy.kernel.demo_settings import DemoSettings
from charafy.kernel.language_settings import LanguageSettings
from charafy.kernel.livekit_settings import LiveKitSettings
from charafy.kernel.redis_settings import RedisSettings
from charafy.kernel.secret_settings import SecretSettings
from charafy.kernel.serving_settings import ServingSettings
from charafy.kernel.storage_settings import StorageSettings
from charafy.kernel.talk_settings import TalkSettings
from charafy.kernel.trace_settings import TraceSettings
from charafy.kernel.watch_settings import WatchSettings

_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - recognised here, not bound


class Prices(BaseModel):
    """The price book, in credits (1 credit = $0.01)."""

    model_config = ConfigDict(frozen=True)

    tts_per_100_chars: int = Field(1, ge=0, description="Speech: per started 100 characters.")
    conversation_audio_per_minute: int = Field(5, ge=0, description="Voice conversation.")
    conversation_video_per_minute: int = Field(8, ge=0, description="Video conversation.")
    avatar: int = Field(8, ge=0, description="Making an avatar from a photo.")
    video_per_second: int = Field(6, ge=0, description="Talking-head video.")
    voice_clone: int = Field(100, ge=0, description="Cloning a voice.")


class Plan(BaseModel):
    """What an account may use at once, whatever its credits."""

    model_config = ConfigDict(frozen=True)

    max_characters: int = Field(50, ge=0, description="Characters an account may have.")
    max_voices: int = Field(30, ge=0, description="Cloned voices an account may have.")
    requests_per_minute: int = Field(600, ge=1, description="Requests of all live keys together.")
    test_requests_per_minute: int = Field(
        60, ge=1, description="Requests of all test keys together."
    )
    test_chars_per_day: int = Field(
        20_000, ge=0, description="Characters that all test keys together may have spoken a day."
    )
    concurrent_speech: int = Field(8, ge=1, description="Speeches being made at the same time.")
    video_queue_limit: int = Field(
        20, ge=0, description="Videos of an account that wait or are being made."
    )
    test_video_seconds_per_day: int = Field(
        120, ge=0, description="Seconds of video that all test keys together may have made a day."
    )
    test_avatars_per_day: int = Field(
        20, ge=0, description="Avatars that all test keys together may have made a day."
    )
    test_clones_per_day: int = Field(
        3, ge=0, description="Voices that all test keys together may clone a day."
    )
    test_conversation_seconds_per_day: int = Field(
        3_600, ge=0, description="Seconds that all test keys together may talk a day."
    )


def _default_plans() -> dict[str, Plan]:
    return {
        "free": Plan(
            max_characters=3,
            max_voices=3,
            requests_per_minute=120,
            concurrent_speech=2,
            video_queue_limit=3,
        ),
        "standard": Plan(),
        "owner": Plan(
            max_characters=10_000,
            max_voices=10_000,
            requests_per_minute=1_000_000,
            test_chars_per_day=1_000_000,
            concurrent_speech=64,
            video_queue_limit=1_000,
            test_video_seconds_per_day=100_000,
            test_avatars_per_day=10_000,
            test_clones_per_day=10_000,
            test_conversation_seconds_per_day=1_000_000,
        ),
    }


class Settings(
    LiveKitSettings,
    ConversationSettings,
    TalkSettings,
    LanguageSettings,
    CloneServiceSettings,
    DemoSettings,
    RedisSettings,
    SecretSettings,
    WatchSettings,
    StorageSettings,
    ServingSettings,
    TraceSettings,
):
    """Frozen; `Settings()` reads the environment, tests pass values."""

    model_config = SettingsConfigDict(
        env_prefix="CHARAFY_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # what is refused may hold passwords
    )

    home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("charafy", appauthor=False)),
        description="Data folder: database, media and secrets.",
    )
    models: Path = Field(
        default_factory=lambda: (
            Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
        ),
        description="Folder of verified model files, shared by all servers of this user.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    public_url: str | None = Field(
        None, description="Address users reach the server at; default: host and port."
    )
    database_url: SecretStr | None = Field(
        None,
        description="Database: postgresql://user:password@host/name, which many machines may "
        "share; default: SQLite in the data folder.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="Form of log lines; auto: console on a terminal, else JSON."
    )

    voice_engine: Literal["kokoro", "scripted"] = Field(
        "kokoro", description="Speech engine; scripted is a tone generator for load tests only."
    )
    voice_threads: int = Field(
        0, ge=0, le=64, description="Threads of one synthesis; 0: chosen for this machine."
    )
    voice_concurrency: int = Field(
        0, ge=0, le=256, description="Syntheses at the same time; 0: chosen for this machine."
    )
    cloner: Literal["auto", "match", "openai", "elevenlabs", "scripted"] = Field(
        "auto",
        description="Who clones voices: match seeks the nearest voice of the embedded engine, "
        "openai and elevenlabs ask a service; auto is match, or with the scripted voice scripted, "
        "which clones nothing and is for load tests only.",
    )
    clone_consent: Literal["optional", "required"] = Field(
        "optional",
        description="Whether the API clones a voice without a statement of consent; the dashboard "
        "always asks for one.",
    )

    sign_up: Literal["open", "invitation", "closed"] = Field(
        "open", description="Who may make an account."
    )
    sign_up_credits: int = Field(100, ge=0, description="Credits granted to a new account.")
    sign_up_plan: str = Field("standard", description="Plan of a new account.")
    owner_email: str = Field("owner@localhost", description="Address of the first account.")
    owner_credits: int = Field(10_000, ge=0, description="Credits granted to the first account.")
    plans: dict[str, Plan] = Field(
        default_factory=_default_plans, description="Limits by plan, as JSON."
    )
    prices: Prices = Field(default_factory=Prices, description="The price book, in credits.")
    requests_per_minute_by_address: int = Field(
        60, ge=1, description="Requests without a valid key, per client address."
    )
    trusted_proxies: str = Field(
        "127.0.0.1", description="Addresses whose X-Forwarded-* headers are believed."
    )

    smtp_url: SecretStr | None = Field(
        None,
        description="Mail server: smtp://user:password@host:587 (STARTTLS) or smtps://…; "
        "without it no mail is sent and addresses are not verified.",
    )
    mail_from: str = Field("charafy@localhost", description="Sender of mails.")

    stripe_secret_key: SecretStr | None = Field(
        None, description="Stripe API key; without it credits cannot be bought."
    )
    stripe_webhook_secret: SecretStr | None = Field(
        None, description="Signing secret of Stripe's webhook."
    )
    stripe_api_url: str = Field(
        "https://api.stripe.com", description="Stripe's API; another address in tests."
    )
    credit_packs: tuple[int, ...] = Field(
        (500, 1_000, 5_000, 20_000), description="Amounts of credits on sale."
    )

    fetch_allowed_hosts: tuple[str, ...] = Field(
        (), description="host:port pairs that image URLs may name although they are not public."
    )

    worker: bool = Field(
        True, description="Whether `charafy serve` also runs the process that makes videos."
    )
    worker_name: str = Field(
        "",
        pattern=r"^([a-z0-9][a-z0-9-]{0,62})?$",
        description="Name of a worker, each has its own; default: with PostgreSQL the machine's "
        "name and a number, else worker, as SQLite carries one.",
    )
    jobs_database_url: SecretStr | None = Field(
        None,
        description="Where the progress of jobs is recorded; default: the PostgreSQL database, or "
        "with SQLite a file of its own in the data folder.",
    )
    portrait_engine: Literal["rig", "still"] = Field(
        "rig", description="What moves faces; still leaves the photo as it is, for load tests only."
    )
    video_concurrency: int = Field(
        1, ge=1, le=64, description="Videos that one worker makes at the same time."
    )
    video_concurrency_total: int = Field(
        0, ge=0, description="Videos that all workers together make at the same time; 0: no limit."
    )
    video_days: int = Field(
        30, ge=0, description="Days after which videos and their files are removed; 0 keeps them."
    )

    webhooks_per_account: int = Field(10, ge=0, description="Webhook endpoints of an account.")
    webhook_log_days: int = Field(
        30, ge=4, description="Days for which webhook events and their deliveries are kept."
    )
    webhook_allowed_hosts: tuple[str, ...] = Field(
        (),
        description="host:port pairs that webhooks may be sent to although they are not public or "
        "not https.",
    )

    @model_validator(mode="after")
    def _has_databases(self) -> Self:
        try:
            jobs = self.jobs_db_url
        except DatabaseRefused as error:
            raise ValueError(str(error)) from None
        if self.jobs_database_url is None or jobs.startswith("sqlite") == self._on_sqlite:
            return self
        raise ValueError(
            "CHARAFY_JOBS_DATABASE_URL and CHARAFY_DATABASE_URL name different kinds of database: "
            "jobs that all machines share need both on PostgreSQL."
        )

    @property
    def _on_sqlite(self) -> bool:
        return self.db_url.startswith("sqlite")

    @property
    def base_url(self) -> str:
        """Where users reach the server, without a trailing slash."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in _ANY_ADDRESS else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def db_url(self) -> str:
        """Where the database is, with its password: not to be shown."""
        if self.database_url is None:
            return f"sqlite:///{self.home / 'charafy.db'}"
        return proper_url(self.database_url.get_secret_value(), "CHARAFY_DATABASE_URL")

    @property
    def jobs_db_url(self) -> str:
        """Where the progress of jobs is recorded, with its password: not to be shown."""
        if self.jobs_database_url is not None:
            secret = self.jobs_database_url.get_secret_value()
            return proper_url(secret, "CHARAFY_JOBS_DATABASE_URL")
        if not self._on_sqlite:
            return self.db_url
        return f"sqlite:///{self.home / 'jobs.db'}"

    @property
    def many_workers(self) -> bool:
        """Whether several may work side by side without being named."""
        return not (self.worker_name or self._on_sqlite)

    @property
    def workshops(self) -> Path:
        """Where workers leave videos that are not finished, each in the folder of its name."""
        return self.home / "workshop"

    @property
    def workshop(self) -> Path:
        """That of the one worker."""
        return self.workshops / (self.worker_name or "worker")

    @property
    def media(self) -> Path:
        """The folder of media, where they are kept in one."""
        return self.media_folder or self.home / "media"

    def plan(self, name: str) -> Plan:
        return self.plans.get(name) or Plan()
