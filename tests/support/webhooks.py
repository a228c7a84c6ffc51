"""A developer's server that is told of events, and checks as the specification says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
from dataclasses import dataclass
from typing import Any

from tests.support.servers import Answer, LocalServer, answer

OK = answer(b"thanks")


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came over the wire."""

    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    def signatures(self) -> list[str]:
        return self.headers["webhook-signature"].split(" ")

    def is_signed_with(self, secret: str) -> bool:
        """HMAC-SHA256 over `id.timestamp.body` under the secret's base64, by the specification."""
        kind, _, encoded = secret.partition("_")
        assert kind == "whsec"
        signed = b".".join(
            [self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body]
        )
        digest = hmac.new(base64.b64decode(encoded, validate=True), signed, hashlib.sha256)
        return "v1," + base64.b64encode(digest.digest()).decode() in self.signatures()


class Receiver(LocalServer):
    """Gives its answers one after the other and the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self._script = list(answers or (OK,))
        self._turn = threading.Lock()
        super().__init__(self._next)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/hook?from=charafy"

    @property
    def received(self) -> list[Received]:
        return [Received(_headers(head), body) for head, body in self.exchanges]

    def answers(self, *answers: Answer) -> None:
        """Go on with these."""
        with self._turn:
            self._script = list(answers)

    def _next(self, connection: socket.socket, stop: threading.Event) -> None:
        with self._turn:
            reply = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        reply(connection, stop)


def _headers(head: str) -> dict[str, str]:
    lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
    return {name.lower(): value for name, _, value in lines}
