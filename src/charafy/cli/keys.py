"""`charafy keys`: make, list and revoke API keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from charafy.cli.console import err, fail, open_house, out, table
from charafy.cli.options import AccountOption, account_of
from charafy.kernel.clock import iso
from charafy.kernel.http.caller import ALL_SCOPES

if TYPE_CHECKING:
    from charafy.accounts.service import KeyInfo


def app() -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(show)
    group.command("revoke")(revoke)
    return group


def create(
    name: Annotated[str, typer.Option("--name", help="What the key is for.")],
    test: Annotated[bool, typer.Option("--test", help="A key that never charges.")] = False,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help=f"Allow only this (repeatable): {', '.join(ALL_SCOPES)}."),
    ] = None,
    account: AccountOption = None,
) -> None:
    """Make an API key and print it: it is shown this once."""
    with open_house() as house:
        owner = account_of(house, account)
        new = house.keys.create(
            owner.account_id, name, kind="test" if test else "live", scopes=scope or ALL_SCOPES
        )
        out().print(new.key)
        err().print("[dim]Keep it secret; it will not be shown again.[/dim]")


def show(account: AccountOption = None) -> None:
    """List API keys, newest first."""
    with open_house() as house:
        keys = house.keys.list(account_of(house, account).account_id)
        table(
            ("id", "name", "key", "created", "last used", "state"),
            [
                (
                    key.key_id,
                    key.name,
                    f"ck_{key.kind}_…{key.last4}",
                    iso(key.created_at),
                    iso(key.last_used_at) if key.last_used_at else "never",
                    "revoked" if key.revoked_at else "active",
                )
                for key in keys
            ],
        )


def revoke(
    key: Annotated[str, typer.Argument(help="The key's id, its name or its last four letters.")],
    account: AccountOption = None,
) -> None:
    """End a key for good. A running server refuses it within a second."""
    with open_house() as house:
        owner = account_of(house, account)
        found = _find(house.keys.list(owner.account_id), key)
        house.keys.revoke(owner.account_id, found.key_id)
        out().print(f"Revoked {found.name} (…{found.last4}).")


def _find(keys: Sequence[KeyInfo], wanted: str) -> KeyInfo:
    found = [
        key
        for key in keys
        if key.revoked_at is None and wanted in (key.key_id, key.name, key.last4)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise fail("Several keys match: name the key's id (`charafy keys list`).")
    raise fail("No active key matches (`charafy keys list` shows them).")
