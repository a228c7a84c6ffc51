"""`charafy characters`: an account's characters, and what a photo is good for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charafy.cli.console import fail, open_house, out, table
from charafy.cli.options import AccountOption, account_of

if TYPE_CHECKING:
    from charafy.avatars.service import Examined


def app() -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(show)
    group.command("preview")(preview)
    group.callback()(_group)
    return group


def _group() -> None:
    """Characters."""


def show(account: AccountOption = None) -> None:
    """List characters."""
    with open_house() as house:
        account_id = account_of(house, account).account_id
        voices = {v.voice_id: v.name for v in house.voices.available(account_id)}
        table(
            ("id", "name", "language", "voice", "avatars"),
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


def preview(
    photo: Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP or HEIC picture.")],
) -> None:
    """Tell whether a photo can become an avatar. Exit status 1 when it can't."""
    try:
        data = photo.read_bytes()
    except OSError as error:
        raise fail(f"{photo} can't be read: {error.strerror}.") from None
    with open_house() as house:
        examined = house.avatars.preview(data)
    for line in _sentences(examined):
        out().print(line)
    if not examined.usable:
        raise typer.Exit(1)


def _sentences(examined: Examined) -> list[str]:
    size = f"{examined.width} x {examined.height} pixels"
    if examined.usable:
        sure = "" if examined.kind_is_certain else ", though that was a close call"
        lines = [f"An avatar can be made of it: a {examined.kind} of {size}{sure}."]
    else:
        lines = [f"No avatar can be made of it ({size})."]
    return [*lines, *(f"{p.code}: {p.message} {p.hint}" for p in examined.problems)]
