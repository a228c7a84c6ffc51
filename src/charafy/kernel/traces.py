"""Spans, from a request to the last frame of what it asked for. Off unless the settings say where
they go; then `otlp.py` takes the place of what is here.

No span holds a text, a prompt, a token, an address or who somebody is: names and facts are words of
this code, numbers, and ids of works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Literal, TypeVar

from charafy.kernel.metrics import Process
from charafy.kernel.settings import Settings

T = TypeVar("T")
Kind = Literal["internal", "server", "client", "consumer"]
Fact = str | int | float | bool


class Span:
    """Something that takes time; this one is of nobody."""

    __slots__ = ()

    @property
    def carried(self) -> str | None:
        """As W3C's `traceparent`, for whoever goes on with it; None: nobody traces this."""
        return None

    def rename(self, name: str) -> None:
        """Only some know their name at their end."""

    def add(self, **facts: Fact) -> None:
        """Note facts; a dot in a name is written as two underscores."""

    def failed(self, error: BaseException) -> None:
        """Note the kind of the error, never its words."""

    def end(self) -> None:
        """It is over; a second call does nothing."""


NO_SPAN: Final = Span()


class Traces:
    """Makes spans; this one makes none. Thread-safe, never waits, never raises."""

    __slots__ = ()

    @property
    def on(self) -> bool:
        return False

    def begin(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str | None = None,
        ago_s: float = 0.0,
        **facts: Fact,
    ) -> Span:
        """A span that began `ago_s` seconds ago and goes on until `Span.end`.

        `parent`: what `Span.carried` gave, here or elsewhere; default: the span around this one.
        """
        return NO_SPAN

    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str | None = None,
        inside: bool = False,
        **facts: Fact,
    ) -> AbstractContextManager[Span]:
        """A span around what is done while it is entered, which spans in there belong to.

        `inside`: only if something is traced around it.
        """
        return nullcontext(NO_SPAN)

    def record(
        self,
        name: str,
        *,
        began_s: float,
        ended_s: float,
        parent: str | None = None,
        **facts: Fact,
    ) -> str | None:
        """A span that is over; both by the monotonic clock. What `Span.carried` says of it."""
        return None

    def carried(self) -> str | None:
        """The span around this, as W3C's `traceparent`."""
        return None

    def around(
        self, name: str, start: Callable[[], Iterator[T]], **facts: Fact
    ) -> Callable[[], Iterator[T]]:
        """`start`, with a span from its call to the end of what it gives, in any thread.

        It belongs to the span around this call.
        """
        return start

    def close(self) -> None:
        """Send what is left, within a bound."""


OFF: Final = Traces()


def traces_of(settings: Settings, process: Process, version: str) -> Traces:
    """What the settings say; nothing of OpenTelemetry is loaded while it is off."""
    endpoint = settings.otlp_endpoint
    if endpoint is None:
        return OFF
    from charafy.kernel.otlp import OtlpTraces

    return OtlpTraces(
        endpoint,
        headers=settings.otlp_header_map,
        ratio=settings.trace_ratio,
        process=process,
        version=version,
    )
