"""/metrics of a process that answers no other HTTP requests."""

from __future__ import annotations

import hmac
import socket
import threading
from contextlib import AbstractContextManager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Literal, Self

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import SecretStr

from charafy import __version__
from charafy.kernel.observe import Metrics
from charafy.kernel.refused import StartRefused
from charafy.kernel.settings import Settings

log = structlog.get_logger("charafy.metrics")

PATIENCE_S: Final = 5.0
"""For whoever connects and says nothing."""


class DoorTaken(StartRefused):
    """The port can't be used; the message says what to do."""


class MetricsDoor:
    """Tells the registry to the token's holder, or without one to whoever reaches the address.

    In threads of its own: it answers while an event loop stands still.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        host: str,
        port: int,
        *,
        token: SecretStr | None,
        setting: str,
    ) -> None:
        """`setting` names the port in the sentence of `DoorTaken`."""
        family = _IPv6Server if ":" in host else _Server
        try:
            self._server = family((host, port), _handler(registry, token))
        except OSError as error:
            raise DoorTaken(
                f"Port {port} on {host} can't be used for metrics ({error.strerror}): "
                f"set {setting} to another."
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        log.info("metrics_told", port=self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # who is slow to take an answer holds up no end


class _IPv6Server(_Server):
    address_family = socket.AF_INET6


def _handler(registry: CollectorRegistry, token: SecretStr | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_S

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self._answer(404, "text/plain", b"Metrics are at /metrics.\n")
            elif not _may(self.headers.get("authorization", ""), token):
                self._answer(403, "text/plain", b"Metrics are for the holder of their token.\n")
            else:
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:
            """Who reads metrics is not worth a line."""

    return Handler


def _may(given: str, token: SecretStr | None) -> bool:
    if token is None:
        return True
    said = given.removeprefix("Bearer ").encode()
    return hmac.compare_digest(said, token.get_secret_value().encode())


def metrics_door(
    metrics: Metrics, settings: Settings, process: Literal["worker", "talk"]
) -> AbstractContextManager[object]:
    """Where this process tells its metrics, while it is entered; nothing where no port is set.

    Raises `DoorTaken`.
    """
    metrics.introduce(process, __version__)
    port = settings.worker_metrics_port if process == "worker" else settings.talk_metrics_port
    if port is None:
        return nullcontext()
    return MetricsDoor(
        metrics.registry,
        settings.metrics_host,
        port,
        token=settings.metrics_token,
        setting=f"CHARAFY_{process.upper()}_METRICS_PORT",
    )
