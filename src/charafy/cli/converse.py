"""`charafy converse`: one turn of a live conversation, from a recording or a line of text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charafy.cli.console import err, fail, open_house, out
from charafy.cli.options import AccountOption, account_of, character_of
from charafy.kernel.files import write_atomic

if TYPE_CHECKING:
    from charafy.client.conversation import Ticket
    from charafy.client.turn import Answered
    from charafy.kernel.media.audio import Pcm


def add_to(app: typer.Typer) -> None:
    app.command("converse")(converse)


def converse(
    character: Annotated[str, typer.Argument(help="Name or id of one of the characters.")],
    *,
    wav: Annotated[
        Path | None, typer.Option("--wav", help="What is said to it: a recording.", exists=True)
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="Or a line, as if typed.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--out", help="Where its answer goes: a .wav file.")
    ] = None,
    patience: Annotated[
        float, typer.Option("--patience", min=1, max=600, help="Seconds to wait for the answer.")
    ] = 60.0,
    account: AccountOption = None,
) -> None:
    """Say one thing to a character of the server that runs here, over WebRTC; hear its answer.

    The account pays as for any conversation: a minute is set aside, the rest comes back.
    """
    import asyncio

    from charafy.client.conversation import ConversationFailed
    from charafy.client.turn import take_turn
    from charafy.kernel.media.audio import encode

    if (wav is None) == (text is None):
        raise fail("Give either --wav or --text.")
    said: str | Pcm = text if text is not None else _read(wav)
    ticket = _ticket(character, account)
    try:
        answered = asyncio.run(take_turn(ticket, said, patience_s=patience))
    except ConversationFailed as error:
        raise fail(f"{error} ({error.code})") from None
    _report(answered)
    if output:
        write_atomic(output, encode("wav", answered.pcm))


def _read(path: Path | None) -> Pcm:
    from charafy.kernel.media.recordings import read_recording

    assert path is not None
    return read_recording(path.read_bytes(), param="--wav")


def _ticket(character: str, account: str | None) -> Ticket:
    from charafy.client.conversation import Ticket
    from charafy.conversations.schemas import CreateToken

    with open_house() as house:
        owner = account_of(house, account)
        wanted = character_of(house, owner.account_id, character)
        body = CreateToken(
            character_id=wanted.character_id,
            mode="audio-only",
            session_limit_seconds=60,
            greeting="",  # it waits to be spoken to
        )
        with house.db.write() as tx:
            answer = house.conversation_room.conversations.mint(tx, owner.caller(), body)
    servers = [server.model_dump(exclude_none=True) for server in answer.ice_servers]
    return Ticket(answer.token, answer.connect_url, servers)


def _report(answered: Answered) -> None:
    """What was said on standard output, how long it took on standard error."""
    if answered.heard:
        out().print(f"> {answered.heard}")
    out().print(answered.text)
    stages = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in answered.stages.items())
    err().print(f"first sound after {answered.first_sound_s:.2f} s{stages and f' ({stages})'}")
