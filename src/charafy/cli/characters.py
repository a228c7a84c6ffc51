"""`charafy characters`: an account's characters, and what a photo is good for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from charafy.cli.console import fail, open_house, out, table
from charafy.cli.options import AccountOption, ServerOption, account_of

if TYPE_CHECKING:
    from charafy.avatars.service import Examined
    from charafy.client.api.characters import PhotoPreview


def app() -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(show)
    group.command("preview")(preview)
    group.callback()(_group)
    return group


def _group() -> None:
    """Characters."""


_COLUMNS: Final = ("id", "name", "language", "voice", "avatars")


def show(account: AccountOption = None, server: ServerOption = None) -> None:
    """List characters."""
    if server:
        _show_there(server, account)
        return
    with open_house() as house:
        account_id = account_of(house, account).account_id
        voices = {v.voice_id: v.name for v in house.voices.available(account_id)}
        table(
            _COLUMNS,
            [
                (
                    c.character_id,
                    c.name,
                    c.language,
                    voices.get(c.voice_id, c.voice_id),
                    " ".join(house.avatars.flags(c).names()) or "none",
                )
                for c in house.characters.list(account_id)
            ],
        )


def _show_there(server: str, account: str | None) -> None:
    from charafy.cli.remote import open_server

    with open_server(server, account) as client:
        voices = {v.voice_id: v.name for v in client.voices.list()}
        rows = []
        for listed in client.characters.list():
            c = client.characters.get(listed.character_id)
            has = (("sprite", c.avatars.sprite), ("motion", c.avatars.motion))
            names = " ".join(name for name, there in has if there) or "none"
            voice = voices.get(c.voice_id, c.voice_id)
            rows.append((c.character_id, c.name, c.language, voice, names))
    table(_COLUMNS, rows)


def preview(
    photo: Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP or HEIC picture.")],
    server: ServerOption = None,
) -> None:
    """Tell whether a photo can become an avatar. Exit status 1 when it can't."""
    try:
        data = photo.read_bytes()
    except OSError as error:
        raise fail(f"{photo} can't be read: {error.strerror}.") from None
    examined: Examined | PhotoPreview
    if server:
        from charafy.cli.remote import open_server

        with open_server(server, None) as client:
            examined = client.characters.preview_photo(data)
        size = (examined.size.width, examined.size.height)
    else:
        with open_house() as house:
            examined = house.avatars.preview(data)
        size = (examined.width, examined.height)
    for line in _sentences(examined, *size):
        out().print(line)
    if not examined.usable:
        raise typer.Exit(1)


def _sentences(examined: Examined | PhotoPreview, width: int, height: int) -> list[str]:
    size = f"{width} x {height} pixels"
    if examined.usable:
        sure = "" if examined.kind_is_certain else ", though that was a close call"
        lines = [f"An avatar can be made of it: a {examined.kind} of {size}{sure}."]
    else:
        lines = [f"No avatar can be made of it ({size})."]
    return [*lines, *(f"{p.code}: {p.message} {p.hint}" for p in examined.problems)]
