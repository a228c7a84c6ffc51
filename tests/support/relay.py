"""A stretch of network between two ends of WebRTC that can be cut.

Every address that one end tells the other is replaced by one of ours, which passes packets on to
it. While it is `cut`, none comes through, and nobody is told: as when a phone leaves the Wi-Fi.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import threading
from types import TracebackType
from typing import Any, Final, Self

_CANDIDATE: Final = re.compile(
    r"(candidate:\S+ \d udp \d+) (\d+\.\d+\.\d+\.\d+) (\d+)", re.IGNORECASE
)
_OTHERS: Final = re.compile(r"^a=candidate:(?!.* udp \d+ \d+\.\d+\.\d+\.\d+ ).*\r\n", re.I | re.M)
_MOST: Final = 65_536

Address = tuple[str, int]


class Relay:
    """Passes packets in a thread of its own."""

    def __init__(self) -> None:
        self.cut = False
        self.passed = 0
        """Packets."""
        self._doors: dict[Address, Address] = {}
        self._routes: dict[socket.socket, dict[Address, socket.socket]] = {}
        """By the socket that an end sends to: who came, and the socket in whose name it goes on."""
        self._selector = selectors.DefaultSelector()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="relay")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=10)
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def described(self, said: dict[str, Any]) -> dict[str, Any]:
        """An offer or an answer whose addresses lead through here."""
        if "sdp" not in said:
            return said
        sdp = _OTHERS.sub("", said["sdp"])
        return said | {"sdp": _CANDIDATE.sub(self._replaced, sdp)}

    def _replaced(self, found: re.Match[str]) -> str:
        host, port = self._door((found[2], int(found[3])))
        return f"{found[1]} {host} {port}"

    def _door(self, target: Address) -> Address:
        with self._lock:
            if target not in self._doors:
                door = self._opened(target[0])
                self._routes[door] = {}
                self._doors[target] = door.getsockname()
                self._selector.register(door, selectors.EVENT_READ, ("in", target))
            return self._doors[target]

    def _opened(self, host: str) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((host, 0))
        opened.setblocking(False)
        return opened

    def _work(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(timeout=0.05):
                assert isinstance(key.fileobj, socket.socket)
                with contextlib.suppress(OSError), self._lock:
                    self._pass_on(key.fileobj, *key.data)

    def _pass_on(self, came: socket.socket, way: str, *rest: Any) -> None:
        packet, sender = came.recvfrom(_MOST)
        if self.cut:
            return
        self.passed += 1
        if way == "back":
            door, client = rest
            door.sendto(packet, client)
            return
        (target,) = rest
        routes = self._routes[came]
        if sender not in routes:
            routes[sender] = self._opened(target[0])
            self._selector.register(routes[sender], selectors.EVENT_READ, ("back", came, sender))
        routes[sender].sendto(packet, target)
