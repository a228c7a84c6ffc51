"""Run the HTTP server until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from charafy.kernel.http.heads import BoundedHeads
from charafy.kernel.settings import Settings

GRACE_S = 20
"""How long requests under way may take to finish once a stop was asked for."""


class CannotListen(RuntimeError):
    """The address is taken or not ours; the message says what to do."""


def listen(settings: Settings) -> socket.socket:
    """Take the address before anything is loaded, so that a taken port is said at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((settings.host, settings.port))
    except OSError as error:
        sock.close()
        raise CannotListen(
            f"Port {settings.port} on {settings.host} can't be used ({error.strerror}): "
            "set CHARAFY_PORT or CHARAFY_HOST to another."
        ) from error
    return sock


def run(app: FastAPI, settings: Settings, sock: socket.socket, ready: Callable[[], None]) -> None:
    """Serve on `sock` until SIGINT or SIGTERM; `ready` is called once requests are answered."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_S,
        backlog=2048,
        lifespan="on",
        http=BoundedHeads,
        ws="none",
    )
    _Server(config, ready).run(sockets=[sock])


class _Server(uvicorn.Server):
    """Tells when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
