"""The client of Charafy's API, for programs elsewhere: needs httpx and nothing of the server.

    from charafy.client import Client

Live conversation is `charafy.client.conversation`; that needs aiortc as well.
"""

from charafy.client.api.client import Client
from charafy.client.api.errors import (
    ApiError,
    AuthenticationError,
    BadAnswer,
    Conflict,
    ConnectionFailed,
    InsufficientCredits,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    TimedOut,
    UpstreamFailed,
    WrongSignature,
)
from charafy.client.api.given import OMITTED
from charafy.client.api.media import Media
from charafy.client.api.pacing import Pacing
from charafy.client.api.pages import Page, Pages
from charafy.client.api.values import Anchors, Box, Point
from charafy.client.api.videos import VideoFailed, VideoNotReady
from charafy.client.api.webhooks import Event, verify_webhook
from charafy.client.ticket import Ticket
from charafy.kernel.errors import CharafyError

__all__ = [
    "OMITTED",
    "Anchors",
    "ApiError",
    "AuthenticationError",
    "BadAnswer",
    "Box",
    "CharafyError",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Event",
    "InsufficientCredits",
    "InvalidRequest",
    "Media",
    "NotFound",
    "Pacing",
    "Page",
    "Pages",
    "PermissionDenied",
    "Point",
    "RateLimited",
    "ServerError",
    "Ticket",
    "TimedOut",
    "UpstreamFailed",
    "VideoFailed",
    "VideoNotReady",
    "WrongSignature",
    "verify_webhook",
]
