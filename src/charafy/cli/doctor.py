"""`charafy doctor`: what works here, what is missing, what to do."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Literal

import typer

from charafy.cli import doctor_network as network
from charafy.cli.console import out
from charafy.cli.finding import Finding
from charafy.kernel.home import HomeRefused, require_home
from charafy.kernel.wording import counted

if TYPE_CHECKING:
    from charafy.house import House
    from charafy.kernel.s3 import BucketStore
    from charafy.kernel.settings import Settings

MIN_FREE_GB = 1.0
SECRET_BYTES = 32
_MARKS: Final = {"ok": "[green]ok[/green]      ", "note": "[yellow]note[/yellow]    "}
_MARKS["missing"] = "[red]missing[/red] "
_LOST_WITHOUT: Final = {
    "campplus": "take on a voice from a recording",
    "kokoro": "speak",
    "portrait": "show a face",
    "silero-vad": "take on a voice from a recording, nor hear",
    "whisper-base": "understand what is said to them",
}
"""What characters can't do without a model."""


def add_to(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor() -> None:
    """Check this machine and this installation; status 1 when something is missing."""
    # Imported here, as everywhere in these commands, so that `charafy --help` stays quick.
    from charafy.kernel.observe import configure_logs
    from charafy.kernel.settings import Settings

    settings = Settings()
    configure_logs("error", settings.log_format)
    findings = [finding for check in _CHECKS for finding in check(settings)]
    findings += _inside(settings)
    for finding in findings:
        out().print(f"{_MARKS[finding.state]} {finding.about}: {finding.says}")
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(1)


def _machine(settings: Settings) -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    says = (
        f"Python {platform.python_version()} on {platform.machine()}, {counted(cores or 1, 'core')}"
    )
    yield Finding("ok" if sys.version_info >= (3, 11) else "missing", "machine", says)


def _home(settings: Settings) -> Iterator[Finding]:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        yield Finding("missing", "data folder", f"{settings.home} can't be written: CHARAFY_HOME")
        return
    if folder == settings.home:
        try:
            require_home(folder)
        except HomeRefused as error:
            yield Finding("missing", "data folder", str(error))
            return
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb > MIN_FREE_GB:
        yield Finding("ok", "data folder", f"{settings.home}, {free_gb:.0f} GB free")
    else:
        says = f"{settings.home}, only {free_gb:.1f} GB free: make room before it is full"
        yield Finding("note", "data folder", says)


def _secret(settings: Settings) -> Iterator[Finding]:
    """Keys, sessions and signed links derive from it."""
    file = settings.home / "secret"
    try:
        mode, size = file.stat().st_mode, len(file.read_bytes())
    except FileNotFoundError:  # the first start makes it
        return
    except OSError as error:
        yield Finding("missing", "secret", f"{file} can't be read ({error.strerror})")
        return
    if size < SECRET_BYTES:
        yield Finding("missing", "secret", f"{file} is cut short: restore it from a backup")
    elif os.name == "posix" and mode & 0o077:
        # A volume may have to be a group's.
        state: Literal["note", "missing"] = "missing" if mode & 0o007 else "note"
        yield Finding(state, "secret", f"{file} can be read by others here: chmod 600 {file}")
    else:
        yield Finding("ok", "secret", f"{file} is this user's alone")


def _models(settings: Settings) -> Iterator[Finding]:
    from charafy.engines.weights import Store
    from charafy.minds import model_of

    thinks = model_of(settings)
    lost_without = {**_LOST_WITHOUT, **({thinks: "think in conversations"} if thinks else {})}
    for status in Store(settings.models).statuses():
        if status.state == "present":
            yield Finding("ok", f"model {status.model.name}", "here and whole")
        elif status.model.name in lost_without:
            lost = lost_without[status.model.name]
            says = f"{status.state}: characters can't {lost}. Run `charafy models pull`"
            yield Finding("missing", f"model {status.model.name}", says)
        else:
            says = f"{status.state} (not needed here: `charafy models pull {status.model.name}`)"
            yield Finding("note", f"model {status.model.name}", says)


def _mind(settings: Settings) -> Iterator[Finding]:
    from charafy.minds import engine_of, model_of

    match engine_of(settings):
        case "remote":
            says = f"{settings.llm_model} at {settings.llm_base_url}"
            yield Finding("ok", "language model", says)
        case "scripted":
            says = "scripted: characters only say back what they hear (CHARAFY_LLM_ENGINE)"
            yield Finding("note", "language model", says)
        case _ if (own := settings.llm_path) is not None:
            state: Literal["ok", "missing"] = "ok" if own.is_file() else "missing"
            yield Finding(state, "language model", f"{own}{'' if own.is_file() else ' is no file'}")
        case _:
            says = (
                f"{model_of(settings)}, on this machine; small: name another (CHARAFY_LLM_BASE_URL)"
            )
            yield Finding("ok", "language model", says)


def _address(settings: Settings) -> Iterator[Finding]:
    with socket.socket() as probe:
        taken = probe.connect_ex((settings.host or "127.0.0.1", settings.port)) == 0
    says = "answers: a server is running" if taken else "free"
    yield Finding("ok", "address", f"{settings.base_url} {says}")


def _storage(settings: Settings) -> Iterator[Finding]:
    from charafy.kernel.storage_settings import StorageRefused
    from charafy.kernel.stores import FolderStore, StorageUnavailable

    bucket = settings.bucket
    if bucket is None and not settings.media.exists():
        yield Finding("note", "media", f"{settings.media}: the first `charafy serve` makes it")
        return
    try:
        if bucket is None:
            FolderStore(settings.media).check()
            yield Finding("ok", "media", f"{settings.media} can be written, read and deleted")
            return
        from charafy.kernel.s3 import BucketStore

        store = BucketStore(bucket)
        store.check()
        yield Finding("ok", "media", f"{bucket} can be listed, written, read and deleted")
        if settings.storage_links == "redirect":
            yield _signed_links(store)
    except StorageRefused as error:
        yield Finding("missing", "media", str(error))
    except StorageUnavailable as error:
        yield Finding("missing", "media", error.message)


def _signed_links(store: BucketStore) -> Finding:
    """Whether a client can open what S3 signs, as far as that can be seen from here."""
    import httpx

    from charafy.kernel.ids import new_id

    key, probe = f"probe/{new_id()}.json", b"{}"
    store.put(key, probe, "application/json")
    try:
        answer = httpx.get(
            store.signed_url(key, 60), headers={"Origin": "https://example.com"}, timeout=10
        )
    except httpx.HTTPError as error:
        says = f"can't be opened here ({type(error).__name__}): CHARAFY_STORAGE_PUBLIC_ENDPOINT"
        return Finding("missing", "links to media", says)
    finally:
        store.delete(key)
    if answer.status_code != 200 or answer.content != probe:
        says = (
            f"are answered {answer.status_code}: do this machine's clock, the region and "
            "CHARAFY_STORAGE_PUBLIC_ENDPOINT agree with the server?"
        )
        return Finding("missing", "links to media", says)
    if "access-control-allow-origin" not in answer.headers:
        says = "open, but not for scripts of other sites: let the bucket's CORS rules allow GET"
        return Finding("note", "links to media", says)
    return Finding("ok", "links to media", "signed by S3, open for clients")


def _services(settings: Settings) -> Iterator[Finding]:
    if settings.smtp_url is None:
        says = "not set up: addresses aren't verified, passwords can't be reset (CHARAFY_SMTP_URL)"
        yield Finding("note", "mail", says)
    else:
        yield Finding("ok", "mail", "set up")
    if settings.stripe_secret_key is None:
        says = "not set up: credits come by grant only (CHARAFY_STRIPE_SECRET_KEY)"
        yield Finding("note", "purchases", says)
    elif settings.stripe_webhook_secret is None:
        says = "paid credits will never arrive: set CHARAFY_STRIPE_WEBHOOK_SECRET"
        yield Finding("missing", "purchases", says)
    else:
        yield Finding("ok", "purchases", "set up")


def _redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url is None:
        says = "not set up: each API process counts limits by itself (CHARAFY_REDIS_URL)"
        yield Finding("ok", "redis", says)
        return
    from charafy.kernel.clock import SystemClock
    from charafy.kernel.observe import Metrics
    from charafy.kernel.redis_settings import RedisRefused
    from charafy.kernel.shared import Shared

    url = settings.redis_url.get_secret_value()
    shared = Shared(url, b"", SystemClock(), Metrics())
    try:
        shared.check()
        yield Finding("ok", "redis", "answers, and may be written to")
    except RedisRefused as error:
        yield Finding("missing", "redis", str(error))
    finally:
        shared.close()


_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _machine,
    _home,
    _secret,
    _storage,
    _models,
    _mind,
    _address,
    network.public_address,
    network.livekit,
    network.relays,
    network.talk_ports,
    _services,
    network.collector,
    _redis,
)


def _inside(settings: Settings) -> list[Finding]:
    """What only the house itself can tell; it is not made if this machine has none yet."""
    if settings.database_url is None and not (settings.home / "charafy.db").exists():
        return [Finding("note", "database", "none yet: the first `charafy serve` makes it")]
    from charafy.house import build_house
    from charafy.kernel.db_url import DatabaseRefused
    from charafy.kernel.secret_settings import SecretRefused
    from charafy.kernel.storage_settings import StorageRefused

    try:
        house = build_house(settings)
    except StorageRefused:  # said already
        return []
    except SecretRefused as error:
        return [Finding("missing", "secret", str(error))]
    try:
        house.ground.make_current()
        return [*_belongs(house), *_books(house)]
    except DatabaseRefused as error:
        return [Finding("missing", "database", str(error))]
    except SecretRefused as error:
        return [Finding("missing", "secret", str(error))]
    finally:
        house.close()


def _belongs(house: House) -> Iterator[Finding]:
    """A secret that is not the database's was refused before."""
    from charafy.kernel.fingerprints import known_fingerprint

    with house.db.read() as tx:
        known = known_fingerprint(tx)
    if known:
        yield Finding("ok", "secret", "the one that the database's keys were made with")
    else:
        says = "not compared yet: the next start of a server has the database belong to it"
        yield Finding("note", "secret", says)


def _books(house: House) -> Iterator[Finding]:
    yield Finding("ok", "database", "its schema is current")
    why = network.clock_fails(house.db, house.clock.now())
    yield Finding("missing" if why else "ok", "clock", why or "agrees with the database")
    with house.db.read() as tx:
        wrong = house.credits.audit(tx)
    if wrong:
        says = (
            f"{counted(len(wrong), 'balance')} that its entries don't add up to: restore a backup"
        )
        yield Finding("missing", "ledger", says)
    else:
        yield Finding("ok", "ledger", "every balance equals the sum of its entries")
    owner = house.accounts.owner()
    says = owner.email if owner else "none yet: the first `charafy serve` makes one"
    yield Finding("ok" if owner else "note", "owner", says)
