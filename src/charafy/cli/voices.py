"""`charafy voices`: the voices that characters can speak with, and cloning new ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from charafy.cli.console import err, fail, open_house, out, table
from charafy.cli.options import AccountOption, ServerOption, account_of
from charafy.cli.voice_words import likeness, measured, number, state
from charafy.kernel.clock import iso

if TYPE_CHECKING:
    from charafy.client.api.voices import Voice
    from charafy.house import House
    from charafy.voices.service import VoiceInfo, Wanted

_REFINER: Final = "command line"
_LONGEST_S: Final = 3_600.0
"""Of a refinement that a worker was quicker to take up."""

_BETTER: Final = "The worker looks for a better clone now: see `charafy voices list`."

VoiceArgument = Annotated[str, typer.Argument(help="Name or id of a cloned voice.")]


def app() -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(show)
    group.command("clone")(clone)
    group.command("delete")(delete)
    group.command("consents")(consents)
    group.callback()(_group)
    return group


def _group() -> None:
    """Voices."""


_COLUMNS: Final = (
    "id",
    "name",
    "language",
    "gender",
    "accent",
    "made",
    "similarity",
    "description",
)


def show(account: AccountOption = None, server: ServerOption = None) -> None:
    """List voices: presets, best first in each language, then cloned ones, newest first."""
    if server:
        from charafy.cli.remote import open_server

        with open_server(server, account) as client:
            table(_COLUMNS, [_row_there(v) for v in client.voices.list()])
        return
    with open_house() as house:
        voices = house.voices.available(account_of(house, account).account_id)
        table(
            _COLUMNS,
            [
                (
                    v.voice_id,
                    v.name,
                    v.language,
                    v.gender,
                    v.accent,
                    v.clone.method if v.clone else "preset",
                    number(v.clone.similarity if v.clone else None),
                    state(v.clone.refinement) if v.clone else v.description_en,
                )
                for v in voices
            ],
        )


def _row_there(v: Voice) -> tuple[object, ...]:
    description = v.description.en if v.description else ""
    return (
        v.voice_id,
        v.name,
        v.language,
        v.gender,
        v.accent,
        v.method or "preset",
        number(v.similarity),
        state(v.refinement) if v.refinement else description,
    )


def clone(
    audio: Annotated[Path, typer.Argument(help="A recording of one person, 5-30 seconds.")],
    *,
    name: Annotated[str, typer.Option("--name", help="Name for the voice.")],
    language: Annotated[str, typer.Option("--language", help="ja or en.")] = "ja",
    consent: Annotated[
        str | None, typer.Option("--consent", help="That the person who speaks agrees.")
    ] = None,
    refine: Annotated[
        bool,
        typer.Option("--refine", help="Look for a better clone here and now, not in the worker."),
    ] = False,
    account: AccountOption = None,
    server: ServerOption = None,
) -> None:
    """Clone a voice from a recording. Here the operator's own clones are free."""
    wanted = _wanted(audio, name, language, consent)
    if server:
        _clone_there(server, account, wanted, refine)
        return
    with open_house() as house:
        owner = account_of(house, account)
        voice = _clone(house, owner.account_id, wanted)
        out().print(f"{voice.name} is there: {voice.voice_id}")
        for line in _report(voice):
            out().print(line)
        if refine:
            _refine(house, voice)
        elif voice.clone and voice.clone.refinement == "waiting":
            err().print(_BETTER)


def _clone_there(server: str, account: str | None, wanted: Wanted, refine: bool) -> None:
    from charafy.cli.remote import open_server

    if refine:
        raise fail("--refine is for this machine: a server's worker refines by itself.")
    with open_server(server, account) as client:
        voice = client.voices.clone(
            wanted.audio, name=wanted.name, language=wanted.language, consent=wanted.consent
        )
    out().print(f"{voice.name} is there: {voice.voice_id}")
    for line in (*measured(voice.quality), likeness(voice.method, voice.similarity)):
        out().print(line)
    if voice.refinement == "waiting":
        err().print(_BETTER)


def delete(
    voice: VoiceArgument, account: AccountOption = None, server: ServerOption = None
) -> None:
    """Delete a cloned voice and everything made of its recording."""
    if server:
        from charafy.cli.remote import clone_there, open_server

        with open_server(server, account) as client:
            there = clone_there(client, voice)
            client.voices.delete(there.voice_id)
        out().print(f"Deleted {there.name} ({there.voice_id}).")
        return
    with open_house() as house:
        owner = account_of(house, account)
        found = _find(house.voices.available(owner.account_id), voice)
        house.voice_room.clones.delete(owner.account_id, found.voice_id)
        out().print(f"Deleted {found.name} ({found.voice_id}).")


def consents(account: AccountOption = None) -> None:
    """List the consents to cloned voices, also to those deleted in the last 30 days."""
    with open_house() as house:
        owner = account_of(house, account)
        table(
            ("voice", "given", "by", "key", "audio sha256", "voice deleted", "statement"),
            [
                (
                    c.voice_id,
                    iso(c.given_at),
                    c.given_by,
                    c.key_id,
                    c.audio_sha256,
                    c.voice_deleted_at and iso(c.voice_deleted_at),
                    c.statement,
                )
                for c in house.voice_room.clones.consents(owner.account_id)
            ],
        )


def _wanted(audio: Path, name: str, language: str, consent: str | None) -> Wanted:
    """The same checks, and the same words, as the API's."""
    from pydantic import ValidationError

    from charafy.kernel.http.errors import sentence
    from charafy.kernel.media.recordings import MAX_RECORDING_BYTES
    from charafy.voices.schemas import UpdateVoice
    from charafy.voices.service import Wanted

    try:
        checked = UpdateVoice(name=name, language=language)  # type: ignore[arg-type]
    except ValidationError as error:
        raise fail(sentence(error.errors()[0])[0]) from None
    try:
        with audio.open("rb") as file:
            data = file.read(MAX_RECORDING_BYTES + 1)
    except OSError as error:
        raise fail(f"{audio} can't be read: {error.strerror}.") from None
    return Wanted(data, checked.name, checked.language, (consent or "").strip() or None)


def _clone(house: House, account_id: str, wanted: Wanted) -> VoiceInfo:
    from charafy.voices.schemas import QualityAnswer
    from charafy.voices.service import RecordingRefused

    with _bars() as bars:
        task = bars.add_task("Cloning", total=1)
        try:
            voice = house.voice_room.clones.clone_for_operator(
                account_id, wanted, lambda done: bars.update(task, completed=done)
            )
        except RecordingRefused as error:
            bars.stop()
            for line in measured(QualityAnswer.of(error.quality)):
                out().print(line)
            raise
        bars.update(task, completed=1)
    return voice


def _refine(house: House, voice: VoiceInfo) -> None:
    refinery = house.voice_room.refinery
    if not refinery.refines:
        err().print("There is nothing to refine: the cloner of this server does it all at once.")
        return
    job = refinery.claim(_REFINER, voice.voice_id)
    with _bars() as bars:
        task = bars.add_task("Refining", total=1 if job else None)
        if job is None:
            _wait(house, voice)
        else:
            try:
                refinery.refine(job, lambda done: bars.update(task, completed=done))
            except KeyboardInterrupt:
                refinery.put_down(job)
                raise
            bars.update(task, completed=1)
    after = house.voices.audible(voice.voice_id)
    assert after.clone
    out().print(f"Refinement: {state(after.clone.refinement)}")
    out().print(likeness(after.clone.method, after.clone.similarity))


def _wait(house: House, voice: VoiceInfo) -> None:
    """The worker was quicker: it does the same."""
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until:
        now = house.voices.audible(voice.voice_id).clone
        if now is None or now.refinement not in ("waiting", "running"):
            return
        time.sleep(0.5)


def _report(voice: VoiceInfo) -> Iterator[str]:
    from charafy.voices.schemas import QualityAnswer

    assert voice.clone
    yield from measured(QualityAnswer.model_validate(voice.clone.quality))
    yield likeness(voice.clone.method, voice.clone.similarity)


def _find(voices: list[VoiceInfo], wanted: str) -> VoiceInfo:
    found = [v for v in voices if v.clone and wanted.lower() in (v.voice_id, v.name.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise fail(f"Several voices are called {wanted}: use the id.")
    raise fail(f"There is no cloned voice called {wanted} (`charafy voices list` shows them).")


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description:9}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=err(),
    )
