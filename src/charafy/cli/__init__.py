"""The operator's door: the `charafy` command, working beside a running server."""

from __future__ import annotations

import os
import sys

import typer
from pydantic import ValidationError

from charafy import __version__
from charafy.cli import (
    accounts,
    backup,
    characters,
    converse,
    credits,
    doctor,
    keys,
    migrate,
    models,
    say,
    serve,
    video,
    voices,
)
from charafy.cli.console import err
from charafy.kernel.errors import CharafyError
from charafy.kernel.refused import StartRefused


def build() -> typer.Typer:
    """The command with all its rooms."""
    app = typer.Typer(
        name="charafy",
        help="Give anyone a character that speaks, shows its face and talks back.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    app.callback()(_options)
    serve.add_to(app)
    migrate.add_to(app)
    say.add_to(app)
    video.add_to(app)
    converse.add_to(app)
    doctor.add_to(app)
    backup.add_to(app)
    app.add_typer(keys.app(), name="keys", help="API keys.")
    app.add_typer(credits.app(), name="credits", help="Balance, ledger and grants.")
    app.add_typer(accounts.app(), name="accounts", help="Accounts and sign-in links.")
    app.add_typer(characters.app(), name="characters", help="Characters.")
    app.add_typer(voices.app(), name="voices", help="Voices.")
    app.add_typer(models.app(), name="models", help="Model files: fetch, list, verify.")
    return app


def main() -> None:
    """Run the command; a refusal is one sentence on standard error and status 1."""
    # Matrices here are small: threads that wait for each other on busy cores made them five times
    # slower. Read once, when numpy is imported; child processes inherit it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        build()()
    except CharafyError as error:
        err().print(f"[red]charafy:[/red] {error.message}")
        sys.exit(1)
    except StartRefused as error:
        err().print(f"[red]charafy:[/red] {error}")
        sys.exit(1)
    except ValidationError as error:
        # Of settings: whatever else is checked says itself what it refuses.
        err().print(f"[red]charafy:[/red] {refusal(error)}")
        sys.exit(1)
    except BrokenPipeError:
        # The reader (head, less) has seen enough; without this Python complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def refusal(error: ValidationError) -> str:
    """What of the settings is wrong, in one line; never what was given, which may be a secret."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    words = first["msg"].removeprefix("Value error, ")
    name = "__".join(str(part) for part in first["loc"]).upper()
    return f"CHARAFY_{name}: {words}" if name else words


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and leave."
    ),
) -> None:
    """Give anyone a character that speaks, shows its face and talks back."""
