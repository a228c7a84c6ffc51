"""`charafy characters`: an account's characters."""

from __future__ import annotations

import typer

from charafy.cli.console import open_house, table
from charafy.cli.options import AccountOption, account_of


def app() -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(show)
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
            ("id", "name", "language", "voice"),
            [
                (c.character_id, c.name, c.language, voices.get(c.voice_id, c.voice_id))
                for c in house.characters.list(account_id)
            ],
        )
