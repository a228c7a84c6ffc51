"""Commands that work with a server elsewhere: `--server`, through its API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from charafy.cli.console import fail
from charafy.cli.options import chosen

if TYPE_CHECKING:
    from charafy.client import Client
    from charafy.client.api.characters import ListedCharacter
    from charafy.client.api.voices import Voice


@contextmanager
def open_server(server: str, account: str | None) -> Iterator[Client]:
    """The server at this address. Leaves with a hint where a key is missing."""
    from charafy.client import Client

    if account:
        raise fail("--account is for this machine: with --server, the API key says whose.")
    try:
        client = Client(server)
    except ValueError as error:
        raise fail(str(error)) from None
    with client:
        yield client


def character_there(client: Client, wanted: str) -> ListedCharacter:
    """As `character_of`."""
    return chosen(client.characters.list(limit=100).all(), wanted)


def clone_there(client: Client, wanted: str) -> Voice:
    """The cloned voice of this name or id. Leaves with a hint unless there is one."""
    clones = [v for v in client.voices.list() if not v.is_preset]
    found = [v for v in clones if wanted.lower() in (v.voice_id, v.name.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise fail(f"Several voices are called {wanted}: use the id.")
    raise fail(f"There is no cloned voice called {wanted} (`charafy voices list` shows them).")
