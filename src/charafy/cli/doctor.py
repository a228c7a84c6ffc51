"""`charafy doctor`: what works here, what is missing, what to do."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import typer

from charafy.cli.console import out

if TYPE_CHECKING:
    from charafy.house import House
    from charafy.kernel.settings import Settings

MIN_FREE_GB = 1.0
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


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `missing` means that something will not work."""

    state: Literal["ok", "note", "missing"]
    about: str
    says: str


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
    says = f"Python {platform.python_version()} on {platform.machine()}, {cores} core(s)"
    yield Finding("ok" if sys.version_info >= (3, 11) else "missing", "machine", says)


def _home(settings: Settings) -> Iterator[Finding]:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        yield Finding("missing", "data folder", f"{settings.home} can't be written: CHARAFY_HOME")
        return
    free_gb = shutil.disk_usage(folder).free / 1e9
    state: Literal["ok", "note"] = "ok" if free_gb > MIN_FREE_GB else "note"
    yield Finding(state, "data folder", f"{settings.home}, {free_gb:.0f} GB free")


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
    if settings.public_url is None and settings.host not in ("127.0.0.1", "localhost", "::1"):
        says = "not set: links will name this machine. Set CHARAFY_PUBLIC_URL to your https address"
        yield Finding("note", "public address", says)


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


_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _machine,
    _home,
    _models,
    _mind,
    _address,
    _services,
)


def _inside(settings: Settings) -> list[Finding]:
    """What only the house itself can tell; it is not made if this machine has none yet."""
    if settings.database_url is None and not (settings.home / "charafy.db").exists():
        return [Finding("note", "database", "none yet: the first `charafy serve` makes it")]
    from charafy.house import build_house
    from charafy.kernel.migrate import SchemaTooNew, migrate

    house = build_house(settings)
    try:
        migrate(house.db)
        return list(_books(house))
    except SchemaTooNew as error:
        return [Finding("missing", "database", str(error))]
    finally:
        house.close()


def _books(house: House) -> Iterator[Finding]:
    yield Finding("ok", "database", "its schema is current")
    with house.db.read() as tx:
        wrong = house.credits.audit(tx)
    if wrong:
        says = f"{len(wrong)} account(s) whose balance differs from its entries: restore a backup"
        yield Finding("missing", "ledger", says)
    else:
        yield Finding("ok", "ledger", "every balance equals the sum of its entries")
    owner = house.accounts.owner()
    says = owner.email if owner else "none yet: the first `charafy serve` makes one"
    yield Finding("ok" if owner else "note", "owner", says)
