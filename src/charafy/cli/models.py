"""`charafy models`: the model files, verified by hash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from charafy.cli.console import err, fail, out, table
from charafy.engines.weights import MANIFEST, Model, Store, WeightsUnavailable

if TYPE_CHECKING:
    from charafy.kernel.settings import Settings

SERVING = ("campplus", "kokoro", "portrait", "silero-vad", "whisper-base")
"""What every server needs to speak, show a face and hear; to think, see `minds.model_of`."""

TESTING = ("smollm2-135m",)
"""What tests think with instead: a tenth of the size."""


def app() -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)
    group.command("pull")(pull)
    group.command("list")(show)
    group.command("verify")(verify)
    return group


def pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models to fetch; default: those a server needs.")
    ] = None,
    for_tests: Annotated[
        bool, typer.Option("--for-tests", help="What tests need: a small model that thinks.")
    ] = False,
    quiet_if_present: Annotated[
        bool, typer.Option("--quiet-if-present", help="Say nothing when all is there.")
    ] = False,
) -> None:
    """Fetch missing model files and verify them."""
    from charafy.kernel.settings import Settings

    settings = Settings()
    store = Store(settings.models)
    wanted = names or needed(settings, for_tests=for_tests)
    if unknown := [name for name in wanted if name not in MANIFEST]:
        raise fail(f"There is no model {unknown[0]}: there are {', '.join(MANIFEST)}.")
    present = {s.model.name for s in store.statuses() if s.state == "present"}
    for name in wanted:
        if name not in present:
            _fetch(store, MANIFEST[name])
        elif not quiet_if_present:
            out().print(f"{name} is here.")


def needed(settings: Settings, *, for_tests: bool) -> list[str]:
    """Names of the models that this house uses."""
    from charafy.minds import model_of

    if for_tests:
        return [*SERVING, *TESTING]
    thinks = model_of(settings)
    return [*SERVING, thinks] if thinks else [*SERVING]


def show() -> None:
    """List model files and whether they are here."""
    from charafy.kernel.settings import Settings

    settings = Settings()
    table(
        ("model", "MB", "state", "licence", "by"),
        [
            (s.model.name, s.model.size // 1_000_000, s.state, s.model.licence, s.model.attribution)
            for s in Store(settings.models).statuses()
        ],
    )
    err().print(f"[dim]in {settings.models}[/dim]")


def verify() -> None:
    """Read every file and compare its hash; leave with status 1 when one is damaged."""
    from charafy.kernel.settings import Settings

    store = Store(Settings().models)
    states = [store.verify(name) for name in MANIFEST]
    for status in states:
        out().print(f"{status.model.name}: {status.state}")
    if any(status.state == "damaged" for status in states):
        raise fail("Fetch damaged models anew with `charafy models pull`.")


def _fetch(store: Store, model: Model) -> None:
    with _bar(model.name) as (bar, task):
        try:
            store.ensure(model.name, lambda n, of: bar.update(task, completed=n, total=of))
        except WeightsUnavailable as error:
            raise fail(str(error)) from error


@contextmanager
def _bar(name: str) -> Iterator[tuple[Progress, TaskID]]:
    columns = (
        TextColumn("Fetching {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=err()) as bar:
        yield bar, bar.add_task(name, total=None)
