"""What the feature speaks of: endpoints, deliveries and attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypedDict

EventType = Literal[
    "video.completed", "video.failed", "voice.cloned", "voice.refined", "conversation.ended"
]
EVENT_TYPES: tuple[EventType, ...] = (
    "video.completed",
    "video.failed",
    "voice.cloned",
    "voice.refined",
    "conversation.ended",
)
"""What an endpoint may listen to."""
TEST_EVENT = "webhook.test"
"""Sent on request to one endpoint, whatever it listens to."""

OLD_SECRET_LIFE = timedelta(hours=24)
"""How long a replaced secret goes on signing beside its successor."""
MAX_OLD_SECRETS = 4
"""More signatures than this would make a header that servers refuse."""
RESPONSE_BYTES = 2_048
"""How much of an endpoint's answer is kept."""

DisabledReason = Literal["owner", "gone", "failing"]
"""Its owner said so; it answered 410; nothing got through for days."""
DeliveryStatus = Literal["pending", "delivered", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of an account's own that is told of events."""

    endpoint_id: str
    account_id: str
    url: str
    description: str
    events: tuple[str, ...] | None
    """None: all of them, also those of later versions."""
    enabled: bool
    disabled_reason: DisabledReason | None
    disabled_at: datetime | None
    generation: int
    """Number of the secret that signs."""
    retiring: tuple[OldSecret, ...]
    """Earlier secrets; those whose time is over don't count."""
    created_at: datetime
    updated_at: datetime

    def generations(self, now: datetime) -> tuple[int, ...]:
        """The secrets that sign at this moment, newest first."""
        old = sorted((s.generation for s in self.retiring if s.until > now), reverse=True)
        return (self.generation, *old)

    def old_secret_until(self, now: datetime) -> datetime | None:
        """When the last replaced secret stops signing; None: only the newest signs."""
        return max((s.until for s in self.retiring if s.until > now), default=None)


@dataclass(frozen=True, slots=True)
class OldSecret:
    generation: int
    until: datetime


class EndpointChanges(TypedDict, total=False):
    """What an update sets; what is missing stays."""

    url: str
    description: str
    events: tuple[str, ...] | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to an endpoint and what came of it."""

    at: datetime
    duration_ms: int
    response_status: int | None
    response_body: str | None
    """At most the first 2 KB."""
    error: str | None
    """Why there was no answer."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    delivery_id: str
    endpoint_id: str
    event_id: str
    """The `webhook-id` header of every attempt."""
    event_type: str
    status: DeliveryStatus
    attempts: Sequence[Attempt]
    """Oldest first; of very many the newest."""
    next_attempt_at: datetime | None
    """None: there won't be one, or it is under way."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EndpointPage:
    endpoints: Sequence[Endpoint]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    deliveries: Sequence[Delivery]
    next_cursor: str | None
