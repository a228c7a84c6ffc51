"""How the command line speaks: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from charafy.house import House


def out() -> Console:
    # Into a file or a pipe nothing is folded: a program reads it.
    return Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 400)


def err() -> Console:
    return Console(stderr=True, soft_wrap=True, highlight=False)


def fail(message: str) -> typer.Exit:
    """Say what is wrong on standard error; raise the result to leave with status 1."""
    err().print(f"[red]charafy:[/red] {message}")
    return typer.Exit(1)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a heading; numbers align to the right."""
    view = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int) for row in rows)
        view.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        view.add_row(*("" if cell is None else str(cell) for cell in row))
    out().print(view)


@contextmanager
def open_house() -> Iterator[House]:
    """The house on this machine's settings, its schema current, beside a running server or not."""
    with built_house() as house:
        house.ground.make_current()
        yield house


@contextmanager
def built_house() -> Iterator[House]:
    """The house on this machine's settings, its database as it is."""
    # Imported here so that `charafy --help` and the like don't load the whole house.
    from charafy.house import build_house
    from charafy.kernel.observe import configure_logs
    from charafy.kernel.settings import Settings

    settings = Settings()
    configure_logs("warning", settings.log_format)
    settings.home.mkdir(parents=True, exist_ok=True)
    house = build_house(settings)
    try:
        yield house
    finally:
        house.close()
