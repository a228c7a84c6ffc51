"""Requests and answers of `/v1/webhooks`."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field

from charafy.kernel.clock import iso
from charafy.kernel.http.partial import PartialBody
from charafy.kernel.http.schema import Answer, Body
from charafy.webhooks.models import (
    Attempt,
    Delivery,
    DeliveryStatus,
    DisabledReason,
    Endpoint,
    EventType,
)
from charafy.webhooks.service import EndpointChanges

_ID: Final = "0d4b8f0a-6a3c-4a55-8f0e-2f5c7d1b9e11"
_DELIVERY_ID: Final = "b1f3c7d2-95c8-4b7e-9f43-0a7f2c61d5e8"
_EVENT_ID: Final = "5e2a9c40-1c6f-4f0b-8d57-6b3a94e7f210"
_TIME: Final = "2026-01-01T00:00:00Z"


def _printable(text: str) -> str:
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        raise ValueError("must not contain control characters.")
    return text.strip()


def _once_each(events: list[EventType] | None) -> list[EventType] | None:
    return None if events is None else list(dict.fromkeys(events))


Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_048,
        description="Where events are sent: https, port 443, a public address.",
        examples=["https://example.com/charafy"],
    ),
]
Events = Annotated[
    list[EventType] | None,
    Field(
        min_length=1,
        max_length=32,
        description="Events to be told of; null: all, also those of later versions.",
        examples=[["video.completed", "video.failed"]],
    ),
    AfterValidator(_once_each),
]
Description = Annotated[
    str,
    Field(max_length=200, description="To tell your endpoints apart.", examples=["Production"]),
    AfterValidator(_printable),
]


class CreateEndpoint(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"url": "https://example.com/charafy", "events": ["video.completed"]}
        }
    )

    url: Url
    events: Events = None
    description: Description = ""


class UpdateEndpoint(PartialBody):
    """Only what is sent changes; `"events": null` asks for all."""

    url: Url = ""
    events: Events = None
    enabled: bool = Field(True, description="false stops events and cancels those that wait.")
    description: Description = ""

    def changes(self) -> EndpointChanges:
        sent: EndpointChanges = {}
        sent.update(self.model_dump(exclude_unset=True))  # type: ignore[typeddict-item]
        return sent


_ENDPOINT: Final[dict[str, Any]] = {
    "endpoint_id": _ID,
    "url": "https://example.com/charafy",
    "events": ["video.completed"],
    "description": "Production",
    "enabled": True,
    "disabled_reason": None,
    "disabled_at": None,
    "old_secret_until": None,
    "created_at": _TIME,
    "updated_at": _TIME,
}


class EndpointAnswer(Answer):
    """A webhook endpoint without its secret."""

    model_config = ConfigDict(json_schema_extra={"example": _ENDPOINT})

    endpoint_id: str
    url: str
    events: list[str] | None = Field(description="null: all.")
    description: str
    enabled: bool
    disabled_reason: DisabledReason | None = Field(
        description="owner: you did; gone: it answered 410; failing: nothing got through for days."
    )
    disabled_at: str | None
    old_secret_until: str | None = Field(
        description="Until then the secret before the last rotation signs as well."
    )
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, endpoint: Endpoint, now: datetime) -> EndpointAnswer:
        return cls(**cls.fields_of(endpoint, now))

    @staticmethod
    def fields_of(endpoint: Endpoint, now: datetime) -> dict[str, Any]:
        until = endpoint.old_secret_until(now)
        return {
            "endpoint_id": endpoint.endpoint_id,
            "url": endpoint.url,
            "events": None if endpoint.events is None else list(endpoint.events),
            "description": endpoint.description,
            "enabled": endpoint.enabled,
            "disabled_reason": endpoint.disabled_reason,
            "disabled_at": endpoint.disabled_at and iso(endpoint.disabled_at),
            "old_secret_until": until and iso(until),
            "created_at": iso(endpoint.created_at),
            "updated_at": iso(endpoint.updated_at),
        }


class EndpointWithSecret(EndpointAnswer):
    """The only answer that shows the secret; a replay by Idempotency-Key has null there."""

    model_config = ConfigDict(
        json_schema_extra={"example": {**_ENDPOINT, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYsw…"}}
    )

    secret: str | None


class EndpointList(Answer):
    endpoints: list[EndpointAnswer]
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null at the end."
    )


class DeletedEndpoint(Answer):
    endpoint_id: str = Field(examples=[_ID])
    deleted: bool = True


class AttemptAnswer(Answer):
    attempted_at: str = Field(examples=[_TIME])
    duration_ms: int = Field(examples=[131])
    response_status: int | None = Field(description="null: no answer came.", examples=[503])
    response_body: str | None = Field(description="Its first 2 KB.", examples=["busy"])
    error: str | None = Field(description="Why no answer came.", examples=[None])

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptAnswer:
        return cls(
            attempted_at=iso(attempt.at),
            duration_ms=attempt.duration_ms,
            response_status=attempt.response_status,
            response_body=attempt.response_body,
            error=attempt.error,
        )


class DeliveryAnswer(Answer):
    """One event on its way to one endpoint."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "delivery_id": _DELIVERY_ID,
                "endpoint_id": _ID,
                "event_id": _EVENT_ID,
                "event_type": "video.completed",
                "status": "pending",
                "attempts": [
                    {
                        "attempted_at": _TIME,
                        "duration_ms": 131,
                        "response_status": 503,
                        "response_body": "busy",
                        "error": None,
                    }
                ],
                "next_attempt_at": "2026-01-01T00:00:05Z",
                "created_at": _TIME,
            }
        }
    )

    delivery_id: str
    endpoint_id: str
    event_id: str = Field(description="The webhook-id header of every attempt.")
    event_type: str
    status: DeliveryStatus
    attempts: list[AttemptAnswer] = Field(description="Oldest first; at most the last 30.")
    next_attempt_at: str | None
    created_at: str

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryAnswer:
        return cls(
            delivery_id=delivery.delivery_id,
            endpoint_id=delivery.endpoint_id,
            event_id=delivery.event_id,
            event_type=delivery.event_type,
            status=delivery.status,
            attempts=[AttemptAnswer.of(attempt) for attempt in delivery.attempts],
            next_attempt_at=delivery.next_attempt_at and iso(delivery.next_attempt_at),
            created_at=iso(delivery.created_at),
        )


class DeliveryList(Answer):
    deliveries: list[DeliveryAnswer]
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null at the end."
    )
