"""`charafy accounts`: who is here, and a way in that needs no password."""

from __future__ import annotations

import typer

from charafy.cli.console import open_house, out, table
from charafy.cli.options import AccountOption, account_of
from charafy.kernel.clock import iso


def app() -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(show)
    group.command("sign-in-link")(sign_in_link)
    group.command("suspend")(suspend)
    group.command("unsuspend")(unsuspend)
    return group


def show() -> None:
    """List accounts."""
    with open_house() as house:
        table(
            ("id", "email", "name", "role", "status", "plan", "created"),
            [
                (a.account_id, a.email, a.name, a.role, a.status, a.plan, iso(a.created_at))
                for a in house.accounts.list(limit=1000)
            ],
        )


def sign_in_link(account: AccountOption = None) -> None:
    """Print a link that signs in once, within 15 minutes."""
    with open_house() as house:
        token = house.accounts.sign_in_link(account_of(house, account).account_id)
        out().print(f"{house.settings.base_url}/sign-in/link?token={token}")


def suspend(account: AccountOption = None) -> None:
    """Shut an account out; nothing of it is deleted."""
    with open_house() as house:
        house.accounts.suspend(account_of(house, account).account_id)
        out().print("Suspended.")


def unsuspend(account: AccountOption = None) -> None:
    """Let a suspended account in again."""
    with open_house() as house:
        house.accounts.unsuspend(account_of(house, account).account_id)
        out().print("Active again.")
