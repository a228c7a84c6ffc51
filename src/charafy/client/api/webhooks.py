"""Webhooks: where events go, and whether one is ours."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from charafy.client.api.decode import decode
from charafy.client.api.errors import BadAnswer, WrongSignature
from charafy.client.api.given import OMITTED, Omitted, without_none, without_omitted
from charafy.client.api.pages import Pages
from charafy.client.api.transport import Transport, at

EventType = Literal[
    "video.completed", "video.failed", "voice.cloned", "voice.refined", "conversation.ended"
]
TOLERANCE_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Event:
    """`event_id` is the same every time it is sent: who remembers it does nothing twice."""

    event_id: str
    type: str
    timestamp: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`events` None: all."""

    endpoint_id: str
    url: str
    events: tuple[str, ...] | None
    description: str
    enabled: bool
    disabled_reason: Literal["owner", "gone", "failing"] | None
    disabled_at: datetime | None
    old_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class EndpointWithSecret(Endpoint):
    """`secret` is shown this once, and None where the answer is a repeated one."""

    secret: str | None


@dataclass(frozen=True, slots=True)
class DeletedEndpoint:
    endpoint_id: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    attempted_at: datetime
    duration_ms: int
    response_status: int | None
    response_body: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    delivery_id: str
    endpoint_id: str
    event_id: str
    event_type: str
    status: Literal["pending", "delivered", "failed", "cancelled"]
    attempts: tuple[Attempt, ...]
    next_attempt_at: datetime | None
    created_at: datetime


class Webhooks:
    def __init__(self, api: Transport) -> None:
        self._api = api

    def list(self, *, limit: int | None = None) -> Pages[Endpoint]:
        return self._api.pages(Endpoint, "/webhooks", "endpoints", {"limit": limit})

    def get(self, endpoint_id: str) -> Endpoint:
        return self._api.ask(Endpoint, "GET", at("/webhooks/{}", endpoint_id))

    def create(
        self,
        url: str,
        *,
        events: Sequence[EventType] | None = None,
        description: str | None = None,
        idempotency_key: str | None = None,
    ) -> EndpointWithSecret:
        body = without_none(url=url, events=events, description=description)
        key = idempotency_key
        return self._api.ask(EndpointWithSecret, "POST", "/webhooks", json=body, key=key)

    def update(
        self,
        endpoint_id: str,
        *,
        url: str | Omitted = OMITTED,
        events: Sequence[EventType] | Omitted | None = OMITTED,
        enabled: bool | Omitted = OMITTED,
        description: str | Omitted = OMITTED,
    ) -> Endpoint:
        body = without_omitted(url=url, events=events, enabled=enabled, description=description)
        return self._api.ask(Endpoint, "PATCH", at("/webhooks/{}", endpoint_id), json=body)

    def delete(self, endpoint_id: str) -> DeletedEndpoint:
        return self._api.ask(DeletedEndpoint, "DELETE", at("/webhooks/{}", endpoint_id))

    def rotate(self, endpoint_id: str) -> EndpointWithSecret:
        """A new secret; the old one signs beside it for a day."""
        return self._api.ask(EndpointWithSecret, "POST", at("/webhooks/{}/rotate", endpoint_id))

    def test(self, endpoint_id: str) -> Delivery:
        return self._api.ask(Delivery, "POST", at("/webhooks/{}/test", endpoint_id))

    def deliveries(self, endpoint_id: str, *, limit: int | None = None) -> Pages[Delivery]:
        path = at("/webhooks/{}/deliveries", endpoint_id)
        return self._api.pages(Delivery, path, "deliveries", {"limit": limit})

    def redeliver(self, delivery_id: str) -> Delivery:
        return self._api.ask(Delivery, "POST", at("/webhooks/deliveries/{}/redeliver", delivery_id))


def verify_webhook(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> Event:
    """The event, if we sent it; `body` as it came, byte for byte. `now`: seconds since 1970.

    Raises `WrongSignature` for any other; `ValueError` for a `secret` that is none.
    """
    names = {name.lower(): value for name, value in headers.items()}
    event_id, sent_at = names.get("webhook-id"), names.get("webhook-timestamp")
    signatures = names.get("webhook-signature")
    if not (event_id and sent_at and signatures):
        raise WrongSignature("This isn't signed.", code="signature_missing")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 16):
        raise WrongSignature("Its time is none.", code="signature_expired")
    if abs((time.time() if now is None else now) - int(sent_at)) > tolerance_s:
        raise WrongSignature("This is too old, or a clock is wrong.", code="signature_expired")
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    digest = hmac.digest(key, f"{event_id}.{sent_at}.".encode() + body, "sha256")
    expected = b"v1," + base64.b64encode(digest)
    # While a secret is changed there is a signature of the old one and one of the new.
    given = [each.encode(errors="replace") for each in signatures.split(" ")]
    if not any(hmac.compare_digest(each, expected) for each in given):
        raise WrongSignature("The signature is wrong.")
    return _event(event_id, body)


def _event(event_id: str, body: bytes) -> Event:
    try:
        said = json.loads(body)
    except ValueError:
        raise BadAnswer("The event is no JSON.") from None
    return decode(Event, {**said, "event_id": event_id} if isinstance(said, dict) else said)
