"""`charafy backup` and `charafy restore`: a house's database, media and secret in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charafy.cli.console import fail, out

if TYPE_CHECKING:
    from charafy.kernel.settings import Settings
    from charafy.kernel.stores import Store


def add_to(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    target: Annotated[Path, typer.Argument(metavar="TO", help="Folder that isn't there yet.")],
) -> None:
    """Save database, media and secret, while the server runs."""
    from charafy.kernel.backups.manifest import BackupRefused
    from charafy.kernel.backups.saving import save
    from charafy.kernel.clock import SystemClock

    settings = _settings()
    try:
        saved = save(settings, _store(settings), target.absolute(), SystemClock())
    except BackupRefused as error:
        raise fail(str(error)) from None
    out().print(
        f"{target}: {len(saved.files):,} files, {saved.size / 1e6:,.1f} MB, the database as of "
        f"{saved.database_at}. Its secret opens the house: guard it."
    )


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="Folder made by charafy backup.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Although there is a house already: replace it.")
    ] = False,
) -> None:
    """Fill an empty house from a backup; nothing may run on it."""
    import charafy.tables  # noqa: F401 - so that it is known which tables are this house's
    from charafy.kernel.backups.manifest import BackupRefused
    from charafy.kernel.backups.restoring import restore as restore_
    from charafy.kernel.clock import SystemClock

    settings = _settings()
    try:
        found = restore_(
            settings, _store(settings), source.absolute(), SystemClock(), replace=replace
        )
    except BackupRefused as error:
        raise fail(str(error)) from None
    out().print(
        f"Restored {len(found.files):,} files; the database is as of {found.database_at}. Start "
        "the server, then run `charafy doctor`."
    )


def _settings() -> Settings:
    from charafy.kernel.observe import configure_logs
    from charafy.kernel.settings import Settings

    settings = Settings()
    configure_logs("warning", settings.log_format)
    return settings


def _store(settings: Settings) -> Store:
    from charafy.kernel.stores import store_of

    return store_of(settings.bucket, settings.media)
