"""Traces by OpenTelemetry, sent by OTLP over HTTP. Only loaded when an address is set.

A bounded queue and a thread of its own carry spans away: what doesn't fit is dropped, and a
collector that is silent is waited for by nobody.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from charafy.kernel.metrics import Process
from charafy.kernel.traces import NO_SPAN, Fact, Kind, Span, Traces

log = structlog.get_logger("charafy.traces")

T = TypeVar("T")

QUEUE: Final = 4_096
"""Spans that may wait; a busy server makes some hundred a second."""
BATCH: Final = 512
EVERY_S: Final = 2.0
SEND_S: Final = 5.0
"""For one batch, with what is tried again."""
CLOSE_S: Final = 3.0
QUIET_S: Final = 60.0
"""However long a collector is away: one line so often."""
_KINDS: Final[Mapping[Kind, trace.SpanKind]] = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "consumer": trace.SpanKind.CONSUMER,
}
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class OtlpTraces(Traces):
    """See `Traces`."""

    __slots__ = ("_provider", "_tracer")

    def __init__(
        self,
        endpoint: str,
        *,
        headers: Mapping[str, str],
        ratio: float,
        process: Process,
        version: str,
    ) -> None:
        """`ratio` of all traces are kept, the same ones in every process, whoever began them."""
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it is said by `_Export`
        kept = TraceIdRatioBased(ratio)
        self._provider = TracerProvider(
            sampler=ParentBased(
                kept, remote_parent_sampled=kept, remote_parent_not_sampled=ALWAYS_OFF
            ),
            resource=Resource(
                {
                    "service.name": f"charafy-{process}",
                    "service.namespace": "charafy",
                    "service.version": version,
                }
            ),
            shutdown_on_exit=False,  # `close` is bounded, theirs is not
        )
        exporter = OTLPSpanExporter(endpoint=endpoint, headers=dict(headers), timeout=SEND_S)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                _Export(exporter),
                max_queue_size=QUEUE,
                max_export_batch_size=BATCH,
                schedule_delay_millis=EVERY_S * 1_000,
            )
        )
        self._tracer = self._provider.get_tracer("charafy", version)

    @property
    def on(self) -> bool:
        return True

    def begin(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str | None = None,
        ago_s: float = 0.0,
        **facts: Fact,
    ) -> Span:
        return _Open(self._started(name, kind, parent, time.time() - ago_s, facts))

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str | None = None,
        inside: bool = False,
        **facts: Fact,
    ) -> Iterator[Span]:
        if inside and not trace.get_current_span().is_recording():
            yield NO_SPAN
            return
        started = self._started(name, kind, parent, time.time(), facts)
        opened = _Open(started)
        try:
            with trace.use_span(
                started, end_on_exit=False, record_exception=False, set_status_on_exception=False
            ):
                yield opened
        except BaseException as error:
            opened.failed(error)
            raise
        finally:
            opened.end()

    def record(
        self,
        name: str,
        *,
        began_s: float,
        ended_s: float,
        parent: str | None = None,
        **facts: Fact,
    ) -> str | None:
        offset_s = time.time() - time.monotonic()
        span = self._started(name, "internal", parent, began_s + offset_s, facts)
        span.end(_ns(max(began_s, ended_s) + offset_s))
        return _carried(span)

    def carried(self) -> str | None:
        return _carried(trace.get_current_span())

    def around(
        self, name: str, start: Callable[[], Iterator[T]], **facts: Fact
    ) -> Callable[[], Iterator[T]]:
        parent = self.carried()
        if parent is None:
            return start

        def started() -> Iterator[T]:
            span = _Open(self._started(name, "internal", parent, time.time(), facts))
            source = start()
            try:
                yield from source
            except Exception as error:
                span.failed(error)
                raise
            finally:
                close = getattr(source, "close", None)
                if close is not None:
                    close()
                span.end()

        return started

    def close(self) -> None:
        ending = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(CLOSE_S)

    def _started(
        self, name: str, kind: Kind, parent: str | None, began_s: float, facts: Mapping[str, Fact]
    ) -> trace.Span:
        around = trace.get_current_span()
        context, links = None, []
        if parent is not None:
            context = _PROPAGATOR.extract({"traceparent": parent}, Context())
            known = trace.get_current_span(context).get_span_context()
            # What another trace asked for is found from there, too.
            if around.is_recording() and around.get_span_context().trace_id != known.trace_id:
                links = [trace.Link(around.get_span_context())]
        return self._tracer.start_span(
            name,
            context=context,
            kind=_KINDS[kind],
            attributes=_named(facts),
            links=links,
            start_time=_ns(began_s),
            record_exception=False,  # an exception's words may be a user's
            set_status_on_exception=False,
        )


class _Open(Span):
    """A span of OpenTelemetry's."""

    __slots__ = ("_span",)

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def carried(self) -> str | None:
        return _carried(self._span)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def add(self, **facts: Fact) -> None:
        self._span.set_attributes(_named(facts))

    def failed(self, error: BaseException) -> None:
        self._span.set_attribute("error.type", type(error).__name__)
        self._span.set_status(trace.StatusCode.ERROR)

    def end(self) -> None:
        if self._span.is_recording():
            self._span.end()


class _Export(SpanExporter):
    """Sends, and says now and then that nobody takes it."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._said_s = float("-inf")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS and time.monotonic() - self._said_s > QUIET_S:
            self._said_s = time.monotonic()
            log.warning("traces_not_taken", spans=len(spans))
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def _carried(span: trace.Span) -> str | None:
    context = span.get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _named(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {name.replace("__", "."): fact for name, fact in facts.items()}


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
