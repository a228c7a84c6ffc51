"""For whoever watches the server: alive, ready, metrics."""

import hmac
import ipaddress
from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.registry import Collector
from pydantic import SecretStr
from starlette.responses import JSONResponse, Response

from charafy.kernel.errors import Forbidden
from charafy.kernel.observe import Metrics

Check = Callable[[], str | None]
"""None when all is well, else one sentence saying what is not."""


def router(
    metrics: Metrics,
    checks: Mapping[str, Check],
    token: SecretStr | None,
    *,
    readings: Collector | None = None,
) -> APIRouter:
    """`readings` are told behind the process's own metrics."""
    api = APIRouter(include_in_schema=False)
    of_the_house = CollectorRegistry()
    if readings is not None:
        of_the_house.register(readings)

    @api.get("/healthz")
    async def alive() -> dict[str, str]:
        """The process runs its event loop; says nothing about what it depends on."""
        return {"status": "alive"}

    @api.get("/readyz")
    def ready() -> JSONResponse:
        """503 until every part can do its work, so that a balancer sends no one here before."""
        problems = {name: problem for name, check in checks.items() if (problem := check())}
        status = "waiting" if problems else "ready"
        return JSONResponse({"status": status, "problems": problems}, 503 if problems else 200)

    @api.get("/metrics")
    def read_metrics(request: Request) -> Response:
        """Prometheus text, for the holder of the token or, without one, for this machine only."""
        if not _may_read(request, token):
            raise Forbidden("Metrics are for this machine, or for the holder of the metrics token.")
        told = generate_latest(metrics.registry) + generate_latest(of_the_house)
        return Response(told, media_type=CONTENT_TYPE_LATEST)

    return api


def _may_read(request: Request, token: SecretStr | None) -> bool:
    if token is not None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.get_secret_value().encode())
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:  # what a proxy put into X-Forwarded-For need not be an address
        return False
