"""`charafy video`: a character says something, into a video file, on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from charafy.cli.console import err, fail, open_house
from charafy.cli.options import AccountOption, ServerOption, account_of, character_of

if TYPE_CHECKING:
    from charafy.client import Client
    from charafy.house import House
    from charafy.videos.models import Order, Video
    from charafy.videos.schemas import CreateVideo


def add_to(app: typer.Typer) -> None:
    app.command("video")(video)


def video(
    text: Annotated[str, typer.Argument(help="What to say (1-5,000 characters).")],
    *,
    character: Annotated[
        str, typer.Option("--character", help="Name or id of one of the account's characters.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="A file: .mp4 or .webm")],
    aspect: Annotated[
        str | None, typer.Option("--aspect", help="1:1 (512x512), 9:16 (720x1280), 16:9.")
    ] = None,
    size: Annotated[
        str | None, typer.Option("--size", help="Pixels instead of --aspect, as 640x480.")
    ] = None,
    fps: Annotated[int, typer.Option("--fps", help="Frames per second.")] = 25,
    background: Annotated[
        str,
        typer.Option(
            "--background",
            help="keep, blur, transparent (.webm only), a colour (#f5efe6) or a picture file.",
        ),
    ] = "keep",
    sprite: Annotated[
        bool, typer.Option("--sprite", help="The lighter animation that web pages show.")
    ] = False,
    speed: Annotated[float, typer.Option("--speed")] = 1.0,
    account: AccountOption = None,
    server: ServerOption = None,
) -> None:
    """Let a character say something, into a video. Here the operator's own videos are free."""
    picture = Path(background) if Path(background).is_file() else None
    wanted = _checked(
        text=text,
        aspect=aspect,
        **_sides(size),
        fps=fps,
        background="keep" if picture else background,
        format=output.suffix.lower().removeprefix("."),
        avatar_type="sprite" if sprite else "motion",
        speed=speed,
    )
    if not output.parent.is_dir():
        raise fail(f"There is no folder {output.parent}.")
    if server:
        from charafy.cli.remote import character_there, open_server

        with open_server(server, account) as client:
            who = character_there(client, character)
            seconds = _make_there(client, who.character_id, wanted, picture, output)
        name = who.name
    else:
        name, seconds = _make_here(account, character, wanted, picture, output)
    err().print(f"{name} speaks for {seconds:.1f} s in {output}.")


def _make_here(
    account: str | None,
    character: str,
    wanted: CreateVideo,
    picture: Path | None,
    output: Path,
) -> tuple[str, float]:
    """The speaker's name, and how long it speaks."""
    from charafy.kernel.ids import new_id
    from charafy.videos.models import Video

    with open_house() as house:
        owner = account_of(house, account)
        who = character_of(house, owner.account_id, character)
        speaker = house.speech.character(owner.caller(), who.character_id)
        order = _order(wanted, speaker.engine_voice, speaker.language)
        with _background(house, order, picture) as ordered:
            film = Video.unlisted(
                new_id(), owner.account_id, who.character_id, ordered, house.clock.now()
            )
            return who.name, _make(house, film, output)


def _make_there(
    client: Client, character_id: str, wanted: CreateVideo, picture: Path | None, output: Path
) -> float:
    """How long it speaks."""
    from charafy.client.api.given import linked

    background = linked(picture, "image/png") if picture else wanted.background
    width, height = wanted.size()
    with _bars() as bars:
        ordered = client.videos.create(
            character_id,
            wanted.text,
            avatar_type=wanted.avatar_type,
            speed=wanted.speed,
            width=width,
            height=height,
            fps=wanted.fps,
            background=background,
            format=wanted.format,
        )
        filming = bars.add_task("Filming", total=1)
        video = client.videos.wait(
            ordered, on_progress=lambda v: bars.update(filming, completed=v.progress)
        )
        try:
            client.videos.download(video, output)
        except OSError as error:
            raise fail(f"{output} can't be written: {error.strerror}.") from None
        bars.update(filming, completed=1)
    return video.duration_s or 0.0


def _checked(**fields: Any) -> CreateVideo:
    """The same checks, and the same words, as the API's."""
    from pydantic import ValidationError

    from charafy.kernel.http.errors import sentence
    from charafy.videos.schemas import CreateVideo

    try:
        return CreateVideo(character_id="", **fields)
    except ValidationError as error:
        problem = error.errors()[0]
        if problem["loc"] == ("format",):
            raise fail("The file's name must end in .mp4 or .webm.") from None
        raise fail(sentence(problem)[0]) from None


def _sides(size: str | None) -> dict[str, int]:
    if size is None:
        return {}
    width, _, height = size.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise fail("--size must be width x height in pixels, such as 640x480.")
    return {"width": int(width), "height": int(height)}


def _order(wanted: CreateVideo, engine_voice: str, language: Any) -> Order:
    from charafy.videos.models import Order

    width, height = wanted.size()
    return Order(
        text=wanted.text,
        engine_voice=engine_voice,
        language=language,
        speed=wanted.speed,
        avatar_type=wanted.avatar_type,
        width=width,
        height=height,
        fps=wanted.fps,
        background=wanted.checked_background(),
        format=wanted.format,
    )


@contextmanager
def _background(house: House, order: Order, picture: Path | None) -> Iterator[Order]:
    """The order with its picture where studios look for it, while the film is made."""
    from dataclasses import replace

    from charafy.kernel.ids import new_id
    from charafy.kernel.media.images import PhotoReader

    if picture is None:
        yield order
        return
    photo = PhotoReader().read(picture.read_bytes())
    key = f"videos/{new_id()}/background.{photo.ending}"
    house.storage.put(key, photo.data, photo.content_type)
    try:
        yield replace(order, background=key)
    finally:
        house.storage.delete(key)


def _make(house: House, wanted: Video, output: Path) -> float:
    """Film beside the output and put it in its place when it is whole; seconds."""
    from charafy.videos.models import Failure
    from charafy.worker import studio_of

    unfinished = output.with_name(f".{wanted.video_id}{output.suffix.lower()}")
    studio = studio_of(house)
    try:
        with _bars() as bars:
            speaking = bars.add_task("Speaking", total=1)
            spoken = studio.speak(
                wanted.order, lambda done: bars.update(speaking, completed=min(1.0, done))
            )
            bars.update(speaking, completed=1)
            filming = bars.add_task("Filming", total=1)
            seconds = studio.film(
                wanted, spoken, unfinished, lambda done: bars.update(filming, completed=done)
            )
        os.replace(unfinished, output)  # noqa: PTH105 - one step, also over an older film
    except Failure as error:
        raise fail(error.message) from None
    except OSError as error:
        raise fail(f"{output} can't be written: {error.strerror}.") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return seconds


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description:9}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=err(),
    )
