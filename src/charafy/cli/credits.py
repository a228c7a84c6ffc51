"""`charafy credits`: balance, ledger, grants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from charafy.cli.console import fail, open_house, out, table
from charafy.cli.options import AccountOption, ServerOption, account_of
from charafy.kernel.clock import iso


def app() -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)
    group.command("show")(show)
    group.command("grant")(grant)
    return group


def show(
    account: AccountOption = None,
    last: Annotated[int, typer.Option("--last", min=0, help="How many entries.")] = 10,
    server: ServerOption = None,
) -> None:
    """Show the balance and the latest entries of the ledger."""
    if server:
        _show_there(server, account, last)
        return
    with open_house() as house:
        account_id = account_of(house, account).account_id
        with house.db.read() as tx:
            balance = house.credits.balance(tx, account_id)
            entries = house.credits.recent(tx, account_id, last)
        _print(
            balance.available,
            balance.held,
            [(iso(e.created_at), e.amount, e.kind, e.description) for e in entries],
        )


def _show_there(server: str, account: str | None, last: int) -> None:
    from charafy.cli.remote import open_server

    with open_server(server, account) as client:
        balance = client.credits.get()
        entries = client.credits.transactions(limit=min(max(last, 1), 100)).all(last)
    _print(
        balance.credits_remaining,
        balance.credits_held,
        [(iso(e.created_at), e.amount, e.type, e.description) for e in entries],
    )


def _print(available: int, held: int, entries: Sequence[tuple[object, ...]]) -> None:
    out().print(
        f"{available:,} credits (${available / 100:,.2f})"
        + (f", {held:,} more held for work under way" if held else "")
    )
    if entries:
        table(("time", "credits", "kind", "description"), entries)


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
