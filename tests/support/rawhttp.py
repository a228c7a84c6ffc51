"""An HTTP client of which a test sees every byte, and that can leave rudely."""

from __future__ import annotations

import json
import socket
import struct
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

WAIT_S = 10.0


class Exchange:
    """One POST of JSON over one connection."""

    def __init__(
        self,
        base_url: str,
        path: str,
        body: Any,
        *,
        receive_buffer: int | None = None,
        **headers: str,
    ) -> None:
        url = urlsplit(base_url)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(WAIT_S)
        self._socket.connect((url.hostname, url.port))
        content = json.dumps(body).encode()
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: {url.netloc}",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + content)
        self._received = b""

    def __enter__(self) -> Exchange:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers (names in lower case), once they are there."""
        while b"\r\n\r\n" not in self._received:
            assert self._read(), "the connection ended before the headers"
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split()[1]), headers

    def chunk(self) -> bytes | None:
        """The next chunk of the body; b"" at its proper end, None when it was broken off."""
        while b"\r\n" not in self._received:
            if not self._read():
                return None
        size, _, self._received = self._received.partition(b"\r\n")
        length = int(size, 16)
        while len(self._received) < length + 2:
            if not self._read():
                return None
        data, self._received = self._received[:length], self._received[length + 2 :]
        return data

    def rest(self) -> tuple[bytes, bool]:
        """All further chunks together, and whether the body came to its proper end."""
        data = b""
        while chunk := self.chunk():
            data += chunk
        return data, chunk is not None

    def leave(self) -> None:
        """Reset the connection, as a closed laptop's would be."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _read(self) -> bool:
        try:
            data = self._socket.recv(65_536)
        except ConnectionResetError:
            return False
        self._received += data
        return bool(data)
