"""`charafy serve | api | worker | talk`: the processes of a running Charafy."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from charafy.cli.console import fail

if TYPE_CHECKING:
    from charafy.kernel.metrics import Process
    from charafy.kernel.settings import Settings

HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
PortOption = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")
]
_THREAD_LIMITS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def add_to(app: typer.Typer) -> None:
    app.command("serve")(serve)
    app.command("api")(api)
    app.command("worker")(worker)
    app.command("talk")(talk)


def serve(host: HostOption = None, port: PortOption = None) -> None:
    """Start Charafy whole on this machine; the first start makes an owner and demo characters."""
    _run(host, port, greet=True, with_others=True)


def api(host: HostOption = None, port: PortOption = None) -> None:
    """Start the HTTP process alone: API, files and pages."""
    _run(host, port, greet=False, with_others=False)


def worker(
    supervised: Annotated[
        bool, typer.Option("--supervised", hidden=True, help="End when standard input ends.")
    ] = False,
) -> None:
    """Start the process that makes videos, alone; `serve` starts one by itself."""
    # Numeric libraries read these once, when they are loaded; a video keeps one core busy.
    for name in _THREAD_LIMITS:
        os.environ.setdefault(name, "1")
    from charafy.worker import run

    settings = _settings(None, None)
    # Videos side by side share the cores; each keeps to one.
    settings = settings.model_copy(update={"voice_threads": settings.voice_threads or 1})
    _beside("worker", run, settings, supervised)


def talk(
    supervised: Annotated[
        bool, typer.Option("--supervised", hidden=True, help="End when standard input ends.")
    ] = False,
) -> None:
    """Start the process that carries live conversations, alone; `serve` starts one by itself."""
    # Engines side by side share the cores, and none may spin for long while it waits for another;
    # the language model's threads meet at every layer, and sleeping there takes half its speed.
    for name in _THREAD_LIMITS:
        os.environ.setdefault(name, "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    from charafy.talk.run import run

    _beside("talk", run, _settings(None, None), supervised)


def _beside(
    process: Process, run: Callable[..., None], settings: Settings, supervised: bool
) -> None:
    """Run a process that works beside the API, in a house of its own."""
    from charafy.house import build_house
    from charafy.kernel.home import require_home
    from charafy.kernel.observe import configure_logs
    from charafy.kernel.patience import patiently
    from charafy.kernel.refused import StartRefused

    configure_logs(settings.log_level, settings.log_format)
    ending = contextlib.ExitStack()
    try:
        require_home(settings.home)
        house = build_house(settings, process=process)
        ending.callback(house.close)
        # Films and conversations go on without Redis, so theirs are replaced without it too.
        house.ground.check_redis(may_be_away=True)
        patiently(house.db.answers, settings.start_wait_s)
        house.ground.make_current(serves=True)
        house.storage.check(may_be_away=True)
        run(house, supervised=supervised)
    except StartRefused as error:
        raise fail(str(error)) from error
    finally:
        ending.close()


def _run(host: str | None, port: int | None, *, greet: bool, with_others: bool) -> None:
    # Imported here so that `charafy --help` and the like don't load the whole house.
    from charafy import supervisor
    from charafy.app import build_app
    from charafy.first_start import first_start, welcome
    from charafy.house import build_house
    from charafy.kernel.db import one_process
    from charafy.kernel.home import require_home
    from charafy.kernel.observe import configure_logs
    from charafy.kernel.patience import patiently
    from charafy.kernel.refused import StartRefused
    from charafy.server import listen, run

    settings = _settings(host, port)
    configure_logs(settings.log_level, settings.log_format)
    try:
        sock = listen(settings)
    except StartRefused as error:
        raise fail(str(error)) from error
    settings = settings.model_copy(update={"port": sock.getsockname()[1]})
    worker = supervisor.worker(settings.host, settings.port)
    talker = supervisor.talk(settings.host, settings.port)
    ending = contextlib.ExitStack()  # all of it, whatever of it fails
    ending.callback(sock.close)
    try:
        require_home(settings.home)
        house = build_house(settings)
        for end in (house.close, worker.stop, talker.stop):
            ending.callback(end)
        patiently(house.ground.check_redis, settings.start_wait_s)
        patiently(house.db.answers, settings.start_wait_s)
        house.ground.make_current(serves=True)
        house.storage.check(may_be_away=True)
        with one_process(house.db, "first start"):
            first = first_start(house)
            house.demo.account.open()

        def ready() -> None:
            if with_others and settings.worker:
                worker.start()
            if with_others and settings.talk:
                talker.start()
            if greet or first:
                owner = house.accounts.owner()
                token = house.accounts.sign_in_link(owner.account_id) if owner else ""
                typer.echo(welcome(house, first, token))
            else:
                typer.echo(f"Charafy's API answers at {settings.base_url}", err=True)

        run(build_app(house), settings, sock, ready)
    except StartRefused as error:
        raise fail(str(error)) from error
    finally:
        ending.close()


def _settings(host: str | None, port: int | None) -> Settings:
    from charafy.kernel.settings import Settings

    given = {"host": host, "port": port}
    changed = {name: value for name, value in given.items() if value is not None}
    return Settings().model_copy(update=changed)
