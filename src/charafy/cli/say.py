"""`charafy say`: one sentence into a file, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charafy.cli.console import err, fail, open_house
from charafy.cli.options import AccountOption, ServerOption, account_of, character_of
from charafy.kernel.files import write_atomic

if TYPE_CHECKING:
    from charafy.kernel.media.audio import AudioFormat


def add_to(app: typer.Typer) -> None:
    app.command("say")(say)


def say(
    text: Annotated[str, typer.Argument(help="What to say (1-5,000 characters).")],
    *,
    character: Annotated[
        str, typer.Option("--character", help="Name or id of one of the account's characters.")
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="A file: .mp3 .wav .flac .opus .aac .pcm"),
    ],
    speed: Annotated[float, typer.Option("--speed", min=0.5, max=2.0)] = 1.0,
    account: AccountOption = None,
    server: ServerOption = None,
) -> None:
    """Let a character say something, into an audio file. Here the operator's own speech is free."""
    from charafy.speech.schemas import MAX_CHARS

    audio_format = _format(output)
    if not 1 <= len(text) <= MAX_CHARS:
        raise fail(f"The text must have 1-{MAX_CHARS:,} characters.")
    if server:
        from charafy.cli.remote import character_there, open_server

        with open_server(server, account) as client:
            there = character_there(client, character)
            spoken = client.speech.with_timestamps(
                there.character_id, text, speed=speed, format=audio_format
            )
        _keep(output, spoken.audio, there.name, spoken.duration_s)
        return
    with open_house() as house:
        owner = account_of(house, account)
        speaker = character_of(house, owner.account_id, character)
        recording = house.speech.record(
            text,
            house.speech.character(owner.caller(), speaker.character_id),
            speed=speed,
            audio_format=audio_format,
        )
    _keep(output, recording.data, speaker.name, recording.audio_s)


def _keep(output: Path, data: bytes, name: str, seconds: float) -> None:
    write_atomic(output, data)
    err().print(f"{name} speaks for {seconds:.1f} s in {output}.")


def _format(output: Path) -> AudioFormat:
    from charafy.kernel.media.audio import AUDIO_FORMATS

    for audio_format in AUDIO_FORMATS:
        if output.suffix.lower() == f".{audio_format}":
            return audio_format
    raise fail(f"The file's name must end in .{', .'.join(AUDIO_FORMATS)}.")
