"""`charafy voices`: the voices that characters can speak with."""

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
    """Voices."""


def show(account: AccountOption = None) -> None:
    """List voices, best first in each language."""
    with open_house() as house:
        table(
            ("id", "name", "language", "gender", "accent", "description"),
            [
                (v.voice_id, v.name, v.language, v.gender, v.accent, v.description_en)
                for v in house.voices.available(account_of(house, account).account_id)
            ],
        )
