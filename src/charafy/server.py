"""Run the HTTP server until it is told to stop, and stop it so that no request is lost.

On SIGTERM it goes on for `Settings.drain_s` while `/readyz` says 503 and every answer ends its
connection; then it lets nobody new connect, answers whoever had, and ends.
"""

from __future__ import annotations

import asyncio
import ctypes
import signal
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from charafy.kernel.http.heads import BoundedHeads
from charafy.kernel.refused import StartRefused
from charafy.kernel.settings import Settings

GRACE_S: Final = 20
"""How long requests under way may take to finish once a stop was asked for."""

_QUEUE_S: Final = 0.2
"""How long whoever had connected, but not been accepted, is given to be."""
_SO_ATTACH_FILTER: Final = 26
_NO_NEW: Final = (
    (0x30, 0, 0, 13),  # the flags of TCP's header
    (0x54, 0, 0, 0x12),  # of them SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone begins a connection:
    (0x06, 0, 0, 0),  # dropped
    (0x06, 0, 0, 0xFFFFFFFF),
)
"""A socket filter for Linux: code, jump if true, jump if false, operand."""


class CannotListen(StartRefused):
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
    """Serve on `sock` until SIGINT or SIGTERM; `ready` is called once requests are answered.

    From the first of them on `app.state.stopping` is set.
    """
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
    _Server(config, ready, settings.drain_s).run(sockets=[sock])


class _Server(uvicorn.Server):
    """Tells when it answers, and when it won't for long."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], drain_s: float) -> None:
        super().__init__(config)
        self._ready = ready
        self._drain_s = drain_s
        self._until_s: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.config.app.state.stopping.set()  # type: ignore[union-attr]
        if sig == signal.SIGTERM and self._drain_s and self._until_s is None:
            self._captured_signals.append(sig)
            self._until_s = time.monotonic() + self._drain_s
            # With every answer from now on; a client that keeps its connection looks for another.
            self.config.encoded_headers.append((b"connection", b"close"))
            self.server_state.default_headers = list(self.config.encoded_headers)
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        ends = await super().on_tick(counter)
        return ends or (self._until_s is not None and time.monotonic() >= self._until_s)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for sock in sockets or []:
            _let_nobody_new_in(sock)
        # Closing a socket resets whoever is connected and not accepted yet.
        await asyncio.sleep(_QUEUE_S)
        await super().shutdown(sockets)


def _let_nobody_new_in(sock: socket.socket) -> None:
    """Have the system ignore who begins to connect; it tries again, and then is refused."""
    program = b"".join(struct.pack("HBBI", *step) for step in _NO_NEW)
    held = ctypes.create_string_buffer(program)
    with suppress(OSError):  # not Linux: some that connect at this very moment are reset
        sock.setsockopt(
            socket.SOL_SOCKET,
            _SO_ATTACH_FILTER,
            struct.pack("HL", len(_NO_NEW), ctypes.addressof(held)),
        )
