"""`charafy migrate`: the schema, brought to this version before any process starts."""

from __future__ import annotations

from typing import Annotated

import typer

from charafy.cli.console import built_house, err, out


def add_to(app: typer.Typer) -> None:
    app.command("migrate")(migrate)


def migrate(
    new_secret: Annotated[
        bool,
        typer.Option(
            "--new-secret",
            help="Have the database belong to this machine's secret from now on. Keys, sessions "
            "and links of the one before end: stop every process first.",
        ),
    ] = False,
) -> None:
    """Bring the database's schema to this version, and leave. Processes that start do it, too."""
    from charafy.kernel.migrate import migrate as bring
    from charafy.kernel.s3 import MARK

    # Whose secret it is, is asked when a server starts: a job that migrates needs none.
    with built_house() as house:
        if not new_secret:
            bring(house.db)
            out().print("The schema is this version's.")
            return
        house.ground.take_database()
        bucket = house.settings.bucket
    out().print("The schema is this version's, and the database belongs to this machine's secret.")
    if bucket is not None:
        # Not by itself: what else is in the bucket would be swept away if it isn't ours.
        err().print(
            f"Media in {bucket} are marked with the secret before: remove {MARK} there, if they "
            "are this Charafy's."
        )
