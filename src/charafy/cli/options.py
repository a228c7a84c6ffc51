"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from charafy.cli.console import fail

if TYPE_CHECKING:
    from charafy.accounts.service import Account
    from charafy.house import House

AccountOption = Annotated[
    str | None,
    typer.Option("--account", help="E-mail address of the account; default: the owner's."),
]


def account_of(house: House, email: str | None) -> Account:
    """The account meant: the owner's unless named. Leaves with a hint when there is none."""
    found = house.accounts.by_email(email) if email else house.accounts.owner()
    if found is None:
        hint = f"No account has the address {email}." if email else "There is no account yet"
        raise fail(hint if email else f"{hint}: `charafy serve` makes the owner's.")
    return found
