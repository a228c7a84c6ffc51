"""`charafy credits`: balance, ledger, grants."""

from __future__ import annotations

from typing import Annotated

import typer

from charafy.cli.console import fail, open_house, out, table
from charafy.cli.options import AccountOption, account_of
from charafy.kernel.clock import iso


def app() -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)
    group.command("show")(show)
    group.command("grant")(grant)
    return group


def show(
    account: AccountOption = None,
    last: Annotated[int, typer.Option("--last", min=0, help="How many entries.")] = 10,
) -> None:
    """Show the balance and the latest entries of the ledger."""
    with open_house() as house:
        account_id = account_of(house, account).account_id
        with house.db.read() as tx:
            balance = house.credits.balance(tx, account_id)
            entries = house.credits.recent(tx, account_id, last)
        out().print(
            f"{balance.available:,} credits (${balance.available / 100:,.2f})"
            + (f", {balance.held:,} more held for work under way" if balance.held else "")
        )
        if entries:
            table(
                ("time", "credits", "kind", "description"),
                [(iso(e.created_at), e.amount, e.kind, e.description) for e in entries],
            )


def grant(
    amount: Annotated[int, typer.Argument(help="Credits to give; negative takes back.")],
    account: AccountOption = None,
    reason: Annotated[str, typer.Option("--reason", help="Stands in the ledger.")] = "Grant",
) -> None:
    """Give credits to an account."""
    if amount == 0:
        raise fail("The amount must not be 0.")
    with open_house() as house:
        account_id = account_of(house, account).account_id
        with house.db.write() as tx:
            house.credits.adjust(tx, account_id, amount, reason=reason)
            balance = house.credits.balance(tx, account_id)
        out().print(f"{amount:+,} credits: {balance.available:,} are available now.")
