"""`charafy converse`: one turn of a live conversation, from a recording or a line of text."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from charafy.cli.console import err, fail, open_house, out
from charafy.cli.options import AccountOption, ServerOption, account_of, character_of
from charafy.kernel.files import write_atomic

if TYPE_CHECKING:
    from charafy.client.api.values import Mode
    from charafy.client.ticket import Ticket
    from charafy.client.turn import Answered
    from charafy.kernel.media.audio import Pcm


_BESIDE_S: Final = 30
"""To connect, and to show a face before and after."""
_LEAST_S: Final = 60
"""No conversation may be limited to less."""


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
    video: Annotated[
        Path | None,
        typer.Option("--video", help="Film its face and voice: a .mp4 or .webm file."),
    ] = None,
    account: AccountOption = None,
    server: ServerOption = None,
) -> None:
    """Say one thing to a character over WebRTC; hear, or see, its answer.

    The account pays as for any conversation: the time that it may take at most is set aside, the
    rest comes back.
    """
    import asyncio

    from charafy.client.conversation import ConversationFailed
    from charafy.client.recording import Recording
    from charafy.client.turn import take_turn
    from charafy.kernel.media.audio import encode

    if (wav is None) == (text is None):
        raise fail("Give either --wav or --text.")
    said: str | Pcm = text if text is not None else _read(wav)
    recording = Recording() if video else None
    if video:
        _check(video)
    mode: Mode = "video" if video else "audio-only"
    limit_s = _limit_s(said, patience)
    ticket = (
        _remote(server, character, account, mode, limit_s)
        if server
        else _ticket(character, account, mode, limit_s)
    )
    try:
        answered = asyncio.run(take_turn(ticket, said, patience_s=patience, recording=recording))
    except ConversationFailed as error:
        raise fail(f"{error} ({error.code})") from None
    _report(answered)
    if output:
        write_atomic(output, encode("wav", answered.pcm))
    if video and recording:
        seconds = recording.save(video, answered.heard_all, until=answered.over)
        err().print(f"{seconds:.1f} s are in {video}.")


def _check(video: Path) -> None:
    """Before anything is paid."""
    from charafy.client.recording import format_of

    try:
        format_of(video)
    except ValueError as error:
        raise fail(str(error)) from None
    if not video.parent.is_dir():
        raise fail(f"There is no folder {video.parent}.")


def _read(path: Path | None) -> Pcm:
    from charafy.kernel.media.recordings import read_recording

    assert path is not None
    return read_recording(path.read_bytes(), param="--wav")


def _limit_s(said: str | Pcm, patience_s: float) -> int:
    """How long the conversation may last, so that it doesn't end while an answer is waited for."""
    from charafy.kernel.media.audio import SAMPLE_RATE

    said_s = 0.0 if isinstance(said, str) else len(said) / SAMPLE_RATE
    return max(_LEAST_S, math.ceil(said_s + patience_s) + _BESIDE_S)


def _remote(server: str, character: str, account: str | None, mode: Mode, limit_s: int) -> Ticket:
    from charafy.cli.remote import character_there, open_server

    with open_server(server, account) as client:
        found = character_there(client, character)
        return client.conversations.create_token(
            found.character_id, mode=mode, session_limit_seconds=limit_s, greeting=""
        ).ticket()


def _ticket(character: str, account: str | None, mode: Mode, limit_s: int) -> Ticket:
    from charafy.client.ticket import Ticket
    from charafy.conversations.schemas import CreateToken

    with open_house() as house:
        owner = account_of(house, account)
        wanted = character_of(house, owner.account_id, character)
        body = CreateToken(
            character_id=wanted.character_id,
            mode=mode,
            session_limit_seconds=limit_s,
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
