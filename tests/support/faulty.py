"""A way to a real server on this machine that can be made to fail, for whoever goes through it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Literal, Self

Fault = Literal["none", "refuses", "silent", "cut"]
"""`refuses`: every connection is reset. `silent`: what comes is read, no answer comes. `cut`: the
connection is reset after `passes` bytes of answers. An answer in bytes: that one, to everybody."""

_MOST: Final = 65_536
_RESET: Final = struct.pack("ii", 1, 0)


class FaultyWay:
    """Passes TCP connections on to a port, each in two threads, until it is told to fail.

    A fault is for connections that are there already as well.
    """

    def __init__(self, port: int) -> None:
        self.fault: Fault | bytes = "none"
        self.passes = 0
        self.fails_left = -1
        """So many connections get the fault, then all is well again; -1: all get it."""
        self.connections = 0
        self._target = port
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, name="faulty way")]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        for thread in self._threads:
            thread.join(timeout=10)
            assert not thread.is_alive()

    def drop(self) -> None:
        """Reset every connection that is open."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                came, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(came,), name="faulty way: one")
            self._threads.append(thread)
            thread.start()

    def _serve(self, came: socket.socket) -> None:
        self.connections += 1
        fault = self._now()
        if self.fails_left > 0:
            self.fails_left -= 1
        with self._keeping(came), contextlib.suppress(OSError):
            if fault == "refuses":
                came.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            elif isinstance(fault, bytes):
                came.recv(_MOST)
                came.sendall(fault)
                came.shutdown(socket.SHUT_WR)
                while came.recv(_MOST):  # a reset would overtake the answer
                    pass
            else:
                self._pass_on(came)

    def _now(self) -> Fault | bytes:
        return self.fault if self.fails_left else "none"

    def _pass_on(self, came: socket.socket) -> None:
        goes = socket.create_connection(("127.0.0.1", self._target), timeout=10)
        goes.settimeout(None)
        with self._keeping(goes):
            back = threading.Thread(target=self._answers, args=(goes, came))
            back.start()
            with contextlib.suppress(OSError):
                while data := came.recv(_MOST):
                    fault = self._now()
                    if fault == "refuses" or isinstance(fault, bytes):
                        came.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                        break
                    if fault != "silent":
                        goes.sendall(data)
            with contextlib.suppress(OSError):
                goes.shutdown(socket.SHUT_RDWR)
            back.join(timeout=10)

    def _answers(self, goes: socket.socket, came: socket.socket) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := goes.recv(_MOST):
                if self.fault == "silent":
                    continue
                if self.fault == "cut" and passed + len(data) > self.passes:
                    came.sendall(data[: self.passes - passed])
                    came.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    break
                passed += len(data)
                came.sendall(data)
        with contextlib.suppress(OSError):
            came.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _keeping(self, one: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(one)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(one)
            one.close()
