"""The network of this machine as a test would like it: ways to servers that are cut, dead or slow.

All ways are carried by one thread, so that there may be one from every process to every server.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

Trouble = Literal["none", "cut", "silent", "late"]
"""`cut`: what is connected is reset, and whoever comes. `silent`: connections stay and are taken,
but nothing comes through until it is over; then what waited does. `late`: every piece takes
`LATE_S` more. An answer in bytes instead: that one, to everybody; what is connected is reset."""

LATE_S: Final = 0.1
_MOST: Final = 65_536
_RESET: Final = struct.pack("ii", 1, 0)
_PATIENCE_S: Final = 10.0
T = TypeVar("T")


class Way:
    """From 127.0.0.1:`port` to another port of this machine. Made by `Network.way`."""

    def __init__(self, target: int, loop: asyncio.AbstractEventLoop) -> None:
        self.port = 0
        self._target = target
        self._loop = loop
        self._trouble: Trouble | bytes = "none"
        self._passable = asyncio.Event()
        self._passable.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def be(self, trouble: Trouble | bytes) -> None:
        """From now on, also for those that are connected. From any thread; returns at once."""
        self._loop.call_soon_threadsafe(self._be, trouble)

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._came, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._reset()
        tasks = list(self._carrying)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _be(self, trouble: Trouble | bytes) -> None:
        self._trouble = trouble
        if trouble == "silent":
            self._passable.clear()
        else:
            self._passable.set()
        if trouble == "cut" or isinstance(trouble, bytes):
            self._reset()

    def _reset(self) -> None:
        for writer in list(self._open):
            _abort(writer)

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError, TimeoutError):
                await self._serve(reader, writer)
        finally:
            self._open.discard(writer)
            self._carrying.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passable.wait()
        trouble = self._trouble
        if trouble == "cut":
            _abort(writer)
        elif isinstance(trouble, bytes):
            await reader.read(_MOST)
            writer.write(trouble)
            await writer.drain()
            writer.write_eof()
            async with asyncio.timeout(_PATIENCE_S):
                while await reader.read(_MOST):  # a reset would overtake the answer
                    pass
        else:
            await self._carry(reader, writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._open.add(far_writer)
        try:
            await asyncio.gather(
                self._pass(reader, far_writer, writer), self._pass(far_reader, writer, far_writer)
            )
        finally:
            self._open.discard(far_writer)
            far_writer.close()

    async def _pass(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        """Until its end. What fails at one end is the end of both: `back` leads to `source`."""
        try:
            while data := await source.read(_MOST):
                if self._trouble == "late":
                    await asyncio.sleep(LATE_S)
                await self._passable.wait()
                target.write(data)
                await target.drain()
            target.write_eof()
        except OSError:
            _abort(target)
            _abort(back)


class Network:
    """Ways to servers of this machine; closed together at the end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network")
        self._ways: list[Way] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for way in self._ways:
            self._do(way.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_PATIENCE_S)
        self._loop.close()

    def way(self, target: int) -> Way:
        """A new one, which nothing troubles yet, to 127.0.0.1:`target`."""
        way = Way(target, self._loop)
        self._do(way.listen())
        self._ways.append(way)
        return way

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)


def _abort(writer: asyncio.StreamWriter) -> None:
    """Reset it, rather than end it in peace."""
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
