"""`charafy migrate`: the schema, brought to this version before any process starts."""

from __future__ import annotations

import typer

from charafy.cli.console import open_house, out


def add_to(app: typer.Typer) -> None:
    app.command("migrate")(migrate)


def migrate() -> None:
    """Bring the database's schema to this version, and leave. Processes that start do it, too."""
    with open_house():
        out().print("The schema is this version's.")
