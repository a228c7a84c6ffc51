"""What happens around every request: an id, bounds on its body, a log line, metrics, safe headers.

Plain ASGI: Starlette's BaseHTTPMiddleware breaks streaming and costs a task per request.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from charafy.kernel.errors import CharafyError
from charafy.kernel.http.errors import error_response
from charafy.kernel.http.intake import Intake, Vouch
from charafy.kernel.observe import Metrics, describe
from charafy.kernel.outages import away, database_away
from charafy.kernel.traces import NO_SPAN, OFF, Span, Traces

log = structlog.get_logger("charafy.http")

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SAFE_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
_UNTRACED: Final = ("/healthz", "/readyz", "/metrics", "/static/")
"""Asked for all the time, and nobody wonders why they take long."""
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class RequestContext:
    """Outermost layer: nothing leaves the server without an id, nothing fails without a shape."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        vouch: Vouch | None = None,
        traces: Traces = OFF,
    ) -> None:
        """`vouch` lets those send large bodies whom it knows; without it all may."""
        self._app = app
        self._metrics = metrics
        self._vouch = vouch
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        intake = Intake(scope, receive, self._vouch)
        exchange = _Exchange(scope, intake, send, self._metrics)
        with structlog.contextvars.bound_contextvars(request_id=exchange.request_id):
            if not self._traces.on or scope["path"].startswith(_UNTRACED):
                await exchange.run(self._app)
                return
            given = Headers(scope=scope).get("traceparent")
            with self._traces.span("request", kind="server", parent=given) as span:
                exchange.span = span
                await exchange.run(self._app)


class _Exchange:
    """One request and its response."""

    def __init__(self, scope: Scope, intake: Intake, send: Send, metrics: Metrics) -> None:
        self._scope, self._intake, self._send = scope, intake, send
        self._metrics = metrics
        self._started = time.perf_counter()
        self._status = 0
        given = Headers(scope=scope).get("x-request-id", "")
        self.request_id = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        self._extra: dict[str, str] = {}
        self.span: Span = NO_SPAN
        scope.setdefault("state", {}).update(
            request_id=self.request_id, extra_headers=self._extra, started=self._started
        )

    async def run(self, app: ASGIApp) -> None:
        try:
            await self._intake.check_announced()
            await app(self._scope, self._intake.receive, self.send)
        except CharafyError as error:
            await self._answer(error.status, error.message, error.code, error.headers)
        except Exception as error:  # noqa: BLE001 - the last line of defence: our shape, no trace
            log.error("request_failed", **describe(error))
            if database_away(error):
                told = away()
                await self._answer(told.status, told.message, told.code, told.headers)
                return
            await self._answer(500, "Something went wrong on our end.", "internal_error")
        finally:
            self._record()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self.request_id
            if (trace := self.span.carried) is not None:
                headers["traceresponse"] = trace
            for name, value in {**_SAFE_HEADERS, **self._extra}.items():
                headers.setdefault(name, value)
            self._metrics.request_seconds.labels(*self._route()).observe(self._elapsed())
        await self._send(message)

    async def _answer(
        self, status: int, message: str, code: str, headers: Mapping[str, str] = _NONE
    ) -> None:
        if self._status:  # the response has begun: all that is left is to break it off
            raise ConnectionAbortedError("response broken off")
        response = error_response(Request(self._scope), status, message, code, headers=headers)
        await response(self._scope, self._intake.receive, self.send)

    def _route(self) -> tuple[str, str]:
        route: Any = self._scope.get("route")
        if route is None:
            return self._scope["method"], "unmatched"
        return self._scope["method"], _with_prefix(self._scope["path"], route.path)

    def _elapsed(self) -> float:
        return time.perf_counter() - self._started

    def _record(self) -> None:
        method, route = self._route()
        self._metrics.requests.labels(method, route, str(self._status)).inc()
        if code := self._scope["state"].get("error_code"):
            self._metrics.errors.labels(code).inc()
            self.span.add(error__code=code)
        self.span.rename(f"{method} {route}")
        self.span.add(
            http__request__method=method,
            http__route=route,
            http__response__status_code=self._status,
        )
        self.span.add(request__id=self.request_id)
        log.info(
            "request",
            method=method,
            route=route,
            status=self._status,
            ms=round(self._elapsed() * 1000, 1),
        )


def _with_prefix(path: str, template: str) -> str:
    """The route's whole template: a route of an included router knows only its own part."""
    missing = path.count("/") - template.count("/")
    if missing <= 0 or ":path}" in template:
        return template
    return "/".join(path.split("/")[: missing + 1]) + template
