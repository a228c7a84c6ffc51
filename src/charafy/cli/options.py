"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar

import typer

from charafy.cli.console import fail

if TYPE_CHECKING:
    from charafy.accounts.service import Account
    from charafy.characters.service import Character
    from charafy.house import House

AccountOption = Annotated[
    str | None,
    typer.Option("--account", help="E-mail address of the account; default: the owner's."),
]


ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        envvar="CHARAFY_BASE_URL",
        metavar="URL",
        help="Work with the server there, with the API key in CHARAFY_API_KEY.",
    ),
]


def account_of(house: House, email: str | None) -> Account:
    """The account meant: the owner's unless named. Leaves with a hint when there is none."""
    found = house.accounts.by_email(email) if email else house.accounts.owner()
    if found is None:
        hint = f"No account has the address {email}." if email else "There is no account yet"
        raise fail(hint if email else f"{hint}: `charafy serve` makes the owner's.")
    return found


def character_of(house: House, account_id: str, wanted: str) -> Character:
    """The account's character of this name or id. Leaves with a hint unless there is one."""
    return chosen(house.characters.list(account_id), wanted)


class Named(Protocol):
    """A character, whoever says so."""

    @property
    def character_id(self) -> str: ...

    @property
    def name(self) -> str: ...


SomeNamed = TypeVar("SomeNamed", bound=Named)


def chosen(characters: Sequence[SomeNamed], wanted: str) -> SomeNamed:
    """The one of this name or id. Leaves with a hint unless there is one."""
    found = [c for c in characters if wanted == c.character_id or wanted.lower() == c.name.lower()]
    if len(found) == 1:
        return found[0]
    if found:
        raise fail(f"Several characters are called {wanted}: use the id.")
    names = ", ".join(c.name for c in characters) or "none yet"
    raise fail(f"There is no character called {wanted} (there are: {names}).")
