"""A collector of traces: a real HTTP server on loopback that reads what OpenTelemetry sends."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A span as it arrived; ids in hexadecimal."""

    name: str
    service: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for the first of a trace."""
    facts: dict[str, Any]
    began_ns: int
    ended_ns: int
    failed: bool
    links: tuple[str, ...]
    """Traces that it points to."""
    events: int


@dataclass
class Collector:
    """`mood` is the status that it answers with; `silent` has it answer nothing at all."""

    mood: int = 200
    silent: threading.Event | None = None
    """Until it is set, nobody is answered."""
    asked: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    _spans: list[Seen] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.silent is not None:
            self.silent.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE_S)

    @property
    def spans(self) -> list[Seen]:
        with self._lock:
            return list(self._spans)

    def named(self, name: str) -> list[Seen]:
        return [span for span in self.spans if span.name == name]

    def waits(self, for_what: Callable[[list[Seen]], Any], patience_s: float = PATIENCE_S) -> Any:
        """What `for_what` finds among the spans, as soon as it finds anything."""
        until = time.monotonic() + patience_s
        while not (found := for_what(self.spans)):
            names = sorted({span.name for span in self.spans})
            assert time.monotonic() < until, f"only these came: {names}"
            time.sleep(0.05)
        return found

    def one(self, name: str) -> Seen:
        """The one span of this name, waited for."""
        found: list[Seen] = self.waits(lambda spans: [span for span in spans if span.name == name])
        (span,) = found
        return span

    def take(self, headers: dict[str, str], body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.asked += 1
            self.headers.append(headers)
            self.bodies.append(body)
            for group in request.resource_spans:
                service = _facts(group.resource.attributes)["service.name"]
                for scope in group.scope_spans:
                    self._spans += [_seen(span, service) for span in scope.spans]


def _seen(span: Any, service: str) -> Seen:
    return Seen(
        name=span.name,
        service=service,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        facts=_facts(span.attributes),
        began_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        failed=span.status.code == 2,
        links=tuple(link.trace_id.hex() for link in span.links),
        events=len(span.events),
    )


def _facts(attributes: Any) -> dict[str, Any]:
    return {
        fact.key: getattr(fact.value, fact.value.WhichOneof("value") or "string_value")
        for fact in attributes
    }


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if collector.silent is not None:
                collector.asked += 1
                collector.silent.wait(PATIENCE_S)
                return
            assert self.path == "/v1/traces"
            assert self.headers["content-type"] == "application/x-protobuf"
            if collector.mood == 200:
                collector.take({k.lower(): v for k, v in self.headers.items()}, body)
            else:
                collector.asked += 1
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(collector.mood)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests are quiet."""

    return Handler
